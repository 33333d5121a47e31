"""crema_d: acted sentences, AudioWAV/NAME.wav and VideoFlash/NAME.flv (Cao et al. 2014), prepared as OGM-GE does.

NAME tells actor, sentence, emotion and level: 1001_DFA_ANG_XX. A row takes 0.64 MB, the whole release 4.8 GB.
"""

from pathlib import Path

import numpy as np

from data_prep.decode.clip_rows import columns, short_name
from data_prep.decode.sound_and_frames import sound_and_frames
from data_prep.decode.video import scan
from data_prep.errors import PreparationError
from data_prep.release.layout import Layout, Part
from data_prep.release.lists import NOWHERE, TEST, TRAIN, clips_in, folder_of, lines_of
from data_prep.release.root import release_root

SKIPS = True
EMOTIONS = ("NEU", "HAP", "SAD", "FEA", "DIS", "ANG")  # in the order of OGM-GE
SECONDS = 3  # of sound; one frame of each
LISTS = {"train.csv": TRAIN, "test.csv": TEST}
TEST_SHARE = 744 / 7442  # of the clips, in the lists of OGM-GE


def layout(raw: Path) -> Layout:
    """The clips, with OGM-GE's split by clip: from train.csv and test.csv ("NAME,EMOTION" a line) where they are there.

    Without the lists a split of the same proportions is drawn, always the same, and the manifest says so. It also says
    how many clips are in neither list; they are prepared, as the split by actor takes them.
    """
    root = release_root(raw, "AudioWAV", "the folders AudioWAV and VideoFlash")
    sounds, pictures = root / "AudioWAV", folder_of(root / "VideoFlash")
    files = {*clips_in(sounds, ".wav"), *clips_in(pictures, ".flv")}
    about = {file.stem: _told_by(file.stem, str(file)) for file in sorted(files)}
    listed = _read_lists(root)
    pairs = {n: (sounds / f"{n}.wav", pictures / f"{n}.flv") for n in sorted(about.keys() | listed.keys())}
    missing = [(file, _why(file, listed)) for pair in pairs.values() for file in pair if file not in files]
    whole = [name for name, pair in pairs.items() if files.issuperset(pair)]
    split = listed or _drawn(whole)
    parts = tuple(Part(name, pairs[name], {**about[name], "split": split.get(name, NOWHERE)}) for name in whole)
    how = "train.csv and test.csv of the raw folder" if listed else f"drawn: {TEST_SHARE:.1%} of the clips for test"
    noted = {"split_by_clip": how, "clips_in_no_list": sum(name not in split for name in whole)}
    return Layout(parts, EMOTIONS, tuple(missing), about=noted)


def convert(part: Part) -> dict[str, np.ndarray]:
    """One clip: "audio" [1, 1, 257, 188]; "visual" uint8 [1, 3, 3, 224, 224], of 0, 1, 2 s; labels, actor, split."""
    sound, picture = part.files
    video = scan(picture, short_name(picture))
    return sound_and_frames(sound, video, range(SECONDS), SECONDS) | columns(part.about)


def _told_by(name: str, place: str) -> dict[str, int]:
    """Label and actor. Raises PreparationError if the name tells none."""
    fields = name.split("_")
    if len(fields) != 4 or not fields[0].isdecimal() or fields[2] not in EMOTIONS:
        raise PreparationError(
            f"{place}: {name!r} is not a clip's name; expected ACTOR_SENTENCE_EMOTION_LEVEL such as 1001_DFA_ANG_XX, "
            f"with an emotion out of {', '.join(EMOTIONS)}."
        )
    return {"labels": EMOTIONS.index(fields[2]), "actor": int(fields[0])}


def _read_lists(raw: Path) -> dict[str, int]:
    """{name: split} of the two lists; empty where neither is there. Raises PreparationError."""
    split: dict[str, int] = {}
    for file, code in LISTS.items() if any((raw / file).exists() for file in LISTS) else ():
        for place, line in lines_of(raw / file):
            name, _, emotion = line.strip().partition(",")
            told = EMOTIONS[_told_by(name, place)["labels"]]
            if emotion != told:
                raise PreparationError(f"{place}: the emotion of {name} is {emotion!r} here, {told} by its name.")
            if split.setdefault(name, code) != code:
                raise PreparationError(f"{place}: {name} is in both lists, so it cannot tell train from test.")
    return split


def _why(file: Path, listed: dict[str, int]) -> str:
    return "a list names its clip" if file.stem in listed else "the other half of its clip is there"


def _drawn(names: list[str]) -> dict[str, int]:
    order = np.random.default_rng(0).permutation(len(names))
    test = set(order[: round(TEST_SHARE * len(names))].tolist())
    return {name: TEST if i in test else TRAIN for i, name in enumerate(names)}
