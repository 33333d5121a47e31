"""Tiny raw folders of the data sets of clips, with real encoded media: make_NAME(folder, ...) fills and returns it."""

import functools
import json
import tempfile
from pathlib import Path

import av
import numpy as np
import soundfile

CODECS = {
    ".mp4": ("libx264", "aac"), ".avi": ("mpeg4", "libmp3lame"), ".flv": ("flv", "aac"), ".webm": ("libvpx", "libopus"),
}  # fmt: skip
WIDTH, HEIGHT, FPS, RATE, TRACK_RATE = 64, 48, 10, 22_050, 48_000
CREMA_D_CLIPS = tuple(
    f"{actor}_IEO_{emotion}_XX" for actor in range(1001, 1007) for emotion in ("NEU", "HAP", "SAD", "FEA", "DIS", "ANG")
)
AVE_EVENTS = {
    "trainSet.txt": ("Bark&aaaaaaaaaa1&good&0&10", "Cat&aaaaaaaaaa2&good&2&5", "Cat&aaaaaaaaaa1&good&3&3"),
    "valSet.txt": ("Bark&bbbbbbbbbb1&good&0&10", "Cat&bbbbbbbbbb2&good&1&2"),
    "testSet.txt": ("Bark&cccccccccc1&good&0&10", "Cat&cccccccccc2&good&0&2"),
}
KINETICS_CLIPS = tuple(
    f"{split}/{label}/{split[:2]}{label[:4]}{i:05}_000000_000010.mp4"
    for split in ("train", "val")
    for label in ("bowling", "tap_dancing")
    for i in range(3)
)
UCF_CLASSES = ("Archery", "Basketball")
UCF_CLIPS = ("g01_c01", "g02_c01", "g03_c01", "g03_c02", "g04_c01")
UCF_LISTS = {1: (1,), 2: (2,), 3: (3,)}  # number of the pair: groups in its test list
SOMETHING_CLIPS = {"train": tuple(range(1, 9)), "validation": (9, 10), "test": (11,)}
SOMETHING_LABELS = {"Closing something": "0", "Holding something next to something": "1"}
SOMETHING_TEMPLATES = ("Closing [something]", "Holding [something] next to [something]")


@functools.cache
def clip_bytes(ending: str, seconds: float = 1.0, shade: int = 60, pitch: int = 0, faststart: bool = False) -> bytes:
    """An encoded clip: a bright square that moves 2 pixels right a frame on a ground of ``shade``, and a tone.

    pitch: of the tone in Hz; 0 leaves sound out.
    """
    picture, sound = CODECS[ending]
    options = {"movflags": "faststart"} if faststart else {}
    with tempfile.TemporaryDirectory() as folder:  # a file, as an index can be put first in a file only
        path = Path(folder, f"clip{ending}")
        with av.open(str(path), "w", options=options) as output:
            _encode(output, picture, sound, seconds, shade, pitch)
        return path.read_bytes()


def _encode(output, picture: str, sound: str, seconds: float, shade: int, pitch: int) -> None:
    stream = output.add_stream(picture, rate=FPS, width=WIDTH, height=HEIGHT, pix_fmt="yuv420p")
    track = output.add_stream(sound, rate=TRACK_RATE, layout="mono") if pitch else None
    for number in range(round(seconds * FPS)):
        output.mux(stream.encode(av.VideoFrame.from_ndarray(moving_square(number, shade))))
    output.mux(stream.encode())
    if track:
        frame = av.AudioFrame.from_ndarray(tone(seconds, pitch, TRACK_RATE)[None], format="fltp", layout="mono")
        frame.sample_rate = TRACK_RATE
        output.mux(track.encode(frame))
        output.mux(track.encode())


def moving_square(number: int, shade: int = 60) -> np.ndarray:
    """Frame ``number`` of a clip, uint8 [48, 64, 3]."""
    picture = np.full((HEIGHT, WIDTH, 3), shade, np.uint8)
    left = (4 + 2 * number) % (WIDTH - 16)
    picture[16:32, left : left + 16] = (np.indices((16, 16)).sum(0) % 8 * 12 + 140)[..., None]
    return picture


