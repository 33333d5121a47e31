"""What a check of results counts and finds."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mmlib.records.files import sha256_of
from mmlib.records.sealed import NotSealed, opened, read_exactly


@dataclass
class Findings:
    """counts: what was looked at, such as {"runs": 3}. found: one line for each thing that does not fit.

    A line begins with its kind: "damaged" (not what was written), "missing", "outdated" (made from other numbers or
    words than are there now), "foreign" (made with other parameters than the suite's), "unproven" (made by an earlier
    version, without the hashes) or "unlisted".
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
        except OSError as error:
            self.add("damaged", path, f"it cannot be read ({error.strerror or error})", do)
        except RecursionError:
            self.add("damaged", path, "it is nested too deep", do)
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            self.add("damaged", path, f"it does not hold what such a file holds ({type(error).__name__}: {error})", do)
        except ValueError as error:
            self.add("damaged", path, str(error), do)

    def expect_hash(self, path: Path, expected: object, do: str) -> bool:
        """Whether ``path`` is there with that SHA-256; notes it if not."""
        with self.damage(path, do):
            require_file(path)
            if sha256_of(path) == expected:
                return True
            raise ValueError("its sha256 is not the one that was recorded when it was written")
        return False

    def sealed_json(self, path: Path, do: str) -> dict | None:
        """The content of a sealed JSON file, or None after noting what is wrong with it."""
        with self.damage(path, do):
            require_file(path)
            return opened(read_exactly(path))
        return None

    def listed(self, folder: Path, do: str) -> list[Path]:
        """What is in ``folder``, by name, hidden files left out; nothing if it is not there, or after noting why."""
        if not os.path.lexists(folder):
            return []
        with self.damage(folder, do):
            if folder.exists() and not folder.is_dir():
                raise ValueError("it is a file where a folder was written")
            return sorted(folder / name for name in os.listdir(folder) if not name.startswith("."))
        return []


def require_file(path: Path) -> None:
    """Raises ValueError if a folder, or what is read without end such as a pipe, lies in a file's place; OSError."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise ValueError("it is a folder where a file was written")
    if not stat.S_ISREG(mode):
        raise ValueError("it is not a regular file")
