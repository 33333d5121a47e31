"""Functions and classes as texts that change with their code: those of PyTorch, NumPy and mmlib go by their names."""

from mmlib.records.code.own import own_code

KNOWN = ("torch", "mmlib", "numpy", "builtins")


def code_text(thing: object) -> str:
    """The full name of a function or class and, where it is the user's own, a digest of its code."""
    own = own_code([thing])
    return full_name(thing) if own is None else f"{full_name(thing)} (code {own[:8]})"


def is_known(thing: object) -> bool:
    """Whether a function or class is of a package in KNOWN."""
    return (getattr(thing, "__module__", None) or "builtins").partition(".")[0] in KNOWN


def full_name(thing: object) -> str:
    """Module and qualified name."""
    return f"{getattr(thing, '__module__', None) or 'builtins'}.{thing.__qualname__}"
