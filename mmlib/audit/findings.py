"""What a check of results counts and finds."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mmlib.files import sha256_of
from mmlib.sealed import NotSealed, opened, read_exactly


@dataclass
class Findings:
    """counts: what was looked at, such as {"runs": 3}. found: one line for each thing that does not fit.

    A line begins with its kind: "damaged" (not what was written), "missing", "outdated" (made from other numbers than
    are there now), "unproven" (made by an earlier version, without the hashes) or "unlisted".
    """

    counts: Counter = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)

    def add(self, kind: str, path: Path, why: str, do: str) -> None:
        """Notes one thing that does not fit: which file, why, and what to do about it."""
        self.found.append(f"{kind}: {path}: {why}; {do}")

    @contextmanager
    def damage(self, path: Path, do: str) -> Iterator[None]:
        """Notes ``path`` as missing, unproven or damaged if the block raises so."""
        try:
            yield
        except FileNotFoundError:
            self.add("missing", path, "it is not there", do)
        except NotSealed:
            self.add("unproven", path, "made by an earlier version, which wrote no hashes", do)
        except ValueError as error:
            self.add("damaged", path, str(error), do)

    def expect_hash(self, path: Path, expected: object, do: str) -> bool:
        """Whether ``path`` is there with that SHA-256; notes it if not."""
        with self.damage(path, do):
            if sha256_of(path) == expected:
                return True
            raise ValueError("its sha256 is not the one that was recorded when it was written")
        return False

    def sealed_json(self, path: Path, do: str) -> dict | None:
        """The content of a sealed JSON file, or None after noting what is wrong with it."""
        with self.damage(path, do):
            return opened(read_exactly(path))
        return None
