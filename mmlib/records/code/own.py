"""A fingerprint of code that is not in files of mmlib: classes and functions of a notebook, a script, a user's module.

It is taken from the objects that will run, not from any file: a class that was redefined has another fingerprint, and
so has one whose helper function was changed, or a number that it reads.
"""

import copyreg
import functools
import hashlib
import types
from collections.abc import Iterable, Iterator

import numpy as np
import torch

from mmlib.records.code.owner import is_own_class, is_own_file, is_own_function, is_own_member

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
        if type(thing) in PLAIN:
            yield repr(thing)
        elif type(thing) is tuple:
            yield from self._all("tuple", thing)
        elif id(thing) in self.seen:
            yield f"again {self.seen[id(thing)][0]}"
        else:
            self.seen[id(thing)] = (len(self.seen), thing)
            yield from self._entered(thing)

    def _entered(self, thing: object) -> Iterator[str]:
        kind = type(thing)
        if kind is list:
            yield from self._all("list", thing)
        elif kind in (set, frozenset):
            yield from self._all("set", sorted(thing, key=repr))
        elif kind in (dict, types.MappingProxyType):
            yield from self._all("dict", [part for item in thing.items() for part in item])
        elif isinstance(thing, (torch.Tensor, np.ndarray)):
            yield f"{kind.__name__} {thing.dtype} {tuple(thing.shape)} {_bytes_of(thing)}"
        elif isinstance(thing, types.FunctionType):
            yield from self._function(thing)
        elif isinstance(thing, type):
            yield from self._class(thing)
        elif kind is types.ModuleType:
            yield from self._module(thing)
        else:
            yield from self._all(f"{kind.__module__}.{kind.__qualname__}", inside(thing))

    def _all(self, label: str, things: Iterable[object]) -> Iterator[str]:
        yield label
        for thing in things:
            yield from self.of(thing)

    def _function(self, function: types.FunctionType) -> Iterator[str]:
        code = function.__code__
        yield f"function {function.__module__}.{function.__qualname__}"
        if not is_own_function(function):
            # What a library's decorator (singledispatch, say) notes on its function may be the user's.
            yield from self._all("noted", [vars(function)]) if vars(function) else ()
            return
        self.found_own = True
        yield from self._code(code, function.__doc__)
        yield from self._all("defaults", [function.__defaults__, function.__kwdefaults__])
        yield from self._all("closure", [_content(cell) for cell in function.__closure__ or ()])
        for name in sorted(_names(code) & function.__globals__.keys()):
            yield from self._all(f"global {name}", [function.__globals__[name]])

    def _code(self, code: types.CodeType, docstring: str | None = None) -> Iterator[str]:
        yield f"code {code.co_code.hex()} {code.co_names} {code.co_varnames} {code.co_freevars}"
        is_first = docstring is not None and code.co_consts[:1] == (docstring,)
        for constant in code.co_consts[is_first:]:
            yield from self._code(constant) if isinstance(constant, types.CodeType) else self.of(constant)

    def _class(self, kind: type) -> Iterator[str]:
        yield from self._all(f"class {kind.__module__}.{kind.__qualname__}", kind.__bases__)
        own = is_own_class(kind)
        self.found_own |= own
        for name, member in sorted(vars(kind).items()):
            if (own and name not in NOT_CODE) or is_own_member(member):
                yield from self._all(f"member {name}", [member])

    def _module(self, module: types.ModuleType) -> Iterator[str]:
        yield f"module {module.__name__}"
        if is_own_file(getattr(module, "__file__", None)):
            self.found_own = True
            for name, value in sorted(vars(module).items()):
                if not name.startswith("__"):
                    yield from self._all(f"global {name}", [value])


def inside(thing: object) -> list[object]:
    """What an object consists of: the function in a descriptor, or what it would be pickled as; [] if it cannot be."""
    if isinstance(thing, (staticmethod, classmethod)):
        return [thing.__func__]
    if isinstance(thing, types.MethodType):
        return [thing.__func__, thing.__self__]
    if isinstance(thing, property):
        return [thing.fget, thing.fset, thing.fdel]
    if isinstance(thing, functools.cached_property):
        return [thing.func]
    if isinstance(getattr(thing, "__wrapped__", None), types.FunctionType):  # functools.cache
        return [thing.__wrapped__]
    try:
        reduce = copyreg.dispatch_table.get(type(thing))
        reduced = reduce(thing) if reduce else thing.__reduce_ex__(4)
    except Exception:  # a lock, a generator, an open file: nothing that could be compared
        return []
    if isinstance(reduced, str):
        return [reduced]
    make, arguments, *more = reduced
    # After these come a state, and iterators over the entries of a list and of a dict.
    return [make, arguments, *(list(part) if isinstance(part, Iterator) else part for part in more)]


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
