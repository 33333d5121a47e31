"""Prints the pinned versions of everything that ".[test]" needs in this environment, and of nothing else installed."""

from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

HEADER = """\
# The versions `make test` was last seen to pass with: the locked set, made by `make lock`.
# pyproject.toml says what mmlib works with; this file is a constraint for pip (-c), not a list to install.
"""


def closure(name: str, extras: frozenset[str], found: dict[str, str], seen: set) -> None:
    """Adds to ``found`` every distribution that ``name[extras]`` requires here, name -> public version."""
    if (name, extras) in seen:
        return
    seen.add((name, extras))
    for line in metadata.requires(name) or []:
        needed = Requirement(line)
        if needed.marker and not any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            continue
        child = canonicalize_name(needed.name)
        found[child] = Version(metadata.version(child)).public
        closure(child, frozenset(needed.extras), found, seen)


def main() -> None:
    """Writes the constraints to stdout."""
    found: dict[str, str] = {}
    closure("mmlib", frozenset({"test"}), found, set())
    found.pop("mmlib", None)
    print(HEADER + "\n".join(f"{name}=={version}" for name, version in sorted(found.items())))


if __name__ == "__main__":
    main()
