"""Executed notebooks, made ready for the builder: a title, words for each picture, a mark on what failed."""

import re
from base64 import b64decode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from mmlib import paths
from mmlib.notebooks.clean import normalise
from mmlib.records.execution_record import require_whole
from mmlib.records.names import check_name
from mmlib.records.origin.suite import suite_notebooks

TITLE = re.compile(r"# +(.+)")
PAPERMILL_HEAD = "papermill-error-cell-tag"
STOPPED = 'id="papermill-error-cell"'


@dataclass(frozen=True)
class Executed:
    """name: of its page, such as 12_agm or 12_agm.failed; source: the notebook's name; alts: SHA-256 -> words."""

    name: str
    source: str
    title: str
    notebook: NotebookNode
    alts: dict[str, str]

    @property
    def failed(self) -> bool:
        """Whether it did not run to its end."""
        return self.name != self.source


def read_executed() -> list[Executed]:
    """The suite's executed notebooks, those that failed too, by name. Raises ValueError if one is damaged.

    What was executed before its notebook was taken out of the suite is not shown.
    """
    files = sorted((paths.outputs_dir() / "notebooks").glob("[!.]*.ipynb"))
    suite = set(suite_notebooks())
    return [_read(file) for file in files if file.stem.removesuffix(".failed") in suite]


def _read(file: Path) -> Executed:
    source = file.stem.removesuffix(".failed")
    check_name(f"the name of {file} without .ipynb", source)
    require_whole(file)
    try:
        notebook = nbformat.read(file, as_version=4)
    except (ValueError, KeyError, AttributeError, OSError) as error:
        why = f"{file} is not a whole notebook ({error}): delete it and execute the notebook again."
        raise ValueError(why) from error
    normalise(notebook)
    alts = _alts(notebook)
    notebook.cells = [cell for cell in notebook.cells if not _is_papermills_head(cell)]
    title = _ensure_title(notebook, source)
    if source != file.stem:
        _mark_failed(notebook)
    return Executed(file.stem, source, title, notebook, alts)


def _ensure_title(notebook: NotebookNode, name: str) -> str:
    first = notebook.cells[0] if notebook.cells else None
    found = TITLE.match(first.source) if first is not None and first.cell_type == "markdown" else None
    if not found:
        notebook.cells.insert(0, new_markdown_cell(f"# {name}"))
    return found[1] if found else name


def _is_papermills_head(cell: NotebookNode) -> bool:
    """papermill writes a note above a failed notebook's title; the one at the cell that failed stays."""
    return PAPERMILL_HEAD in cell.metadata.get("tags", []) and STOPPED not in cell.source


def _mark_failed(notebook: NotebookNode) -> None:
    cell = any(STOPPED in cell.source for cell in notebook.cells)
    place = '<p><a href="#papermill-error-cell">Go to the cell where it stopped.</a></p>' if cell else ""
    note = f'<div class="failed"><p>This notebook failed. What comes after the failure did not run.</p>{place}</div>'
    notebook.cells.insert(1, new_markdown_cell(note))


def _alts(notebook: NotebookNode) -> dict[str, str]:
    """SHA-256 of each picture's bytes, by which the builder names its file, -> alternative text."""
    alts = {}
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            for kind, content in output.get("data", {}).items():
                if kind.startswith("image/"):
                    words = output.get("metadata", {}).get(kind, {}).get("alt", "").strip()
                    alts[_sha256(kind, content)] = words or (
                        f"Picture drawn by cell {number} of the notebook, which gives no words for it; "
                        "the code above says what it shows."
                    )
    return alts


def _sha256(kind: str, content: str) -> str:
    data = "\n".join(content.splitlines()).encode() if kind.endswith("xml") else b64decode(content)
    return sha256(data).hexdigest()
