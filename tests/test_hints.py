"""What the command line says to do where a file is refused depends on which one, and what was to be done with it."""

import errno
import os

import pytest

from mmlib import __main__ as command

RESULTS = " Name a results folder that can be written, with --results or MMLIB_RESULTS."
READABLE = " Make it readable, or remove it, and run the same command again."
REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path / "somewhere" / "results"))
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    (tmp_path / "somewhere" / "results" / "runs").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    return tmp_path


def said(capsys, monkeypatch, error):
    def run(_):
        raise error

    class Parser:
        results = None

        def parse_args(self, _):
            self.run = run
            return self

    monkeypatch.setattr(command, "_parser", Parser)
    assert command.main([]) == 2
    return capsys.readouterr().err.rstrip("\n")


@pytest.mark.parametrize("why", REFUSALS)
@pytest.mark.parametrize("place", ["somewhere/results/runs/.x.partial", "somewhere/results", "somewhere", "."])
def test_a_results_folder_that_cannot_be_written(folder, capsys, monkeypatch, place, why):
    file = str((folder / place).resolve())
    assert said(capsys, monkeypatch, OSError(why, os.strerror(why), file)).endswith(f"'{file}'{RESULTS}")


@pytest.mark.parametrize("why", REFUSALS)
@pytest.mark.parametrize("place", ["data/uci_digits.npz", "data", "specs.yaml", "somewhere/results2/x"])
def test_any_other_file(folder, capsys, monkeypatch, place, why):
    file = str(folder / place)
    assert said(capsys, monkeypatch, OSError(why, os.strerror(why), file)).endswith(f"'{file}'")


@pytest.mark.parametrize("why", [errno.EACCES, errno.EPERM])
def test_a_file_of_the_results_that_cannot_be_read(folder, capsys, monkeypatch, why):
    file = folder / "somewhere" / "results" / "metrics.json"
    file.write_text("{}")
    assert said(capsys, monkeypatch, OSError(why, os.strerror(why), str(file))).endswith(f"'{file}'{READABLE}")


def test_a_lock_is_there_to_be_written(folder, capsys, monkeypatch):
    lock = folder / "somewhere" / "results" / "x.lock"
    lock.touch()
    assert said(capsys, monkeypatch, PermissionError(errno.EACCES, "no", str(lock))).endswith(RESULTS)


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "I/O error", "/x"), OSError(errno.EACCES, "no"), ValueError("x.")]
)
def test_other_errors_have_no_hint(folder, capsys, monkeypatch, error):
    assert said(capsys, monkeypatch, error) == f"mmlib: {error}"
