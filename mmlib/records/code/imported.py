"""The source that a run's numbers come from, as it was when mmlib was imported: what is on the disk may be newer."""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]
COMPUTING_CODE = (
    "coalitions",
    "data",
    "measures",
    "methods",
    "models",
    "training",
    "runs/compute.py",
    "runs/measures.py",
    "runs/threads.py",
)


class CodeChanged(RuntimeError):
    """The code on the disk is not the code that this process imported, so no run can be named after it."""


def modules_in(folder: Path) -> list[Path]:
    """Every module below ``folder`` that Python could import, sorted: no lock files of editors, no checkpoints."""
    files = (file for file in folder.rglob("*.py") if file.is_file())
    return sorted(f for f in files if all(p.isidentifier() for p in f.relative_to(folder).with_suffix("").parts))


def _files() -> list[Path]:
    """The modules that numbers come from."""
    return [file for name in COMPUTING_CODE for file in (modules_in(PACKAGE / name) or [PACKAGE / name])]


def _read() -> dict[str, bytes]:
    return {file.relative_to(PACKAGE).as_posix(): file.read_bytes() for file in _files()}


def _stamps() -> dict[Path, tuple[int, int, int]]:
    """What changes with every way of writing a file, also one that sets its time back."""
    stats = {file: file.stat() for file in _files()}
    return {file: (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size) for file, stat in stats.items()}


# Read by mmlib/__init__.py, so before any of these modules can have been imported.
_imported, _found_equal = _read(), None


@cache
def code_version() -> str:
    """Hex SHA-256 of the code that a run's numbers come from, without its comments, docstrings and layout."""
    digest = hashlib.sha256()
    for name, source in _imported.items():
        digest.update(f"{name}\0{meaning(source)}\0".encode())
    return digest.hexdigest()


def require_unchanged() -> None:
    """Raises CodeChanged, naming the file, unless the disk holds the code that was imported.

    Other processes, and %autoreload in this one, work with what is on the disk: a number of theirs would be stored
    under the name of the code that this process imported.
    """
    global _found_equal
    stamps = _stamps()
    if stamps == _found_equal:
        return
    on_disk = _read()
    for name in sorted(_imported.keys() | on_disk.keys()):
        before, now = _imported.get(name), on_disk.get(name)
        if before != now and (before is None or now is None or meaning(before) != meaning(now)):
            raise CodeChanged(
                f"{PACKAGE / name} has changed since this process imported mmlib, and a run is named by its code: "
                "restart the kernel (or the command) and ask again."
            )
    _found_equal = stamps


@cache
def meaning(source: bytes) -> str:
    """``source`` written again from its syntax tree: equal for code that differs in comments, docstrings or layout."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # half-written by an editor; what was imported has no such error
        return hashlib.sha256(source).hexdigest()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body
            if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
                node.body = body[1:] or [ast.Pass()]
    return ast.unparse(tree)
