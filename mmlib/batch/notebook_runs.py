"""The runs a notebook will ask for, known before it is executed, so that a batch can make them beforehand."""

import ast
import os
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

import nbformat

from mmlib.records.origin.cells import cells_of
from mmlib.records.origin.parameters import check_parameters
from mmlib.runs import RunSpec
from mmlib.runs.parallel import noting

TAGS = ("parameters", "setup", "runs")


class PlanFailed(RuntimeError):
    """A notebook's cells that name its runs did not work by themselves."""


def planned_runs(notebook: Path, parameters: Mapping[str, object] | None = None) -> list[RunSpec]:
    """Every run that ``notebook`` names, in its order and each once.

    Executes its cells tagged parameters, setup and runs in this process; ``run_all`` notes the specs and computes
    nothing. Raises PlanFailed if such a cell fails, ValueError for parameters that the notebook does not take.
    """
    cells = _cells(notebook)
    values = check_parameters(notebook, parameters or {})
    space: dict[str, object] = {"__name__": "__main__"}
    # A notebook may show figures while it sets up; without a window system only this backend can.
    with noting() as specs, patch.dict(os.environ, {"MPLBACKEND": "agg"}):
        for number, cell in enumerate(cells, 1):
            if cell.cell_type == "code" and any(tag in TAGS for tag in cell.metadata.get("tags", [])):
                _run_cell(notebook, number, cell.source, space)
            if "parameters" in cell.metadata.get("tags", []):
                space.update(values)
    return list({spec.hash: spec for spec in specs}.values())


def _cells(notebook: Path) -> list[nbformat.NotebookNode]:
    try:
        cells = cells_of(notebook)
        for cell in cells:
            if "parameters" in cell.metadata.get("tags", []):
                ast.parse(cell.source)
    except (ValueError, SyntaxError, OSError) as error:
        raise PlanFailed(f"{notebook.stem} cannot be read as a notebook: {error}") from error
    return cells


def _run_cell(notebook: Path, number: int, source: str, space: dict[str, object]) -> None:
    try:
        exec(compile(source, f"{notebook.name}, cell {number}", "exec"), space)
    except (Exception, SystemExit) as error:
        raise PlanFailed(
            f"{notebook.stem}: cell {number} of those that name the runs failed with {type(error).__name__}: {error} "
            f"(a cell tagged runs may use only cells tagged {', '.join(TAGS)} above it)."
        ) from error
