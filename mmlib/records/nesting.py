"""Content of files that has an end: not in itself, not nested without end, not larger than it looks."""

from collections.abc import Callable, Iterable

DEEPEST = 50  # lists and dicts in each other; a spec has three
MOST = 10**6  # entries of all specs of a file, those of an alias counted wherever it stands


def check_size(whole: object, parts_of: Callable[[object], Iterable[object]]) -> None:
    """Raises ValueError if ``whole`` is in itself, or is nested more deeply or unfolds to more than any spec."""
    counted: dict[int, int] = {}

    def entries(part: object, depth: int) -> int:
        if depth > DEEPEST:
            raise ValueError(f"it refers to itself, or is nested more than {DEEPEST} deep.")
        if id(part) not in counted:
            counted[id(part)] = 1 + sum(entries(inner, depth + 1) for inner in parts_of(part))
            if counted[id(part)] > MOST:
                raise ValueError(f"it unfolds to more than {MOST:,} entries: name them in several files.")
        return counted[id(part)]

    entries(whole, 0)
