"""The cells from which the runs of a notebook are known before it is executed (mmlib.batch), by their tags."""

import ast

import nbformat
import pytest
from nbformat import NotebookNode

from mmlib import paths

# What reads or computes runs, or loads data: a cell that is executed only to know its runs must not.
HEAVY = {"get_or_run", "table", "history", "inputs_of", "measured", "load", "save_figure", "fit"}


@pytest.fixture(params=sorted(paths.NOTEBOOKS.glob("*.ipynb")), ids=lambda file: file.stem)
def cells(request) -> list[NotebookNode]:
    """The code cells of one notebook."""
    return [cell for cell in nbformat.read(request.param, as_version=4).cells if cell.cell_type == "code"]


def tagged(cells: list[NotebookNode], *tags: str) -> list[NotebookNode]:
    return [cell for cell in cells if set(tags) & set(cell.metadata.get("tags", []))]


def calls(source: str | ast.AST) -> set[str]:
    """Names of the functions called anywhere in it; of methods, their last name."""
    tree = ast.parse(source) if isinstance(source, str) else source
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {getattr(function, "id", getattr(function, "attr", "")) for function in called}


def makers(cells: list[NotebookNode]) -> set[str]:
    """What makes a RunSpec: its name, that of ``specs_of``, and the notebook's functions that call one of these."""
    trees = [ast.parse(cell.source) for cell in cells]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    names, known = set(), {"RunSpec", "specs_of"}
    while names != known:
        names = set(known)
        known |= {function.name for function in functions if calls(function) & known}
    return known


def test_one_cell_sets_up_right_after_the_parameters(cells):
    [parameters], [setup] = tagged(cells, "parameters"), tagged(cells, "setup")
    assert cells.index(setup) == cells.index(parameters) + 1


def test_cells_tagged_runs_ask_for_their_runs(cells):
    assert tagged(cells, "runs")
    for cell in tagged(cells, "runs"):
        assert "run_all" in calls(cell.source), f"cell {cell.id} names no runs"


def test_cells_that_tell_the_runs_read_none_and_load_no_data(cells):
    for cell in tagged(cells, "parameters", "setup", "runs"):
        assert not calls(cell.source) & HEAVY, f"cell {cell.id}: move it to the next cell"


def test_no_other_cell_but_a_solution_makes_specs(cells):
    known = makers(cells)
    others = [cell for cell in cells if cell not in tagged(cells, "setup", "runs", "solution")]
    for cell in others:
        assert not calls(cell.source) & known, f"cell {cell.id}: tag it runs, or the batch engine misses its runs"
