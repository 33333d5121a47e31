"""Which notebooks are the suite's, and where the results of everything else go. Needs no PyTorch and no kernel."""

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import nbformat

from mmlib import paths

REPORTS = re.compile(r"""write_results\(\s*["']([^"']+)["']""")


def suite_notebooks() -> list[str]:
    """The names of the suite's notebooks: those in notebooks/ that write their results under their own name.

    A copy of one there writes under the name of another, and an Untitled.ipynb under none: they are their user's.
    """
    files = sorted(paths.NOTEBOOKS.glob("[!.]*.ipynb"))
    return [file.stem for file in files if _reported_names(file) == {file.stem}]


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
    cells = nbformat.read(source, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code" and cell.source.strip()]


def _reported_names(source: Path) -> set[str]:
    """The names under which its ``write_results("NAME", ...)`` calls write; none for a file that cannot be read."""
    try:
        return {name for cell in code_cells(source) for name in REPORTS.findall(cell.source)}
    except (ValueError, KeyError, AttributeError, OSError):
        return set()
