"""The parameters of a notebook: which there are, and what a command line's text means for them."""

import ast
import json
import logging
from collections.abc import Mapping
from pathlib import Path

import papermill

from mmlib import checks
from mmlib.jsonable import to_json

logging.getLogger("papermill").setLevel(logging.ERROR)


def known_parameters(notebook: Path) -> dict[str, str]:
    """Parameter name -> its default as source text, from the cell tagged ``parameters``."""
    return {name: entry["default"] for name, entry in papermill.inspect_notebook(str(notebook)).items()}


def check_parameters(notebook: Path, given: Mapping[str, object]) -> dict[str, object]:
    """``given`` as JSON values. Raises ValueError for a name the notebook lacks, TypeError for a value of another type."""
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
    return {name: _parse(text, known.get(name, "")) for name, text in texts.items()}


def _parse(text: str, default: str) -> object:
    if isinstance(_literal(default), str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        value = _literal(text)
        return text if value is _NO_LITERAL else value


_NO_LITERAL = object()


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return _NO_LITERAL
