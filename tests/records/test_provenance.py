import platform
import subprocess

import torch

from mmlib.records import provenance as module
from mmlib.records.provenance import provenance


def git(folder, *arguments):
    who = ["-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def test_versions_and_machine_are_recorded():
    record = provenance()
    assert record["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert record["versions"]["python"] == platform.python_version()
    assert record["threads"] == torch.get_num_threads()


def test_commit_and_changes_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ROOT", tmp_path)
    git(tmp_path, "init")
    assert provenance()["commit"] is None
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-m", "x")
    clean = provenance()
    assert len(clean["commit"]) == 40 and clean["dirty"] is False
    (tmp_path / "new").write_text("2")
    assert provenance()["dirty"] is True


def test_the_commit_of_a_repository_around_the_package_is_not_taken(tmp_path, monkeypatch):
    git(tmp_path, "init")
    (tmp_path / "site-packages").mkdir()
    git(tmp_path, "commit", "--allow-empty", "-m", "x")
    monkeypatch.setattr(module, "ROOT", tmp_path / "site-packages")
    assert provenance()["commit"] is None and provenance()["dirty"] is None


def test_no_git_at_all(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert provenance()["commit"] is None
