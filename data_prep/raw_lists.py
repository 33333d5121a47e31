"""Finding and reading the folders and lists of a release, with messages that name the file and the line."""

from collections.abc import Iterator
from pathlib import Path

from data_prep.errors import PreparationError

TRAIN, VALID, TEST, NOWHERE = 0, 1, 2, -1  # the codes of a column "split"


def folder_in(raw: Path, *names: str) -> Path:
    """The first of the folders ``names`` in ``raw`` that is there. Raises PreparationError."""
    for name in names:
        if (raw / name).is_dir():
            return raw / name
    raise PreparationError(f"{raw / names[0]} is missing: expected a folder. Give the one that holds it after --raw.")


def lines_of(file: Path) -> Iterator[tuple[str, str]]:
    """(place, line) for each line of a text file that is not blank; place: "FILE, line 3". Raises PreparationError."""
    yield from ((f"{file}, line {i}", line) for i, line in enumerate(text_of(file).splitlines(), 1) if line.strip())


def text_of(file: Path) -> str:
    """The text of a file in UTF-8. Raises PreparationError."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise PreparationError(f"{file} is missing: it belongs to the release.") from error
    except (UnicodeDecodeError, OSError) as error:
        raise PreparationError(f"{file} cannot be read as text ({error}).") from error


def clips_in(folder: Path, ending: str) -> list[Path]:
    """The files of that ending in ``folder``, in order, without the hidden ones that some systems add."""
    return sorted(file for file in folder.glob(f"*{ending}") if not file.name.startswith("."))
