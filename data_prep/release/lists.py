"""Finding and reading the folders and lists of a release, with messages that name the file and the line."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from data_prep.errors import PreparationError
from data_prep.release.layout import Part

TRAIN, VALID, TEST, NOWHERE = 0, 1, 2, -1  # the codes of a column "split"
SPLIT_NAMES = {TRAIN: "train", VALID: "valid", TEST: "test"}


def folder_of(*tried: Path) -> Path:
    """The first of these folders that is there. Raises PreparationError."""
    for folder in tried:
        if folder.is_dir():
            return folder
    raise PreparationError(f"{tried[0]} is missing: expected a folder. Give the one that holds it after --raw.")


def in_one_split(clips: Iterable[tuple[str, Part]]) -> tuple[tuple[Part, ...], tuple[tuple[str, str], ...]]:
    """(parts, left out) of ``clips``, each the id of its video and its part, so that no video is in two splits.

    A video counts for test, else for valid; its other clips are left out, each as (name, why). Every part that is kept
    tells the number of its video as "video".
    """
    ordered = sorted(clips, key=lambda clip: -clip[1].about["split"])
    number = {video: i for i, video in enumerate(sorted({video for video, _ in ordered}))}
    split: dict[str, int] = {}
    parts, left_out = [], []
    for video, part in ordered:
        kept = split.setdefault(video, part.about["split"])
        if kept == part.about["split"]:
            parts.append(replace(part, about={**part.about, "video": number[video]}))
        else:
            left_out.append((part.name, f"its video {video} is in the {SPLIT_NAMES[kept]} split too, and stays there"))
    return tuple(parts), tuple(left_out)


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
