"""The row of one clip: what the data sets of clips have in common when a part of theirs is converted."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from data_prep.decode.audio import read_track, read_wav, spectrogram
from data_prep.decode.flow import flow
from data_prep.decode.video import Video, at_seconds, pictures, scan, spread
from data_prep.release.layout import Undecodable

SIZE = 224  # pixels of a frame beside sound, as ResNet-18 is used on pictures
MOTION_SIZE = 112  # pixels where flow is computed, of which there is much more


def sound_and_frames(sound: Path, video: Video, seconds: Sequence[float], audio_seconds: int) -> dict[str, np.ndarray]:
    """One clip: "audio" float32 [1, 1, 257, T] and "visual" uint8 [1, 3, len(seconds), 224, 224]. Raises Undecodable.

    sound: a wav file, or the file of the video itself.
    """
    read = read_wav if sound.suffix == ".wav" else read_track
    samples = read(sound, short_name(sound))
    frames = pictures(video, at_seconds(video, seconds), SIZE)
    return {"audio": spectrogram(samples, audio_seconds), "visual": _channels_first(frames)}


def frames_and_flow(path: Path, count: int) -> dict[str, np.ndarray]:
    """One clip: "rgb" uint8 [1, 3, count, 112, 112] and "flow" uint8 [1, 2, count, 112, 112]. Raises Undecodable.

    The frames are spread evenly over the clip; each flow is that to the very next frame of the file.
    """
    video = scan(path, short_name(path))
    if len(video.times) < 2:
        raise Undecodable(f"{video.name} has a single frame: motion needs two.")
    first = spread(len(video.times) - 1, count)
    both = pictures(video, [*first, *(number + 1 for number in first)], MOTION_SIZE)
    before, after = both[:count], both[count:]
    return {"rgb": _channels_first(before), "flow": flow(before, after).transpose(1, 0, 2, 3)[None]}


def columns(about: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Each number as a column of one row: int8 for those named "split...", else int64."""
    return {name: np.array([value], np.int8 if name.startswith("split") else np.int64) for name, value in about.items()}


def short_name(path: Path) -> str:
    """What messages call a file: its folder and its name."""
    return f"{path.parent.name}/{path.name}"


def _channels_first(frames: np.ndarray) -> np.ndarray:
    """[T, H, W, 3] -> [1, 3, T, H, W]."""
    return frames.transpose(3, 0, 1, 2)[None]
