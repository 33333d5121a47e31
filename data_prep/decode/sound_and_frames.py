"""The row of a clip with sound: its spectrogram and some of its frames."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_prep.decode.audio import read_track, read_wav, spectrogram
from data_prep.decode.clip_rows import channels_first, short_name
from data_prep.decode.video import Video, at_seconds, pictures

SIZE = 224  # pixels of a frame beside sound, as ResNet-18 is used on pictures


def sound_and_frames(sound: Path, video: Video, seconds: Sequence[float], audio_seconds: int) -> dict[str, np.ndarray]:
    """One clip: "audio" float32 [1, 1, 257, T] and "visual" uint8 [1, 3, len(seconds), 224, 224]. Raises Undecodable.

    sound: a wav file, or the file of the video itself.
    """
    read = read_wav if sound.suffix == ".wav" else read_track
    samples = read(sound, short_name(sound))
    frames = pictures(video, at_seconds(video, seconds), SIZE)
    return {"audio": spectrogram(samples, audio_seconds), "visual": channels_first(frames)}
