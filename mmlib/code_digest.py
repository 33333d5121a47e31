"""Functions and classes as texts that change with their code: those of PyTorch, NumPy and mmlib go by their names."""

import hashlib
import inspect
from types import CodeType

KNOWN = ("torch", "mmlib", "numpy", "builtins")


def function_text(function: object) -> str:
    """The full name of a function and, unless its package is in KNOWN, a digest of its code."""
    return full_name(function) if is_known(function) else f"{full_name(function)} (code {_digest(_code(function))})"


def class_text(kind: type) -> str:
    """The full name of a class and, unless its package is in KNOWN, a digest of the code of its methods."""
    own = [c for c in kind.__mro__ if not is_known(c)]
    code = [f"{name} {_code(f)}" for c in own for name, f in sorted(_functions(c).items())]
    return f"{full_name(kind)} (code {_digest(' '.join(code))})" if own else full_name(kind)


def is_known(thing: object) -> bool:
    """Whether a function or class is of a package in KNOWN."""
    return (getattr(thing, "__module__", None) or "builtins").partition(".")[0] in KNOWN


def full_name(thing: object) -> str:
    """Module and qualified name."""
    return f"{getattr(thing, '__module__', None) or 'builtins'}.{thing.__qualname__}"


def _functions(kind: type) -> dict[str, object]:
    """Methods of the class itself, by name; of a property the one that reads it."""
    found = {name: getattr(value, "fget", value) for name, value in vars(kind).items()}
    return {name: inspect.unwrap(f) for name, f in found.items() if hasattr(inspect.unwrap(f), "__code__")}


def _code(function: object) -> str:
    """Byte code, constants, names, defaults and what the function holds of the scope that it was made in."""
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None)
    if code is None:  # written in C
        return ""
    held = [_plain(cell) for cell in inspect.getclosurevars(function).nonlocals.values()] if code.co_freevars else []
    return " ".join([_of_code(code), _plain(function.__defaults__), _plain(function.__kwdefaults__), *held])


def _of_code(code: CodeType) -> str:
    constants = [_of_code(c) if isinstance(c, CodeType) else _plain(c) for c in code.co_consts]
    return f"{code.co_code.hex()} {constants} {code.co_names}"


def _plain(value: object) -> str:
    """The value, where it is one that looks alike in every process; else what kind it is."""
    if isinstance(value, (list, tuple)):
        return f"({', '.join(map(_plain, value))})"
    if isinstance(value, (set, frozenset)):
        return f"({', '.join(sorted(map(_plain, value)))})"
    if isinstance(value, dict):
        return f"({', '.join(f'{_plain(k)}: {_plain(v)}' for k, v in value.items())})"
    if value is None or value is ... or isinstance(value, (bool, int, float, complex, str, bytes)):
        return repr(value)
    return full_name(value) if hasattr(value, "__qualname__") else full_name(type(value))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
