"""kinetics_sounds: the classes of Kinetics-400 that can be seen and heard (Arandjelovic and Zisserman, ICCV 2017).

Clips of 10 s that the user has cut already: train/CLASS/*.mp4 with val/CLASS/*.mp4 or test/CLASS/*.mp4 or both, or
CLASS/*.mp4 alone. Sound as for CREMA-D, 10 s of it; three frames, the middles of three equal parts of the clip. A row
takes 1.1 MB, 19,000 clips 21 GB.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_prep.decode.clip_rows import columns, short_name
from data_prep.decode.sound_and_frames import sound_and_frames
from data_prep.decode.video import scan
from data_prep.errors import PreparationError
from data_prep.release.layout import Layout, Part
from data_prep.release.lists import NOWHERE, TEST, TRAIN, VALID, clips_in, in_one_split

SKIPS = True
FRAMES, SECONDS = 3, 10
NAME = re.compile(r"([A-Za-z0-9_-]{11})(_\d+_\d+)?")  # the id that YouTube gives a video, and the clip's seconds in it
VIDEO_ENDINGS = (".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".webm")
CLASSES = (
    "blowing nose", "blowing out candles", "bowling", "chopping wood", "dribbling basketball", "laughing",
    "mowing lawn", "playing accordion", "playing bagpipes", "playing bass guitar", "playing clarinet", "playing drums",
    "playing guitar", "playing harmonica", "playing keyboard", "playing organ", "playing piano", "playing saxophone",
    "playing trombone", "playing trumpet", "playing violin", "playing xylophone", "ripping paper", "shoveling snow",
    "shuffling cards", "singing", "stomping grapes", "tap dancing", "tapping guitar", "tapping pen", "tickling",
)  # fmt: skip


def layout(raw: Path) -> Layout:
    """The clips of the 31 classes; without folders of splits the loader draws them.

    A video in two splits is kept for test, else for valid, and its other clips are left out. The manifest names the
    classes without clips.
    """
    clips = sorted(_clips(raw))
    found = [(_video(path), Part(str(path.relative_to(raw)), (path,), about)) for path, about in clips]
    parts, left_out = in_one_split(found)
    seen = {about["labels"] for _, about in clips}
    absent = [name for i, name in enumerate(CLASSES) if i not in seen]
    return Layout(parts, CLASSES, about={"classes_without_clips": absent}, left_out=left_out)


def convert(part: Part) -> dict[str, np.ndarray]:
    """One clip: "audio" float32 [1, 1, 257, 625], "visual" uint8 [1, 3, 3, 224, 224], labels, split, video."""
    (path,) = part.files
    video = scan(path, short_name(path))
    seconds = [(i + 0.5) * video.times[-1] / FRAMES for i in range(FRAMES)]
    return sound_and_frames(path, video, seconds, SECONDS) | columns(part.about)


def _clips(raw: Path) -> Iterator[tuple[Path, dict[str, int]]]:
    """(file, its label and split) of every clip. Raises PreparationError for a folder that is not a class."""
    for folder, code in _splits(raw):
        for of_class in sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != "."):
            name = of_class.name.replace("_", " ")
            if name not in CLASSES:
                raise PreparationError(
                    f"{of_class}: {name!r} is none of the 31 classes of Kinetics-Sounds. Give a folder with only "
                    f"these: {', '.join(CLASSES)}."
                )
            _check_endings(of_class)
            about = {"labels": CLASSES.index(name), "split": code}
            yield from ((path, about) for path in clips_in(of_class, ".mp4"))


def _check_endings(folder: Path) -> None:
    """Raises PreparationError for a video that is not an mp4, rather than leave it out."""
    for path in sorted(folder.iterdir()):
        if path.suffix != ".mp4" and path.suffix.lower() in VIDEO_ENDINGS and not path.name.startswith("."):
            raise PreparationError(
                f"{path}: expected clips whose names end in .mp4. Convert or rename it, or remove it."
            )


def _video(path: Path) -> str:
    """The id of the video that a clip was cut from. Raises PreparationError if the name of the file tells none."""
    told = NAME.fullmatch(path.stem)
    if told is None:
        raise PreparationError(
            f"{path}: expected ID.mp4 or ID_START_END.mp4 such as 0wR5jVB-WPk_000417_000427.mp4, where ID is the 11 "
            "characters that YouTube gives a video. The clips of a video must share it, so rename the file."
        )
    return told.group(1)


def _splits(raw: Path) -> list[tuple[Path, int]]:
    """The folders that hold folders of classes, with the code of their split."""
    there = [name for name in ("train", "val", "test") if (raw / name).is_dir()]
    if not there:
        return [(raw, NOWHERE)]
    if there in (["train"], ["val"], ["test"], ["val", "test"]):
        have = " and ".join(there)
        raise PreparationError(f"{raw} has {have}: expected train with val or test, or folders of classes.")
    only_val = {"train": TRAIN, "val": TEST}  # Kinetics gives no labels for its test clips
    codes = {"train": TRAIN, "val": VALID, "test": TEST} if "test" in there else only_val
    return [(raw / name, codes[name]) for name in there]
