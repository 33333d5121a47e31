"""Sound of a clip as the log spectrogram that the CREMA-D literature uses (OGM-GE, AGM, MCR)."""

import wave
from pathlib import Path

import numpy as np

from data_prep.raw_set import Undecodable
from data_prep.video import LOST, media

RATE = 22_050  # samples a second
N_FFT, HOP = 512, 353


def spectrogram(samples: np.ndarray, seconds: int) -> np.ndarray:
    """float32 [1, 1, 257, T]: log(|STFT| + 1e-7) of mono ``samples`` [n > 0] at 22,050 Hz. T: 188 in 3 s, 625 in 10 s.

    The sound is cut to ``seconds``, or repeated until it is as long, and clipped to -1..1, as in the code of OGM-GE.
    """
    import librosa

    whole = np.resize(samples, RATE * seconds).clip(-1, 1)
    magnitude = np.abs(librosa.stft(whole, n_fft=N_FFT, hop_length=HOP))
    return np.log(magnitude + 1e-7).astype(np.float32)[None, None]


def read_wav(path: Path, name: str) -> np.ndarray:
    """The sound of a wav file, float32 [n] mono at 22,050 Hz. Raises Undecodable, also where the file was cut off."""
    import soundfile

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        with wave.open(str(path)) as file:  # soundfile corrects the header's count to what is there
            promised = file.getnframes()
    except (soundfile.LibsndfileError, wave.Error, EOFError) as error:
        raise Undecodable(f"{name} is no wav file that can be read ({error}).") from error
    if len(samples) < promised - LOST * rate:
        raise Undecodable(f"{name} is cut off: it should have {promised:,} samples, it has {len(samples):,}.")
    return _resampled(samples.mean(1), rate, name)


def read_track(path: Path, name: str) -> np.ndarray:
    """The sound of a video file, float32 [n] mono at 22,050 Hz. Raises Undecodable, also where it has none."""
    import av

    with media(path, name) as container:
        if not container.streams.audio:
            raise Undecodable(f"{name} has no sound: expected an audio stream.")
        stream = container.streams.audio[0]
        to_mono = av.AudioResampler(format="flt", layout="mono")
        blocks = [block for frame in container.decode(stream) for block in to_mono.resample(frame)]
        rate = stream.rate
    samples = [block.to_ndarray()[0] for block in blocks]
    return _resampled(np.concatenate(samples) if samples else np.empty(0, np.float32), rate, name)


def _resampled(samples: np.ndarray, rate: int, name: str) -> np.ndarray:
    import librosa

    if not len(samples):
        raise Undecodable(f"{name} holds no sound.")
    return librosa.resample(samples, orig_sr=rate, target_sr=RATE)
