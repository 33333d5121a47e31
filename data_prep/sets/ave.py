"""ave: audio-visual events in clips of 10 s, AVE_Dataset/AVE/VIDEO.mp4 (Tian et al., ECCV 2018, arXiv 1803.08842).

The sound is that of CREMA-D for 10 s, and three frames are the middles of three equal parts of the event. The papers on
imbalance have others: MCR 4 frames, AGM features made beforehand (VGG, VGGish) of 10 segments. A row takes 1.1 MB, the
whole release 4.5 GB.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_prep.decode.clip_rows import columns, short_name
from data_prep.decode.sound_and_frames import sound_and_frames
from data_prep.decode.video import scan
from data_prep.errors import PreparationError
from data_prep.release.layout import Layout, Part
from data_prep.release.lists import TEST, TRAIN, VALID, in_one_split, lines_of
from data_prep.release.root import release_root

SKIPS = True
FRAMES, SECONDS = 3, 10
LISTS = {"testSet.txt": TEST, "valSet.txt": VALID, "trainSet.txt": TRAIN}
HEADER = "Category&VideoID&Quality&StartTime&EndTime"


class Event(NamedTuple):
    """One line of a list: a category, a video, and the seconds in which the event is seen and heard."""

    category: str
    video: str
    start: float
    end: float


def layout(raw: Path) -> Layout:
    """One part for each line of the three lists; the classes are the categories of Annotations.txt.

    One video may have several events. A video of two lists stays in test, else in valid, and its other events are left
    out.
    """
    base = _base(raw)
    classes = tuple(sorted({event.category for _, event in _events(base / "Annotations.txt")}))
    videos = base / "AVE" if (base / "AVE").is_dir() else base
    found, missing = [], {}
    for file, code in LISTS.items():
        for place, event in _events(base / file):
            if event.category not in classes:
                raise PreparationError(f"{place}: no class {event.category!r} in Annotations.txt.")
            path = videos / f"{event.video}.mp4"
            if not path.is_file():
                missing[path] = f"{file} names it"
                continue
            about = {"labels": classes.index(event.category), "split": code, "start": event.start, "end": event.end}
            found.append((event.video, Part(f"{event.video} ({event.category})", (path,), about)))
    parts, left_out = in_one_split(found)
    return Layout(parts, classes, tuple(missing.items()), left_out=left_out)


def convert(part: Part) -> dict[str, np.ndarray]:
    """One event: "audio" float32 [1, 1, 257, 625], "visual" uint8 [1, 3, 3, 224, 224], labels, split, video."""
    (path,) = part.files
    start, end = float(part.about["start"]), float(part.about["end"])
    video = scan(path, short_name(path))
    lasts = max(end - start, 1.0)  # some events of the release begin and end in the same second
    seconds = [start + (i + 0.5) * lasts / FRAMES for i in range(FRAMES)]
    small = {name: part.about[name] for name in ("labels", "split", "video")}
    return sound_and_frames(path, video, seconds, SECONDS) | columns(small)


def _base(raw: Path) -> Path:
    """The folder that holds the lists: ``raw``, or AVE_Dataset in it or one deeper. Raises PreparationError."""
    if (raw / "Annotations.txt").is_file():
        return raw
    outer = release_root(raw, "AVE_Dataset", "this folder of the release, or Annotations.txt and the other lists")
    return release_root(outer / "AVE_Dataset", "Annotations.txt", "the lists of the release beside it")


def _events(file: Path) -> list[tuple[str, Event]]:
    """(place, event) of each line. Raises PreparationError."""
    return [(place, _event(line.strip(), place)) for place, line in lines_of(file) if line.strip() != HEADER]


def _event(line: str, place: str) -> Event:
    try:
        category, video, _, start, end = line.split("&")
        return Event(category, video, float(start), float(end))
    except ValueError as error:
        raise PreparationError(f"{place}: expected {HEADER}, got {line!r}.") from error
