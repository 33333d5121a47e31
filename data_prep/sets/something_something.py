"""something_something: 174 actions with things, NUMBER.webm and lists in JSON (v2; Goyal et al., arXiv 1706.04261).

The release gives no labels for its test clips, so its validation clips are the test split here. A row is 16 frames of
112 x 112 pixels (the number of frames that MCR takes) with the flow to the next frame: 1.0 MB, the 193,690 clips with
labels 194 GB.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from data_prep.decode.clip_rows import columns
from data_prep.decode.frames_and_flow import frames_and_flow
from data_prep.errors import PreparationError
from data_prep.release.layout import Layout, Part
from data_prep.release.lists import TEST, TRAIN, text_of
from data_prep.release.root import release_root

SKIPS = True
FRAMES = 16
PREFIX = "something-something-v2-"
LISTS = {"train": TRAIN, "validation": TEST}
VIDEOS = ("20bn-something-something-v2", "videos")


def layout(raw: Path) -> Layout:
    """The clips of the training and validation lists, numbered as labels.json does."""
    root = _root(raw)
    classes = _classes(_list_file(root, "labels"))
    videos = next((folder / n for folder in (root, raw) for n in VIDEOS if (folder / n).is_dir()), root)
    numbers = {name: i for i, name in enumerate(classes)}
    split: dict[str, int] = {}
    parts, missing = [], []
    for name, code in LISTS.items():
        file = _list_file(root, name)
        for entry in _entries(file):
            clip, label = _read(entry, file, numbers)
            if split.setdefault(clip, code) != code:
                raise PreparationError(f"{file}: the clip {clip} is in the training list too.")
            path = videos / f"{clip}.webm"
            if path.is_file():
                parts.append(Part(path.name, (path,), {"labels": label, "split": code}))
            else:
                missing.append((path, f"{file.name} names it"))
    return Layout(tuple(parts), classes, tuple(missing))


def convert(part: Part) -> dict[str, np.ndarray]:
    """One clip: "rgb" uint8 [1, 3, 16, 112, 112], "flow" uint8 [1, 2, 16, 112, 112], labels, split."""
    return frames_and_flow(part.files[0], FRAMES) | columns(part.about)


def _root(raw: Path) -> Path:
    """``raw``, or the folder in it, that holds the list of labels. Raises PreparationError."""
    tried = _list_names("labels")
    marker = next((file for file in reversed(tried) if (raw / file).is_file() or any(raw.glob(f"*/{file}"))), tried[0])
    return release_root(raw, marker, "the lists of the release and the folder of its clips")


def _list_file(root: Path, name: str) -> Path:
    """The list of that name. Raises PreparationError."""
    tried = _list_names(name)
    for file in tried:
        if (root / file).is_file():
            return root / file
    raise PreparationError(f"{root / tried[0]} is missing: expected it there or in {root / 'labels'}.")


def _list_names(name: str) -> list[str]:
    """Where something-something-v2-NAME.json may lie: also in labels/, and older copies leave out the prefix."""
    return [f"{folder}{prefix}{name}.json" for folder in ("", "labels/") for prefix in (PREFIX, "")]


def _json(file: Path) -> object:
    try:
        return json.loads(text_of(file))
    except (ValueError, RecursionError) as error:
        raise PreparationError(f"{file} is not JSON ({error}): it may be cut off, so copy it again.") from error


def _classes(file: Path) -> tuple[str, ...]:
    """The names in labels.json ({"Closing something": "5", ...}) in the order of their numbers, which run from 0."""
    numbers = _json(file)
    name_of = {str(number): name for name, number in numbers.items()} if isinstance(numbers, dict) else {}
    if not name_of or name_of.keys() != {str(number) for number in range(len(name_of))}:
        raise PreparationError(f"{file}: expected the names of the classes, numbered from 0 without a gap.")
    return tuple(name_of[str(number)] for number in range(len(name_of)))


def _entries(file: Path) -> Iterable[object]:
    entries = _json(file)
    if not isinstance(entries, list):
        raise PreparationError(f"{file}: expected a list of clips, got {type(entries).__name__}.")
    return entries


def _read(entry: object, file: Path, numbers: dict[str, int]) -> tuple[str, int]:
    """Name and label of a clip; a template marks things by brackets, which the names of the classes do not have."""
    if not isinstance(entry, dict) or not {"id", "template"} <= entry.keys():
        raise PreparationError(f"{file}: expected clips with an id and a template, got {entry!r}.")
    name = str(entry["template"]).replace("[", "").replace("]", "")
    if name not in numbers:
        raise PreparationError(f"{file}: the label {name!r} of clip {entry['id']} is not in labels.json.")
    return str(entry["id"]), numbers[name]