def tone(seconds: float, pitch: int, rate: int = RATE) -> np.ndarray:
    """A sine of ``pitch`` Hz, float32 [seconds * rate]."""
    return (0.3 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def write_clip(path: Path, **options: object) -> None:
    """Writes ``clip_bytes`` of the ending of ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(clip_bytes(path.suffix, **options))


def write_wav(path: Path, seconds: float = 1.0, pitch: int = 440, rate: int = RATE) -> None:
    """Writes a tone as 16-bit wav."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(seconds, pitch, rate), rate, subtype="PCM_16")


def write_text(path: Path, content: object) -> None:
    """Writes lines, or JSON where the name ends so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content) if path.suffix == ".json" else "".join(f"{line}\n" for line in content))


def make_crema_d(folder: Path, clips=CREMA_D_CLIPS, lists: dict | None = None) -> Path:
    """Clips of 2.5 s; lists: {"train.csv": names, "test.csv": names}, none by default."""
    for i, name in enumerate(clips):
        write_wav(folder / "AudioWAV" / f"{name}.wav", seconds=2.5, pitch=300 + 100 * (i % 6))
        write_clip(folder / "VideoFlash" / f"{name}.flv", seconds=2.5, shade=20 * (i % 6))
    for file, names in (lists or {}).items():
        write_text(folder / file, [f"{name},{name.split('_')[2]}" for name in names])
    return folder


def make_ave(folder: Path, lists=AVE_EVENTS) -> Path:
    """Clips of 2 s with sound; lists: {file: lines}."""
    base = folder / "AVE_Dataset"
    header = "Category&VideoID&Quality&StartTime&EndTime"
    write_text(base / "Annotations.txt", [header, *(line for lines in AVE_EVENTS.values() for line in lines)])
    for file, lines in lists.items():
        write_text(base / file, lines)
        for line in lines:
            write_clip(base / "AVE" / f"{line.split('&')[1]}.mp4", seconds=2.0, shade=len(line) * 4, pitch=440)
    return folder


def make_kinetics_sounds(folder: Path, clips=KINETICS_CLIPS) -> Path:
    """Clips of 2 s with sound; clips: their paths in the folder."""
    for i, clip in enumerate(clips):
        write_clip(folder / clip, seconds=2.0, shade=10 * (i % 6), pitch=300)
    return folder


def make_ucf101(folder: Path, test_groups=UCF_LISTS) -> Path:
    """Two classes with the clips of UCF_CLIPS; test_groups: {number of a pair of lists: groups in its test list}."""
    lists = folder / "ucfTrainTestlist"
    write_text(lists / "classInd.txt", [f"{label} {name}" for label, name in enumerate(UCF_CLASSES, 1)])
    names = [(f"{n}/v_{n}_{clip}.avi", label) for label, n in enumerate(UCF_CLASSES, 1) for clip in UCF_CLIPS]
    for clip, label in names:
        write_clip(folder / "UCF-101" / clip, shade=40 * label)
    for number, groups in test_groups.items():
        tested = [(clip, label) for clip, label in names if int(clip[-10:-8]) in groups]
        trained = [f"{clip} {label}" for clip, label in names if (clip, label) not in tested]
        write_text(lists / f"trainlist{number:02}.txt", trained)
        write_text(lists / f"testlist{number:02}.txt", [clip for clip, _ in tested])
    return folder


def make_something_something(folder: Path, clips=SOMETHING_CLIPS) -> Path:
    """Clips of 1 s; clips: {list: numbers}."""
    write_text(folder / "something-something-v2-labels.json", SOMETHING_LABELS)
    for name, numbers in clips.items():
        labels = {} if name == "test" else {"template": SOMETHING_TEMPLATES}
        entries = [{"id": str(n)} | {key: texts[n % 2] for key, texts in labels.items()} for n in numbers]
        write_text(folder / f"something-something-v2-{name}.json", entries)
        for number in numbers:
            write_clip(folder / "20bn-something-something-v2" / f"{number}.webm", shade=40 * (number % 2))
    return folder
