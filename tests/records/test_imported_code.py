"""A run's name belongs to the code that this process imported: tried on a copy of the package in real processes."""

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from mmlib import paths
from mmlib.records.code.imported import modules_in

HEAD = """\
import pathlib, sys
from mmlib.runs.spec import RunSpec
from mmlib.runs import get_or_run
AGM = pathlib.Path("mmlib/methods/agm.py")
small = dict(data="synthetic", data_options={"samples": [40, 20, 20]}, model_options={"width": 4, "depth": 1},
             training={"epochs": 1}, seeds=(0,), profile="smoke")
def spec(**changes):
    return RunSpec(**({"method": "agm"} | small | changes))
def refused(call):
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
"""


@pytest.fixture
def copy(tmp_path) -> Path:
    root = tmp_path / "project"
    shutil.copytree(paths.ROOT / "mmlib", root / "mmlib", ignore=shutil.ignore_patterns("__pycache__"))
    return root


def run(root: Path, script: str) -> str:
    """What ``script`` prints in a process of its own that imports the copy."""
    import os

    environment = os.environ | {"PYTHONPATH": str(root), "MMLIB_RESULTS": str(root / "results")}
    command = [sys.executable, "-c", HEAD + textwrap.dedent(script)]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def name(root: Path) -> str:
    return run(root, "print(spec().hash)")


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_comments_docstrings_line_ends_and_an_editors_files_leave_the_name(copy):
    methods = copy / "mmlib" / "methods"
    before = name(copy)
    edit(methods / "aim" / "method.py", '"""', '"""Another first sentence. ')
    edit(methods / "mcr" / "method.py", "import torch\n", "import torch  # a comment\n\n# and one more\n")
    (methods / "joint.py").write_bytes((methods / "joint.py").read_bytes().replace(b"\n", b"\r\n"))
    (methods / ".#joint.py").symlink_to("nobody@nowhere.1234")  # what Emacs leaves while a file is edited
    (methods / ".ipynb_checkpoints").mkdir()
    (methods / ".ipynb_checkpoints" / "joint-checkpoint.py").write_text("half = (")
    (methods / "joint (copy).py").write_text("half = (")
    assert name(copy) == before
    edit(methods / "agm.py", "LEAST_PROBABILITY = 1e-8", "LEAST_PROBABILITY = 1e-7")
    assert name(copy) != before


def test_only_what_python_can_import_is_a_module(tmp_path):
    for file in ("a.py", "sub/b.py", ".hidden.py", ".ipynb_checkpoints/c.py", "a-checkpoint.py", "c.txt"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    (tmp_path / ".#a.py").symlink_to("nowhere")
    (tmp_path / "d.py").mkdir()
    assert [file.relative_to(tmp_path).as_posix() for file in modules_in(tmp_path)] == ["a.py", "sub/b.py"]


@pytest.mark.parametrize("reload", [False, True], ids=["not reloaded", "reloaded"])
def test_code_that_was_edited_after_its_import_names_no_run(copy, reload):
    printed = run(
        copy,
        f"""
        import importlib, mmlib.methods.agm
        named = spec()
        named.hash
        text = AGM.read_text()
        AGM.write_text(text.replace("LEAST_PROBABILITY = 1e-8", "LEAST_PROBABILITY = 1e-7"))
        if {reload}:
            importlib.reload(mmlib.methods.agm)
        print(refused(lambda: spec().hash))
        print(refused(lambda: get_or_run(named)))
        AGM.write_text("# a comment\\n" + text)
        print(refused(lambda: get_or_run(spec())))
        """,
    ).splitlines()
    for line in printed[:2]:
        assert line.startswith("CodeChanged:") and "methods/agm.py has changed since this process imported" in line
        assert "restart the kernel" in line
    assert printed[2] == "None"
    assert len(list((copy / "results" / "runs").glob("*/metrics.json"))) == 1


def test_a_process_with_other_code_computes_nothing_under_this_name(copy):
    printed = run(
        copy,
        """
        from mmlib.runs.parallel import run_all
        specs = [spec(), spec(method="joint")]
        print(*[s.hash for s in specs])
        AGM.write_text(AGM.read_text().replace("LEAST_PROBABILITY = 1e-8", "LEAST_PROBABILITY = 1e-7"))
        print(refused(lambda: run_all(specs, jobs=2)))
        """,
    )
    names, said = printed.splitlines()
    agm, joint = names.split()
    assert said.startswith(f"CodeChanged: the run {agm}") and "restart this one" in said
    done = [file.parent.name for file in (copy / "results").rglob("metrics.json")]
    assert done == [joint]  # which does not use what was edited
