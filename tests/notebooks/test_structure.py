"""The shape every notebook of the suite has, and the list of its figures."""

import re
import symtable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from mmlib import paths
from mmlib.notebooks.clean import CELL_NOISE, CHECKED, LANGUAGE, saved_figures
from mmlib.records.figure_list import figures_listed
from mmlib.records.origin.parameters import known_parameters

FILES = sorted(paths.NOTEBOOKS.glob("*.ipynb"))
TAGS = {"parameters", "setup", "runs", "results", "solution"}


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def file(request) -> Path:
    return request.param


@pytest.fixture
def notebook(file) -> NotebookNode:
    return nbformat.read(file, as_version=4)


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def words(notebook: NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def tagged(notebook: NotebookNode, tag: str) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def figures_saved() -> dict[str, str]:
    """Figure id -> notebook that saves it."""
    cells = [(file.stem, cell) for file in FILES for cell in code(nbformat.read(file, as_version=4))]
    return {id: name for name, cell in cells for id in saved_figures(cell.source)}


def test_there_are_notebooks_and_they_have_numbers():
    assert FILES and all(re.fullmatch(r"\d\d_[a-z0-9_]+", file.stem) for file in FILES)


def test_it_is_valid_and_runs_on_any_python_kernel(notebook):
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3" and notebook.metadata.language_info == LANGUAGE
    assert "widgets" not in notebook.metadata and "papermill" not in notebook.metadata


def test_no_cell_keeps_what_differs_from_run_to_run(notebook):
    for cell in notebook.cells:
        assert not set(CELL_NOISE) & set(cell.metadata), f"cell {cell.id}: run `make notebooks`"


def test_no_output_is_a_path(notebook):
    texts = [output.get("data", {}).get("text/plain", "") for cell in code(notebook) for output in cell.outputs]
    assert not [text for text in texts if re.match(r"\w*Path\(|SavedFigure\(", text)]


def test_it_opens_with_title_aims_and_time(notebook):
    first = notebook.cells[0]
    assert first.cell_type == "markdown" and first.source.startswith("# ")
    assert "you will learn" in first.source.lower()
    assert re.search(r"quick.*full", first.source, re.S | re.I), "say how long it takes in quick and in full"


def test_parameters_have_comments_and_are_checked_in_the_next_cell(notebook):
    [cell] = tagged(notebook, "parameters")
    following = code(notebook)[code(notebook).index(cell) + 1]
    assert "raise " in following.source or "checks." in following.source
    names = [line for line in cell.source.splitlines() if re.match(r"\w+\s*(:.*)?=", line)]
    assert names
    for line in names:
        assert "#" in line, f"say what it is in a comment: {line}"
        assert re.search(rf"\b{line.split()[0].rstrip(':')}\b", following.source), f"not checked: {line}"


def test_no_other_cell_assigns_a_parameter(file, notebook):
    """Which results are the suite's own is decided by the parameters' values while it runs (mmlib.records.origin)."""
    names = set(known_parameters(file))
    for cell in code(notebook):
        if "parameters" not in cell.metadata.get("tags", []):
            table = symtable.symtable(cell.source, cell.id, "exec")
            assigned = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned()}
            assert not names & assigned, f"cell {cell.id}: rename {names & assigned}"


def test_every_tag_is_one_that_the_suite_knows_and_a_cell_has_one(notebook):
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        assert set(tags) <= TAGS and len(tags) <= 1, f"cell {cell.id}: {tags}"
        assert not tags or cell.cell_type == "code"


def test_cells_have_ids_of_their_own_with_the_number_of_the_notebook(file, notebook):
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert [id for id in ids if not re.fullmatch(rf"{file.stem[:2]}-\d\d", id)] == []


def test_it_closes_with_summary_exercises_solutions_and_references(notebook):
    for heading in ("Summary|Where to go next", "Exercises?", "References"):
        assert re.search(rf"^#+ ({heading})", words(notebook), re.M), heading
    solutions = tagged(notebook, "solution")
    exercises = re.split(r"^#+ Exercises?", words(notebook), flags=re.M)[1].split("\n#")[0]
    assert len(solutions) >= len(re.findall(r"^\d+\. ", exercises, re.M)) > 0


def test_it_writes_its_results_under_its_own_name(file, notebook):
    calls = re.findall(r"""write_results\(\s*["']([^"']+)["']""", "\n".join(cell.source for cell in code(notebook)))
    assert calls == [file.stem]


def test_outputs_are_committed_and_without_errors(notebook):
    cells = [cell for cell in code(notebook) if cell.source.strip()]
    assert all(cell.execution_count for cell in cells), "run `make notebooks` and commit the outputs"
    assert [cell.execution_count for cell in cells] == sorted(cell.execution_count for cell in cells)
    assert not [out for cell in cells for out in cell.outputs if out.output_type == "error"]
    assert not [out for cell in cells for out in cell.outputs if out.get("name") == "stderr"]
    assert any(cell.outputs for cell in cells)


def test_outputs_tell_nothing_of_the_machine(notebook):
    for cell in code(notebook):
        assert str(paths.ROOT) not in str(cell.outputs) and "/home/" not in str(cell.outputs)


def test_checked_cells_have_something_to_compare(notebook):
    for cell in code(notebook):
        if CHECKED in cell.source:
            assert cell.execution_count and cell.outputs, f"nbval compares nothing in cell {cell.id}"


def test_every_figure_listed_is_saved_and_every_figure_saved_is_listed():
    assert figures_saved() == {id: entry["notebook"] for id, entry in figures_listed().items()}


def test_no_figure_is_saved_twice():
    cells = [cell for file in FILES for cell in code(nbformat.read(file, as_version=4))]
    ids = [id for cell in cells for id in saved_figures(cell.source)]
    assert len(ids) == len(set(ids))
