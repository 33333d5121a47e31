"""Which notebooks are the suite's, and where the results of everything else go. Needs no PyTorch and no kernel."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import nbformat

from mmlib import paths
from mmlib.records.figure_list import figures_listed
from mmlib.records.origin.cells import cells_of

REPORTS = re.compile(r"""write_results\(\s*["']([^"']+)["']""")


def suite_notebooks() -> list[str]:
    """The names of the suite's notebooks: those in notebooks/ that write their results under their own name.

    A copy of one there writes under the name of another, and an Untitled.ipynb under none: they are their user's. One
    that figures.yaml names is the suite's in any case, so that it is missed where it cannot be read.
    """
    listed = {entry["notebook"] for entry in figures_listed().values()}
    return [file.stem for file in _files() if file.stem in listed or _reported_names(file) == {file.stem}]


def other_notebooks() -> list[str]:
    """The names of all other notebooks in notebooks/: no batch executes them, and the plan says so."""
    suite = set(suite_notebooks())
    return [file.stem for file in _files() if file.stem not in suite]


def is_of_suite(source: Path) -> bool:
    """Whether a notebook file may write to the suite's places: it lies in notebooks/ and claims no other's name."""
    return source.parent == paths.NOTEBOOKS and _reported_names(source) <= {source.stem}


def variant_place(notebook: str, parameters: Mapping[str, object], source: str | None) -> Path:
    """results/variants/NOTEBOOK-HASH, where results of other parameters or of other code than the suite's go.

    parameters: those that differ from the defaults, JSON values. source: what has other code, a path, or None.
    """
    different = dict(parameters) if source is None else {**parameters, "notebook": source}
    name = sha256(json.dumps(different, sort_keys=True).encode()).hexdigest()[:8]
    return variants_dir() / f"{notebook}-{name}"


def variants_dir() -> Path:
    """The folder of all such places."""
    return paths.results_dir() / "variants"


def code_cells(source: Path) -> list[nbformat.NotebookNode]:
    """The notebook's code cells that are not empty. Raises ValueError or OSError if it cannot be read."""
    return [cell for cell in cells_of(source) if cell.cell_type == "code" and cell.source.strip()]


def _files() -> list[Path]:
    return sorted(paths.NOTEBOOKS.glob("[!.]*.ipynb"))


def _reported_names(source: Path) -> set[str]:
    """The names under which its ``write_results("NAME", ...)`` calls write; none for a file that cannot be read."""
    try:
        return {name for cell in code_cells(source) for name in REPORTS.findall(cell.source)}
    except (ValueError, OSError):
        return set()
