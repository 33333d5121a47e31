"""Sound of a clip as the log spectrogram that the CREMA-D literature uses (OGM-GE, AGM, MCR)."""

import io
import struct
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_prep.decode.video import LOST, first_stream, media
from data_prep.release.layout import Undecodable

if TYPE_CHECKING:  # only a preparation needs PyAV
    from av import AudioFrame

RATE = 22_050  # samples a second
N_FFT, HOP = 512, 353
UNKNOWN_SIZE = 2**32 - 1  # of a chunk, by programs that write to a pipe, and of one above 4 GB


def spectrogram(samples: np.ndarray, seconds: int) -> np.ndarray:
    """float32 [1, 1, 257, T]: log(|STFT| + 1e-7) of mono ``samples`` [n > 0] at 22,050 Hz. T: 188 in 3 s, 625 in 10 s.

    The sound is cut to ``seconds``, or repeated until it is as long, and clipped to -1..1, as in the code of OGM-GE.
    """
    import librosa

    whole = np.resize(samples, RATE * seconds).clip(-1, 1)
    magnitude = np.abs(librosa.stft(whole, n_fft=N_FFT, hop_length=HOP))
    return np.log(magnitude + 1e-7).astype(np.float32)[None, None]


def read_wav(path: Path, name: str) -> np.ndarray:
    """The sound of a wav file, float32 [n] mono at 22,050 Hz. Raises Undecodable, also where the file was cut off.

    Raises OSError where the file is gone or the disk fails.
    """
    import soundfile

    content = path.read_bytes()  # by Python, as soundfile hides errors of the disk
    try:
        samples, rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise Undecodable(f"{name} is not a wav file that can be read ({error.error_string}).") from error
    lasts, there = _promised(content)  # soundfile corrects the header's length to what is there
    if there < lasts - LOST:
        raise Undecodable(f"{name} is cut off: it should last {lasts:.1f} s, its sound ends at {there:.1f} s.")
    return _resampled(samples.mean(1), rate, name)


def _promised(content: bytes) -> tuple[float, float]:
    """(seconds that the header of a RIFF file promises, seconds that are there); (0, 0) where it tells none."""
    start, bytes_a_second = 12, 0
    while content[:4] == b"RIFF" and start + 8 <= len(content):
        kind, size = struct.unpack_from("<4sI", content, start)
        start += 8
        if kind == b"fmt ":
            (bytes_a_second,) = struct.unpack_from("<I", content, start + 8)
        if kind == b"data" and bytes_a_second and size != UNKNOWN_SIZE:
            return size / bytes_a_second, (len(content) - start) / bytes_a_second
        start += size + size % 2
    return 0.0, 0.0


def read_track(path: Path, name: str) -> np.ndarray:
    """The sound of a video file, float32 [n] mono at 22,050 Hz. Raises Undecodable, also where it has none.

    Raises OSError where the file is gone or the disk fails.
    """
    with media(path, name) as container:
        stream = first_stream(container.streams.audio, name, "sound")
        frames = container.decode(stream)
        first = next(frames, None)
        if first is None:
            raise Undecodable(f"{name} holds no sound.")
        samples = np.concatenate(list(_mono(chain([first], frames), first.sample_rate)))
    return _resampled(samples, first.sample_rate, name)


def _mono(frames: "Iterable[AudioFrame]", rate: int) -> Iterator[np.ndarray]:
    """The samples of ``frames``, float32 [n] at ``rate`` Hz; channels, format and rate may change on the way."""
    import av

    for _, run in groupby(frames, key=lambda frame: (frame.format.name, frame.layout.name, frame.sample_rate)):
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        converted = (block for frame in chain(run, [None]) for block in resampler.resample(frame))
        yield from (block.to_ndarray()[0] for block in converted if block is not None)


def _resampled(samples: np.ndarray, rate: int, name: str) -> np.ndarray:
    import librosa

    if not len(samples):
        raise Undecodable(f"{name} holds no sound.")
    return librosa.resample(samples, orig_sr=rate, target_sr=RATE)
