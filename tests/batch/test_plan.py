"""What a notebook will ask for is known before it is executed, at no cost and without a trace."""

import os
from collections.abc import Callable
from pathlib import Path

import matplotlib
import nbformat
import pytest
from nbformat import v4

from mmlib import paths
from mmlib.batch.notebook_runs import PlanFailed, planned_runs
from mmlib.data.storage.prepared import is_prepared
from mmlib.records.catalogue import RAW
from mmlib.records.profiles import PROFILES
from mmlib.runs import RunSpec, run_all

NAMES = sorted(file.stem for file in paths.NOTEBOOKS.glob("*.ipynb"))
SMALL = {
    "data": "synthetic",
    "data_options": {"samples": [120, 60, 60]},
    "model_options": {"width": 8, "depth": 2},
    "training": {"epochs": 1},
    "seeds": (0,),
    "profile": "smoke",
}
SETUP = f"from mmlib.runs.parallel import run_all\nfrom mmlib.runs import RunSpec\nsmall = {SMALL!r}"
Make = Callable[..., Path]


@pytest.fixture(autouse=True)
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("MMLIB_PROFILE", "smoke")
    return tmp_path / "results"


@pytest.fixture
def toy(tmp_path: Path) -> Make:
    """toy((source, tag or None), ...) -> path of a notebook: parameter ``alpha``, setup, then these cells."""

    def make(*cells: tuple[str, str | None]) -> Path:
        whole = [("alpha = 1.5  # strength", "parameters"), (SETUP, "setup"), *cells]
        notebook = v4.new_notebook(
            cells=[v4.new_markdown_cell("# Toy")]
            + [v4.new_code_cell(source, metadata={"tags": [tag]} if tag else {}) for source, tag in whole]
        )
        nbformat.write(notebook, tmp_path / "toy.ipynb")
        return tmp_path / "toy.ipynb"

    return make


def notebook(name: str) -> Path:
    return paths.NOTEBOOKS / f"{name}.ipynb"


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", NAMES)
def test_every_notebook_names_its_runs_in_every_profile(name, profile, results, monkeypatch, capfd):
    monkeypatch.setenv("MMLIB_PROFILE", profile)
    runs = planned_runs(notebook(name))
    # That one trains on what its reader has prepared, which may be nothing.
    assert runs or (name == "25_paper_data" and not any(map(is_prepared, RAW)))
    assert {run.profile for run in runs} <= {profile}
    assert len({run.hash for run in runs}) == len(runs)
    assert capfd.readouterr() == ("", "")
    assert not results.exists()


def test_a_parameter_changes_the_runs_that_depend_on_it_and_no_others():
    before = {run.hash: run for run in planned_runs(notebook("12_agm"))}
    after = {run.hash: run for run in planned_runs(notebook("12_agm"), {"alpha": 0.5})}
    [gone], [new] = (set(before) - set(after)), (set(after) - set(before))
    assert before[gone].method_options["alpha"] == 1.5 and after[new].method_options["alpha"] == 0.5
    assert before[gone].as_dict() | {"method_options": after[new].as_dict()["method_options"]} == after[new].as_dict()


def test_the_last_of_the_strengths_compared_changes_one_run():
    before, after = (planned_runs(notebook("12_agm"), {"alphas": [0.0, last]}) for last in (0.5, 3.0))
    assert [run.hash for run in before[:-1]] == [run.hash for run in after[:-1]]
    assert [run.method_options["alpha"] for run in (before[-1], after[-1])] == [0.5, 3.0]


def test_runs_come_in_their_order_and_once_and_parameters_reach_setup_and_runs(toy):
    first = 'agm = RunSpec(method="agm", method_options={"alpha": alpha}, **small)\nrun_all([agm])'
    second = 'run_all([RunSpec(method="joint", **small), agm], jobs=2)'
    plan = planned_runs(toy((first, "runs"), (second, "runs")), {"alpha": 0.25})
    assert [run.method for run in plan] == ["agm", "joint"]
    assert plan[0].method_options["alpha"] == 0.25


def test_cells_without_these_tags_are_not_executed(toy):
    stop = "raise AssertionError('executed')"
    runs = 'run_all([RunSpec(method="joint", **small)])'
    plan = planned_runs(toy((stop, None), (stop, "results"), (runs, "runs"), (stop, "solution")))
    assert [run.method for run in plan] == ["joint"]


def test_an_unknown_parameter_is_refused_before_any_cell_is_executed(toy):
    with pytest.raises(ValueError, match="unknown parameter of notebook toy 'alhpa'.*mean 'alpha'"):
        planned_runs(toy(("raise AssertionError('executed')", "runs")), {"alhpa": 1.0})


def test_a_value_that_the_notebook_refuses_is_told_with_its_cell():
    with pytest.raises(PlanFailed, match="12_agm: cell 3 .*ValueError: alpha must be"):
        planned_runs(notebook("12_agm"), {"alpha": -1.0})


def test_a_cell_that_needs_a_result_is_told_with_notebook_and_cell(toy):
    cells = ("best = 3", "results"), ("run_all([RunSpec(method='joint', seeds=(best,))])", "runs")
    with pytest.raises(PlanFailed, match="toy: cell 5 .*NameError: name 'best' is not defined.*may use only cells"):
        planned_runs(toy(*cells))


def test_after_a_plan_that_failed_runs_are_computed_again(toy, results):
    with pytest.raises(PlanFailed):
        planned_runs(toy(("1 / 0", "runs")))
    spec = RunSpec(method="joint", **SMALL)
    run_all([spec], jobs=1)
    assert (spec.folder / "metrics.json").is_file()


def test_the_environment_is_left_as_it_was(toy, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "svg")
    before = dict(os.environ)
    changes = "import os\nos.environ.update(MMLIB_RESULTS='elsewhere', TOY='x')\nos.environ.pop('MMLIB_PROFILE')"
    planned_runs(toy((changes, "runs")))
    assert dict(os.environ) == before


def test_no_notebook_changes_the_backend_of_who_plans_it(monkeypatch):
    monkeypatch.setitem(matplotlib.rcParams, "backend", "svg")
    for name in NAMES:
        planned_runs(notebook(name))
    assert matplotlib.get_backend() == "svg"
