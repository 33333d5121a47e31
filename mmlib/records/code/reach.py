"""Which modules a module reaches by import, read from sources: what code can change a number that it computes.

A package's face (its __init__) is not followed as a whole: who imports a name from it reaches the module that the name
comes from. Lists of alternatives, such as METHODS, are not followed at all: what takes one out of a list by its name
says so, and the one that was taken is a start of its own.
"""

import ast
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache

LISTS = frozenset({"ADDITIVE_FUSIONS", "BUILDERS", "DATASETS", "ENCODERS", "FUSIONS", "MEASURES", "METHODS"})

Find = Callable[[str], bytes | None]  # dotted name of a module -> its source, None for what is none


def reached(starts: Iterable[str], find: Find, apart: Collection[str] = ()) -> dict[str, bytes]:
    """Dotted name -> source of the modules ``starts`` and of all that they reach; sorted.

    find: gives the source of the project's modules; apart: modules and packages that are left out, with all that only
    they reach. Raises ValueError for a start that is not a module of the project.
    """
    found: dict[str, bytes] = {}
    waiting = list(starts)
    for start in waiting:
        if find(start) is None:
            raise ValueError(f"{start!r} is not a module of this project: its code cannot be followed.")
    while waiting:
        name = waiting.pop()
        if name in found or _within(name, apart):
            continue
        found[name] = source = find(name)
        waiting += _imports(name, source, find)
    return dict(sorted(found.items()))


def _within(name: str, packages: Collection[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _imports(name: str, source: bytes, find: Find) -> Iterator[str]:
    """The modules that ``name`` imports anywhere, also inside a function."""
    for module, imported in imported_names(source):
        if imported is None:
            if find(module) is not None:
                yield module
        elif imported not in LISTS:
            home = _home(module, imported, find)
            if home is not None and home != name:
                yield home


def _home(module: str, name: str, find: Find) -> str | None:
    """The module that ``from module import name`` is about: a module of that name, or where ``module`` has it from."""
    if find(f"{module}.{name}") is not None:
        return f"{module}.{name}"
    source = find(module)
    if source is None:
        return None
    for outer, imported in imported_names(source):
        if imported == name and name not in _defined(source):
            return _home(outer, name, find) or module
    return module


@cache
def imported_names(source: bytes) -> tuple[tuple[str, str | None], ...]:
    """(module, name) of every import in ``source``; the name is None where a whole module is imported. What is imported
    for type checkers alone is left out, as it is never carried out."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # half-written by an editor
        return ()
    found: list[tuple[str, str | None]] = []
    for node in _carried_out(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [(node.module, alias.name) for alias in node.names]
    return tuple(found)


def _carried_out(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from _carried_out(child)


@cache
def _defined(source: bytes) -> frozenset[str]:
    """Names of the functions and classes that ``source`` defines itself."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return frozenset(node.name for node in ast.parse(source).body if isinstance(node, kinds))
