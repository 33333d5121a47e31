"""mmlib.notebooks.execute on tiny notebooks: every way a notebook can go wrong without papermill saying so."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from mmlib import paths
from mmlib.notebooks.execute import NotebookFailed, execute, find_notebook

QUIET = {"say": lambda line: None}


def metrics_of(output: Path) -> dict:
    return json.loads((output.with_suffix("") / "metrics.json").read_text())


def leave_an_old_run(folder: Path) -> None:
    (folder / "toy").mkdir(parents=True)
    for name in ("toy.ipynb", "toy/metrics.json", "toy/table.csv"):
        (folder / name).write_text("{}")


def test_a_good_run_leaves_notebook_and_metrics_with_typed_parameters(make_notebook):
    lines = []
    source = make_notebook("import os\nprint(os.getcwd())")
    output = execute(source, {"views": ["fac", "kar"], "epochs": 5, "fast": False}, say=lines.append)
    assert metrics_of(output)["parameters"] == {"views": ["fac", "kar"], "epochs": 5, "label": "x", "fast": False}
    executed = nbformat.read(output, as_version=4)
    assert "widgets" not in executed.metadata
    printed = [out.text for cell in executed.cells for out in cell.get("outputs", []) if out.output_type == "stream"]
    assert printed[0].strip() == str(source.parent)
    assert sorted(file.name for file in output.parent.iterdir()) == [".toy.lock", "toy", "toy.ipynb"]
    assert lines[0].startswith("toy: started with views=") and lines[-1].startswith("toy: done in ")


def test_other_parameters_go_to_a_folder_of_their_own_and_leave_the_suites_results(make_notebook, tmp_path):
    source = make_notebook()
    suite = execute(source, {"epochs": 3}, **QUIET)  # the default
    first = suite.read_bytes()
    other, again, third = (execute(source, {"epochs": epochs}, **QUIET) for epochs in (5, 5, 6))
    assert suite == tmp_path / "results" / "notebooks" / "toy.ipynb" and suite.read_bytes() == first
    assert other == again and len({suite, other, third}) == 3
    assert other.parent.parent.parent == tmp_path / "results" / "variants" and other.parent.parent.name[:4] == "toy-"
    assert metrics_of(suite)["parameters"]["epochs"] == 3 and metrics_of(other)["parameters"]["epochs"] == 5


def test_a_notebook_from_another_folder_leaves_the_suites_results(make_notebook, tmp_path):
    source = make_notebook()
    (tmp_path / "mine").mkdir()
    own = shutil.copy(source, tmp_path / "mine" / source.name)
    suite = execute(source, **QUIET)
    other = execute(own, **QUIET)
    assert suite.parent.parent == tmp_path / "results" and other.parent.parent.parent.name == "variants"


def test_figures_of_an_earlier_run_do_not_outlive_a_failure(make_notebook, tmp_path, monkeypatch):
    listed = {"a": {"notebook": "toy"}, "b": {"notebook": "other"}}
    monkeypatch.setattr("mmlib.notebooks.destination.figures_listed", lambda: listed)
    figures = tmp_path / "results" / "figures"
    figures.mkdir(parents=True)
    for name in ("a.json", "a.png", "a.svg", "b.json", "b.png", "b.svg"):
        (figures / name).write_text("{}")
    with pytest.raises(NotebookFailed):
        execute(make_notebook("1 / 0"), **QUIET)
    assert sorted(file.name for file in figures.iterdir()) == ["b.json", "b.png", "b.svg"]


def test_two_executions_of_one_notebook_do_not_mix(make_notebook, tmp_path):
    log = tmp_path / "log"
    source = make_notebook(
        f"import time\nfor word in 'on', 'off':\n    open({str(log)!r}, 'a').write(word + ' ')\n    time.sleep(2)"
    )
    command = [sys.executable, "-m", "mmlib", "notebook", str(source)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    both = [subprocess.Popen(command, cwd=paths.ROOT, **pipes) for _ in range(2)]
    printed = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    assert log.read_text() == "on off on off "


def test_a_relative_results_folder_means_the_same_for_the_notebook(make_notebook, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    source = make_notebook()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("MMLIB_RESULTS", "mine")
    execute(source, **QUIET)
    assert (tmp_path / "elsewhere" / "mine" / "notebooks" / "toy" / "metrics.json").is_file()


def test_an_unknown_parameter_is_refused_before_anything_runs(make_notebook, tmp_path):
    with pytest.raises(ValueError, match="unknown parameter of notebook toy 'epoch'.*views, epochs.*mean 'epochs'"):
        execute(make_notebook(), {"epoch": 1}, **QUIET)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("value", [Path("x"), {1, 2}, float("nan")])
def test_a_parameter_that_is_no_json_value_is_refused(make_notebook, value):
    with pytest.raises((TypeError, ValueError), match=r"parameters\['views'\]"):
        execute(make_notebook(), {"views": value}, **QUIET)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("raise KeyError('nothing here')", r"failed in cell 3 of 4 \(raise KeyError.*KeyError: 'nothing here'"),
        ("import sys\nsys.exit()", "1 of 4 code cells never ran.*sys.exit"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("import os\nos._exit(0)", r"failed in cell 3 of 4.*[Kk]ernel died"),
    ],
)
def test_a_failing_cell_is_told_and_leaves_no_result(make_notebook, tmp_path, cell, message):
    source = make_notebook(cell)
    folder = tmp_path / "results" / "notebooks"
    leave_an_old_run(folder)
    with pytest.raises(NotebookFailed, match=message) as caught:
        execute(source, {"epochs": 3}, **QUIET)
    assert "with epochs=3" in str(caught.value) and "toy.failed.ipynb" in str(caught.value)
    assert sorted(file.name for file in folder.iterdir() if file.is_file()) == [".toy.lock", "toy.failed.ipynb"]
    assert [file.name for file in (folder / "toy").iterdir()] == ["execution.json"]


def test_a_cell_that_takes_too_long_is_stopped(make_notebook):
    with pytest.raises(NotebookFailed, match="cell 3 of 4.*timed out.*--timeout"):
        execute(make_notebook("import time\ntime.sleep(60)"), timeout=1, **QUIET)


def test_sys_exit_in_the_last_cell_is_a_failure_and_its_metrics_do_not_count(make_notebook, tmp_path):
    source = make_notebook()
    notebook = nbformat.read(source, as_version=4)
    notebook.cells[-1].source += "\nimport sys\nsys.exit()"
    nbformat.write(notebook, source)
    with pytest.raises(NotebookFailed, match="ended with an error, as sys.exit"):
        execute(source, **QUIET)
    folder = tmp_path / "results" / "notebooks" / "toy"
    assert [file.name for file in folder.iterdir()] == ["execution.json"]


def test_missing_metrics_are_a_failure_even_if_an_old_run_left_some(make_notebook, tmp_path):
    leave_an_old_run(tmp_path / "results" / "notebooks")
    with pytest.raises(NotebookFailed, match="wrote no metrics.json.*write_results"):
        execute(make_notebook(report=False), **QUIET)


def test_unknown_notebooks_are_named(tmp_path):
    with pytest.raises(ValueError, match="unknown notebook '99_nothing'"):
        find_notebook("99_nothing")
    with pytest.raises(FileNotFoundError, match="no notebook .*nothing.ipynb"):
        find_notebook(tmp_path / "nothing.ipynb")
