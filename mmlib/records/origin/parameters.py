"""The parameters of a notebook: which there are, and what a command line's text means for them."""

import ast
import json
from collections.abc import Mapping
from pathlib import Path

from mmlib import checks
from mmlib.records.jsonable import to_json
from mmlib.records.origin.cells import cells_of
from mmlib.records.profiles import default_profile

NO_LITERAL = object()


def known_parameters(notebook: Path) -> dict[str, object]:
    """Parameter name -> default value, from the cell tagged ``parameters``; NO_LITERAL for a default that is computed.

    papermill.inspect_notebook is not asked: it misses each parameter whose line has a second "=", as in "# alpha >= 0".
    """
    cells = cells_of(notebook)
    source = "\n".join(cell.source for cell in cells if "parameters" in cell.metadata.get("tags", []))
    return {name: _literal(value) for name, value in assigned(source).items()}


def assigned(source: str) -> dict[str, ast.expr]:
    """Name -> the last expression that a statement of ``source`` assigns to it. Raises SyntaxError."""
    assignments = [node for node in ast.parse(source).body if isinstance(node, (ast.Assign, ast.AnnAssign))]
    return {target.id: node.value for node in assignments if node.value for target in _targets(node)}


def differing(notebook: Path, values: Mapping[str, object]) -> dict[str, object]:
    """Those of ``values`` (JSON values) that are not the notebook's defaults; for profile, $MMLIB_PROFILE is that.

    A name that the notebook does not have differs, and so does any value given for another default that is computed.
    """
    defaults = known_parameters(notebook)
    if defaults.get("profile") is NO_LITERAL:
        defaults["profile"] = default_profile()
    return {name: value for name, value in values.items() if not same(value, defaults.get(name, NO_LITERAL))}


def same(value: object, default: object) -> bool:
    """Whether a JSON value is the default: 1 is not True, which Python calls equal."""
    try:
        expected = to_json("parameters", default)
    except (TypeError, ValueError):  # computed, or a set, which no JSON value equals
        return False
    return json.dumps(value, sort_keys=True) == json.dumps(expected, sort_keys=True)


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


def is_literal(node: ast.expr | None) -> bool:
    """Whether an expression is a plain value, such as [1, "a"]: reading it runs no code."""
    return node is not None and _literal(node) is not NO_LITERAL


def _literal(source: str | ast.expr) -> object:
    try:
        return ast.literal_eval(source)
    except (ValueError, SyntaxError):
        return NO_LITERAL
