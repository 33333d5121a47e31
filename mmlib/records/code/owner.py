"""Whether a function or class is the user's own: not in mmlib, not in Python, not in an installed package."""

import sys
import sysconfig
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mmlib.records.code import imported
from mmlib.records.code.imported import PACKAGE

COMPUTING = tuple(f"mmlib.{name.removesuffix('.py').replace('/', '.')}" for name in imported.COMPUTING)
INSTALLED = tuple(str(Path(sysconfig.get_path(name))) for name in ("stdlib", "platstdlib", "purelib", "platlib"))


@cache
def is_own_file(file: str | None) -> bool:
    """Whether the code of ``file`` is the user's; cells of notebooks and of the prompt are."""
    return bool(file) and not file.startswith(("<frozen", *INSTALLED)) and PACKAGE not in Path(file).parents


def is_own_function(function: types.FunctionType) -> bool:
    """Whether the function is the user's; those that dataclasses and the like write for a class are not."""
    file = function.__code__.co_filename
    return is_own_file(file) and (file != "<string>" or function.__module__ == "__main__")


def is_own_member(member: object) -> bool:
    """Whether a member of a class is a function of the user's, or a descriptor of one."""
    function = plain_function(member)
    return function is not None and is_own_function(function)


def is_own_class(kind: type) -> bool:
    """Whether the class was written by the user: a method that it defines tells where, else its module does."""
    for function in map(plain_function, vars(kind).values()):
        if function is not None and function.__qualname__.startswith(f"{kind.__qualname__}."):
            return is_own_function(function)
    module = sys.modules.get(kind.__module__)
    return kind.__module__ == "__main__" or is_own_file(getattr(module, "__file__", None))


def plain_function(member: object) -> types.FunctionType | None:
    """The function behind a member of a class (a method, property, static or class method); None if there is none."""
    if isinstance(member, property):
        member = member.fget
    member = getattr(member, "__func__", member)
    return member if isinstance(member, types.FunctionType) else None


def replaced_parts() -> Iterator[object]:
    """Functions of the user's that stand in the place of mmlib's own, in modules and classes that numbers come from."""
    for name, module in sorted(sys.modules.items()):
        if name.startswith(COMPUTING):
            for member in list(vars(module).values()):
                if isinstance(member, types.FunctionType) and is_own_function(member):
                    yield member
                elif isinstance(member, type) and member.__module__ == name:
                    yield from filter(is_own_member, list(vars(member).values()))
