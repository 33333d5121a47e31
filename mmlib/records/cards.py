"""The cards of data sets, read from the sources of their modules: to import one would load PyTorch."""

import ast
from pathlib import Path

from mmlib.records.code.imported import modules_in


def cards_in(folder: Path) -> dict[str, object]:
    """Name -> the value of CARD, for every public module and package in ``folder`` that has a CARD or ``load``.

    Raises ValueError, naming the file, where one of the two is missing and where the card is not made of plain values.
    """
    cards = {}
    for name, file in _public(folder).items():
        given = _names(file)
        if {"CARD", "load"} & given.keys():
            cards[name] = _card(file, given)
    return cards


def _public(folder: Path) -> dict[str, Path]:
    """Name -> source of the modules and packages in ``folder`` whose names do not begin with an underscore."""
    found = {}
    for file in modules_in(folder):
        name, *inner = file.relative_to(folder).with_suffix("").parts
        if not name.startswith("_") and inner in ([], ["__init__"]):
            found[name] = file
    return found


def _names(file: Path) -> dict[str, ast.AST]:
    """Name -> what the module in ``file`` gives it: a value, or the whole statement that defines or imports it."""
    found: dict[str, ast.AST] = {}
    for node in ast.parse(file.read_bytes(), str(file)).body:
        if isinstance(node, ast.Assign):
            found |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            found[node.target.id] = node.value
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {alias.asname or alias.name: node for alias in node.names}
    return found


def _card(file: Path, given: dict[str, ast.AST]) -> object:
    for name, other in (("CARD", "load"), ("load", "CARD")):
        if name not in given:
            raise ValueError(
                f"{file} has {other} and no {name}; a data set needs both: write it, or begin the file's name with an "
                "underscore if it is not a data set."
            )
    try:
        return ast.literal_eval(given["CARD"])
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"CARD in {file} must be a dict written out with plain values, as it is read without importing the file, "
            f"got {ast.unparse(given['CARD'])[:60]}: write  CARD = {{...}}."
        ) from error
