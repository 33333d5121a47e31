"""kinetics_sounds: the classes of Kinetics-400 that can be seen and heard (Arandjelovic and Zisserman, ICCV 2017).

Clips of 10 s that the user has cut already: train/CLASS/*.mp4 with val/CLASS/*.mp4 or test/CLASS/*.mp4 or both, or
CLASS/*.mp4 alone. Sound as for CREMA-D, 10 s of it; three frames, the middles of three equal parts of the clip. A row
takes 1.1 MB, 19,000 clips 21 GB.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_prep.clip_rows import columns, short_name, sound_and_frames
from data_prep.errors import PreparationError
from data_prep.raw_lists import NOWHERE, TEST, TRAIN, VALID, clips_in
from data_prep.raw_set import Layout, Part
from data_prep.video import scan

SKIPS = True
FRAMES, SECONDS = 3, 10
ID_LENGTH = 11  # of a YouTube id, with which the name of a clip begins
CLASSES = (
    "blowing nose", "blowing out candles", "bowling", "chopping wood", "dribbling basketball", "laughing",
    "mowing lawn", "playing accordion", "playing bagpipes", "playing bass guitar", "playing clarinet", "playing drums",
    "playing guitar", "playing harmonica", "playing keyboard", "playing organ", "playing piano", "playing saxophone",
    "playing trombone", "playing trumpet", "playing violin", "playing xylophone", "ripping paper", "shoveling snow",
    "shuffling cards", "singing", "stomping grapes", "tap dancing", "tapping guitar", "tapping pen", "tickling",
)  # fmt: skip


def layout(raw: Path) -> Layout:
    """The clips of the 31 classes; without folders of splits the loader draws them.

    A video in two splits is kept for test, else for valid, and the manifest names it, as it does a class without clips.
    """
    clips = list(_clips(raw))
    ids = sorted({path.stem[:ID_LENGTH] for path, _, _ in clips})
    number = {video: i for i, video in enumerate(ids)}
    split, parts, twice = {}, [], set()
    for path, label, code in sorted(clips, key=lambda clip: (-clip[2], clip[0])):
        video = path.stem[:ID_LENGTH]
        if split.setdefault(video, code) != code:
            twice.add(video)
        else:
            about = {"labels": label, "split": code, "video": number[video]}
            parts.append(Part(str(path.relative_to(raw)), (path,), about))
    seen = {label for _, label, _ in clips}
    absent = [name for i, name in enumerate(CLASSES) if i not in seen]
    return Layout(tuple(parts), CLASSES, about={"classes_without_clips": absent, "kept_for_one_split": sorted(twice)})


def convert(part: Part) -> dict[str, np.ndarray]:
    """One clip: "audio" float32 [1, 1, 257, 625], "visual" uint8 [1, 3, 3, 224, 224], labels, split, video."""
    (path,) = part.files
    video = scan(path, short_name(path))
    seconds = [(i + 0.5) * video.times[-1] / FRAMES for i in range(FRAMES)]
    return sound_and_frames(path, video, seconds, SECONDS) | columns(part.about)


def _clips(raw: Path) -> Iterator[tuple[Path, int, int]]:
    """(file, label, split) of every clip. Raises PreparationError for a folder that is no class."""
    for folder, code in _splits(raw):
        for of_class in sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != "."):
            name = of_class.name.replace("_", " ")
            if name not in CLASSES:
                raise PreparationError(
                    f"{of_class}: {name!r} is none of the 31 classes of Kinetics-Sounds. Give a folder with only "
                    f"these: {', '.join(CLASSES)}."
                )
            yield from ((path, CLASSES.index(name), code) for path in clips_in(of_class, ".mp4"))


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
