"""A fingerprint of code that is not in files of mmlib: classes and functions of a notebook, a script, a user's module.

It is taken from the objects that will run, not from any file: a class that was redefined has another fingerprint, and
so has one whose helper function was changed, or a number that it reads.
"""

import hashlib
import types
from collections.abc import Iterable, Iterator

import numpy as np
import torch

from mmlib.whose_code import is_own_class, is_own_file, plain_function

NOT_CODE = {"__dict__", "__weakref__", "__doc__", "__module__", "__annotations__", "__firstlineno__"}
PLAIN = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))


def own_code(things: Iterable[object]) -> str | None:
    """Hex SHA-256 of the user's own code that ``things`` (classes, functions) reach; None where there is none.

    Follows base classes, methods, closures, defaults, and the global names that a function reads. A method of mmlib
    that was replaced in this process counts as the user's own. The fingerprint is one of bytecode: another version of
    Python gives another one.
    """
    walk = _Walk()
    parts = [part for thing in things for part in walk.of(thing)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest() if walk.found_own else None


class _Walk:
    """One walk over what things reach; each is entered once."""

    def __init__(self) -> None:
        self.seen: dict[int, tuple[int, object]] = {}  # with the thing: an id is its own only while it lives
        self.found_own = False

    def of(self, thing: object) -> Iterator[str]:
        if isinstance(thing, PLAIN):
            yield repr(thing)
        elif isinstance(thing, tuple):
            yield from self._all("tuple", thing)
        elif id(thing) in self.seen:
            yield f"again {self.seen[id(thing)][0]}"
        else:
            self.seen[id(thing)] = (len(self.seen), thing)
            yield from self._entered(thing)

    def _entered(self, thing: object) -> Iterator[str]:
        match thing:
            case list():
                yield from self._all("list", thing)
            case set() | frozenset():
                yield from self._all("set", sorted(thing, key=repr))
            case dict() | types.MappingProxyType():
                yield from self._all("dict", [part for item in thing.items() for part in item])
            case torch.Tensor() | np.ndarray():
                yield f"{type(thing).__name__} {thing.dtype} {tuple(thing.shape)} {_bytes_of(thing)}"
            case staticmethod() | classmethod():
                yield from self._all(type(thing).__name__, [thing.__func__])
            case property():
                yield from self._all("property", [thing.fget, thing.fset, thing.fdel])
            case types.FunctionType():
                yield from self._function(thing)
            case type():
                yield from self._class(thing)
            case types.ModuleType():
                yield from self._module(thing)
            case _ if is_own_class(type(thing)) and hasattr(thing, "__dict__"):
                yield from self._all("object", [type(thing), vars(thing)])
            case _:
                yield f"{type(thing).__module__}.{type(thing).__qualname__} {getattr(thing, '__qualname__', '')}"

    def _all(self, label: str, things: Iterable[object]) -> Iterator[str]:
        yield label
        for thing in things:
            yield from self.of(thing)

    def _function(self, function: types.FunctionType) -> Iterator[str]:
        code = function.__code__
        yield f"function {function.__module__}.{function.__qualname__}"
        if not is_own_file(code.co_filename):
            yield from self.of(getattr(function, "__wrapped__", None))  # a library's decorator around the user's code
            return
        self.found_own = True
        yield from self._code(code)
        yield from self._all("defaults", [function.__defaults__, function.__kwdefaults__])
        yield from self._all("closure", [_content(cell) for cell in function.__closure__ or ()])
        for name in sorted(_names(code) & function.__globals__.keys()):
            yield from self._all(f"global {name}", [function.__globals__[name]])

    def _code(self, code: types.CodeType) -> Iterator[str]:
        yield f"code {code.co_code.hex()} {code.co_names} {code.co_varnames} {code.co_freevars}"
        for constant in code.co_consts:
            yield from self._code(constant) if isinstance(constant, types.CodeType) else self.of(constant)

    def _class(self, kind: type) -> Iterator[str]:
        yield from self._all(f"class {kind.__module__}.{kind.__qualname__}", kind.__bases__)
        own = is_own_class(kind)
        self.found_own |= own
        for name, member in sorted(vars(kind).items()):
            if (own and name not in NOT_CODE) or _is_replaced(member):
                yield from self._all(f"member {name}", [member])

    def _module(self, module: types.ModuleType) -> Iterator[str]:
        yield f"module {module.__name__}"
        if is_own_file(getattr(module, "__file__", None)):
            self.found_own = True
            for name, value in sorted(vars(module).items()):
                if not name.startswith("__"):
                    yield from self._all(f"global {name}", [value])


def _is_replaced(member: object) -> bool:
    """Whether a member of somebody else's class is a function of the user's, put there in this process."""
    function = plain_function(member)
    return function is not None and is_own_file(function.__code__.co_filename)


def _names(code: types.CodeType) -> set[str]:
    """Every name that the code, or a function inside it, looks up."""
    inner = (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _content(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _bytes_of(array: torch.Tensor | np.ndarray) -> str:
    if isinstance(array, torch.Tensor):  # NumPy does not have every type of PyTorch's
        array = array.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return hashlib.sha256(array.tobytes()).hexdigest()
