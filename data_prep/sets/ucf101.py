"""ucf101: 101 human actions, UCF-101/CLASS/v_CLASS_gGG_cCC.avi with ucfTrainTestlist/ (Soomro et al., arXiv 1212.0402).

Clips with the same class and group are cut from one video. Only 51 classes have sound, which is left out here: MCR
takes these classes with their sound. A row is 8 frames of 112 x 112 pixels with the flow to the next frame: 0.50 MB,
the whole release 6.7 GB.
"""

import re
from pathlib import Path

import numpy as np

from data_prep.decode.clip_rows import columns
from data_prep.decode.frames_and_flow import frames_and_flow
from data_prep.errors import PreparationError
from data_prep.release.layout import Layout, Part
from data_prep.release.lists import NOWHERE, TEST, TRAIN, lines_of
from data_prep.release.root import release_root

SKIPS = True
FRAMES = 8
SPLITS = (1, 2, 3)
GROUP = re.compile(r"_g(\d+)_c\d+\.avi$")


def layout(raw: Path) -> Layout:
    """The clips that the three pairs of lists name, each with its part in each pair."""
    root = release_root(raw, "ucfTrainTestlist", "this folder of lists and the folder UCF-101")
    lists = root / "ucfTrainTestlist"
    videos = next((folder / "UCF-101" for folder in (root, raw) if (folder / "UCF-101").is_dir()), root)
    classes = _classes(lists / "classInd.txt")
    splits = {f"split{number}": _split(lists, number, classes) for number in SPLITS}
    clips = sorted(set().union(*splits.values()))
    missing = [(videos / clip, "the lists name it") for clip in clips if not (videos / clip).is_file()]
    gone = {path for path, _ in missing}
    parts = []
    for clip in clips:
        if videos / clip not in gone:
            codes = {name: split.get(clip, NOWHERE) for name, split in splits.items()}
            about = {"labels": classes.index(_class_of(clip)), "group": _group(clip), **codes}
            parts.append(Part(clip, (videos / clip,), about))
    return Layout(tuple(parts), classes, tuple(missing))


def convert(part: Part) -> dict[str, np.ndarray]:
    """One clip: "rgb" uint8 [1, 3, 8, 112, 112], "flow" uint8 [1, 2, 8, 112, 112], labels, group, split1 to 3."""
    return frames_and_flow(part.files[0], FRAMES) | columns(part.about)


def _classes(file: Path) -> tuple[str, ...]:
    """The names in classInd.txt ("1 ApplyEyeMakeup", ...), whose numbers must run from 1. Raises PreparationError."""
    names: list[str] = []
    for place, line in lines_of(file):
        number, _, name = line.strip().partition(" ")
        if number != str(len(names) + 1) or not name:
            raise PreparationError(f"{place}: expected '{len(names) + 1} CLASS', got {line!r}.")
        names.append(name)
    return tuple(names)


def _split(lists: Path, number: int, classes: tuple[str, ...]) -> dict[str, int]:
    """{clip: code} of one pair of lists. Raises PreparationError for an unknown class or a group in both lists."""
    split: dict[str, int] = {}
    groups: dict[tuple[str, int], int] = {}
    for code, file in ((TRAIN, f"trainlist{number:02}.txt"), (TEST, f"testlist{number:02}.txt")):
        for place, line in lines_of(lists / file):
            clip, _, label = line.strip().partition(" ")
            name = _class_of(clip)
            if name not in classes or (label and label != str(classes.index(name) + 1)):
                raise PreparationError(f"{place}: the class or its number in {line!r} is not that of classInd.txt.")
            if GROUP.search(clip) is None:
                raise PreparationError(f"{place}: {clip!r} tells no group; expected CLASS/v_CLASS_g01_c01.avi.")
            if groups.setdefault((name, _group(clip)), code) != code:
                raise PreparationError(f"{place}: the group of {clip} is in both lists of split {number}.")
            split[clip] = code
    return split


def _class_of(clip: str) -> str:
    return clip.partition("/")[0]


def _group(clip: str) -> int:
    return int(GROUP.search(clip).group(1))
