"""Finding a release in the folder that the user names: it may lie one folder deeper, or in an archive."""

from pathlib import Path

from data_prep.errors import PreparationError
from data_prep.unpack.archives import SUFFIXES


def release_root(raw: Path, marker: str, wanted: str) -> Path:
    """``raw``, or the one folder in it, whichever holds ``marker`` (archives often bring a folder of their own).

    Raises PreparationError that says what was ``wanted``, and to pass the archive if the folder holds only that.
    """
    found = [folder for folder in (raw, *_folders(raw)) if (folder / marker).exists()]
    if len(found) == 1:
        return found[0]
    if found:
        raise PreparationError(f"{marker} is in {' and '.join(map(str, found))}: pass the folder that is meant.")
    raise PreparationError(f"{raw / marker} is missing: expected {wanted}.{archive_hint(raw)}")


def archive_hint(raw: Path) -> str:
    """A sentence that says to pass the archive, where ``raw`` holds archives; "" otherwise."""
    held = archives_in(raw)
    return f" The folder holds the archive {held[0].name}: pass that,  --raw {held[0]}" if held else ""


def _folders(raw: Path) -> list[Path]:
    return sorted(entry for entry in raw.iterdir() if entry.is_dir() and not entry.name.startswith((".", "__")))


def archives_in(folder: Path) -> list[Path]:
    """The archives that lie in ``folder`` itself, by name."""
    return sorted(file for file in folder.iterdir() if file.name.lower().endswith(SUFFIXES))
