"""The parameters of a notebook: which there are, and what a command line's text means for them."""

import ast
import json
from collections.abc import Mapping
from pathlib import Path

import nbformat

from mmlib import checks
from mmlib.jsonable import to_json

NO_LITERAL = object()


def known_parameters(notebook: Path) -> dict[str, object]:
    """Parameter name -> default value, from the cell tagged ``parameters``; NO_LITERAL for a default that is computed.

    papermill.inspect_notebook is not asked: it misses each parameter whose line has a second "=", as in "# alpha >= 0".
    """
    cells = nbformat.read(notebook, as_version=4).cells
    source = "\n".join(cell.source for cell in cells if "parameters" in cell.metadata.get("tags", []))
    assignments = [node for node in ast.parse(source).body if isinstance(node, (ast.Assign, ast.AnnAssign))]
    return {target.id: _literal(node.value) for node in assignments for target in _targets(node)}


def check_parameters(notebook: Path, given: Mapping[str, object]) -> dict[str, object]:
    """``given`` as JSON values. Raises ValueError for a name the notebook lacks, TypeError for a value JSON lacks."""
    known = known_parameters(notebook)
    for name in given:
        if not known:
            raise ValueError(f"notebook {notebook.stem} takes no parameters, got {name!r}.")
        checks.one_of(f"parameter of notebook {notebook.stem}", name, known)
    return to_json("parameters", given)


def parse_parameters(notebook: Path, texts: Mapping[str, str]) -> dict[str, object]:
    """The values that command-line ``texts`` stand for.

    A parameter whose default is a text stays a text; otherwise JSON and Python literals ('["fac", "kar"]', 3, true,
    None) are read as such, and all else is a text.
    """
    known = known_parameters(notebook)
    return {name: _parse(text, known.get(name)) for name, text in texts.items()}


def _targets(node: ast.Assign | ast.AnnAssign) -> list[ast.Name]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target for target in targets if isinstance(target, ast.Name)]


def _parse(text: str, default: object) -> object:
    if isinstance(default, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        value = _literal(text)
        return text if value is NO_LITERAL else value


def _literal(source: str | ast.expr) -> object:
    try:
        return ast.literal_eval(source)
    except (ValueError, SyntaxError):
        return NO_LITERAL
