"""The source that a run's numbers come from, as it was when mmlib was imported: what is on the disk may be newer."""

import ast
import hashlib
from collections.abc import Collection
from functools import cache
from pathlib import Path

from mmlib.records.code.reach import reached

PACKAGE = Path(__file__).resolve().parents[2]
# Where code lies that can change a number, and those files in it that only check, name, time or store.
COMPUTING = ("coalitions", "data", "measures", "methods", "models", "training", "runs/compute.py", "runs/threads.py")
NO_NUMBERS = (
    "mmlib.data.recipe",
    *(f"mmlib.training.{name}" for name in ("_checks", "_described", "_save_times", "checkpoint", "identity")),
)
# What a data set's module says of it besides: words, and defaults of which a run's spec holds what it took.
ABOUT = frozenset({"CARD", "RECIPE"})


class CodeChanged(RuntimeError):
    """The code on the disk is not the code that this process imported, so no run can be named after it."""


def modules_in(folder: Path) -> list[Path]:
    """Every module below ``folder`` that Python could import, sorted: no lock files of editors, no checkpoints."""
    files = (file for file in folder.rglob("*.py") if file.is_file())
    return sorted(f for f in files if all(p.isidentifier() for p in f.relative_to(folder).with_suffix("").parts))


def _dotted(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


def _files() -> dict[str, Path]:
    """Dotted name -> file of the modules that numbers may come from."""
    found = (file for name in COMPUTING for file in modules_in(PACKAGE / name) or [PACKAGE / name])
    return {_dotted(file): file for file in found}


# Read by mmlib/__init__.py, so before any of these modules can have been imported.
_paths = _files()
_imported = {name: file.read_bytes() for name, file in _paths.items()}


def all_modules() -> frozenset[str]:
    """The names of all modules that numbers may come from: for code of the user's, which may use any of them."""
    return frozenset(_imported)


@cache
def _reached(starts: tuple[str, ...]) -> dict[str, bytes]:
    return reached(starts, _imported.get, NO_NUMBERS)


def code_version(starts: Collection[str]) -> str:
    """Hex SHA-256 of the code that the modules ``starts`` reach by import, without comments, docstrings and layout.

    It changes with what can change a number that they compute, and with nothing else: not with another method's file.
    """
    digest = hashlib.sha256()
    for name, source in _reached(tuple(sorted(starts))).items():
        digest.update(f"{name}\0{meaning(source, ABOUT)}\0".encode())
    return digest.hexdigest()


def require_unchanged(starts: Collection[str]) -> None:
    """Raises CodeChanged, naming the file, unless the disk holds the code that was imported.

    Other processes, and %autoreload in this one, work with what is on the disk: a number of theirs would be stored
    under the name of the code that this process imported.
    """
    for name, before in _reached(tuple(sorted(starts))).items():
        file = _paths[name]
        now = file.read_bytes() if file.is_file() else b""
        if now != before and meaning(now, ABOUT) != meaning(before, ABOUT):
            raise CodeChanged(
                f"{file} has changed since this process imported mmlib, and a run is named by its code: "
                "restart the kernel (or the command) and ask again."
            )


@cache
def meaning(source: bytes, apart: frozenset[str] = frozenset()) -> str:
    """``source`` written again from its syntax tree: equal for code that differs in comments, docstrings or layout, or
    in what the module assigns to the names in ``apart``."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # half-written by an editor; what was imported has no such error
        return hashlib.sha256(source).hexdigest()
    tree.body = [node for node in tree.body if not _assigns(node, apart)]
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body
            if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
                node.body = body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _assigns(node: ast.stmt, names: frozenset[str]) -> bool:
    """Whether the statement does nothing but give a value to one of ``names``."""
    given = isinstance(node, (ast.Assign, ast.AnnAssign))
    targets = getattr(node, "targets", None) or [node.target] if given else []
    return any(isinstance(target, ast.Name) and target.id in names for target in targets)
