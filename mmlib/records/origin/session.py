"""Whether what this process has executed is a notebook of the suite as it is, whatever drives the kernel."""

import ast
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from mmlib.records.origin.parameters import assigned, is_literal
from mmlib.records.origin.suite import code_cells
from mmlib.records.origin.watch import WATCH

EXECUTED_FILE = "MMLIB_NOTEBOOK"  # set by mmlib.notebooks.execute: the path of the notebook that it executes


@dataclass(frozen=True)
class Session:
    """cells: the sources executed so far, in order, the running one last; failed: whether one ended with an error.

    space: the names defined in it, such as the parameters. file: the path of the notebook, as far as it is known, else
    that of the script, else the working folder.
    """

    cells: tuple[str, ...]
    failed: bool
    space: Mapping[str, object]
    file: str


def current_session() -> Session:
    """The session of this process; without cells where no kernel runs, as in a script."""
    script = None if WATCH.cells else getattr(sys.modules.get("__main__"), "__file__", None)
    cells = tuple(_text(cell) for cell in WATCH.cells)
    return Session(cells, WATCH.failed, WATCH.space, _file(WATCH.space, script))


def other_code(session: Session, notebook: Path) -> str | None:
    """Why what was executed is not the beginning of ``notebook``, cell by cell; None if it is.

    Cells that only set parameters, such as papermill's, may stand in place of the parameters cell: their values are
    compared, not their text.
    """
    if not session.cells:
        return "no cells were executed in a notebook's kernel"
    if not notebook.is_file():
        return f"there is no {notebook}"
    if session.failed:
        return "a cell ended with an error"
    cells = code_cells(notebook)
    place = next((i for i, cell in enumerate(cells) if _is_parameters(cell)), 0)
    expected = [_text(cell.source) for cell in cells if not _is_parameters(cell)]
    own, done = _parameters_cell(notebook), list(session.cells)
    while len(done) > place and _only_sets(done[place], own):
        del done[place]
    if done == expected[: len(done)]:
        return None
    return f"the cells executed are not those of {notebook.name} as it is in notebooks/, each once and in their order"


def computed_as_in(session: Session, notebook: Path) -> set[str]:
    """The parameters to which the notebook's own expression, such as the call of a function, was assigned last."""
    own, last = _parameters_cell(notebook), {}
    for cell in session.cells:
        if _only_sets(cell, own):
            last |= assigned(cell)
    defaults = assigned(own)
    return {name for name in last if ast.dump(last[name]) == ast.dump(defaults[name])}


def _is_parameters(cell: NotebookNode) -> bool:
    return "parameters" in cell.metadata.get("tags", [])


def _parameters_cell(notebook: Path) -> str:
    return "\n".join(cell.source for cell in code_cells(notebook) if _is_parameters(cell))


def _only_sets(cell: str, own: str) -> bool:
    """Whether ``cell`` does nothing but set parameters: statements of ``own``, and literals for names set there."""
    try:
        body = ast.parse(cell).body
    except SyntaxError:  # a magic, say
        return False
    statements, names = {ast.dump(node) for node in ast.parse(own).body}, set(assigned(own))
    return bool(assigned(cell)) and all(ast.dump(node) in statements or _sets(node, names) for node in body)


def _sets(node: ast.stmt, names: set[str]) -> bool:
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or not is_literal(node.value):
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return all(isinstance(target, ast.Name) and target.id in names for target in targets)


def _text(cell: str) -> str:
    """Without what programs add or remove when they store a cell: blanks at the ends of lines, empty last lines."""
    return "\n".join(line.rstrip() for line in cell.strip().splitlines())


def _file(space: Mapping[str, object], script: str | None) -> str:
    names = (os.environ.get(EXECUTED_FILE), space.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME"))
    # Some servers add an id of the session to the name, and a console has only such an id.
    known = [re.sub(r"\.ipynb-.*$", ".ipynb", str(name)) for name in names if name]
    return os.path.abspath(next((name for name in known if Path(name).suffix), script or os.getcwd()))
