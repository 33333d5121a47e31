"""Short sounds in fixed windows: placing, noise of a stated strength, log-mel spectrograms (librosa)."""

from collections.abc import Sequence

import numpy as np

BANDS = 32
FFT, HOP = 512, 320  # samples; at 16 kHz 32 ms and 20 ms
FLOOR = 1e-3  # of a mel band's power, where speech has an average power of 1 a sample: below it counts as silence
CHUNK = 500  # sounds at a time, so that the memory for their spectra stays small


def centred(sounds: Sequence[np.ndarray], length: int) -> np.ndarray:
    """Float32 [N, length]: each sound scaled to an average power of 1 over its own samples, silence on both sides.

    Raises ValueError for a sound that is longer than ``length`` or has no power.
    """
    windows = np.zeros((len(sounds), length), dtype=np.float32)
    for window, sound in zip(windows, sounds, strict=True):
        if len(sound) > length:
            raise ValueError(f"a sound of {len(sound)} samples does not fit into a window of {length}.")
        samples = sound.astype(np.float32)
        power = np.mean(samples**2)
        if not power > 0:
            raise ValueError("a sound without power has no signal-to-noise ratio: leave out silent ones.")
        start = (length - len(sound)) // 2
        window[start : start + len(sound)] = samples / np.sqrt(power)
    return windows


def pink_noise(keys: Sequence[Sequence[int]], length: int) -> np.ndarray:
    """Float32 [N, length]: for each key (whole numbers >= 0) its own noise, whose power falls as 1 / frequency.

    The average power of each over the window is 1. Equal keys give equal noise.
    """
    from scipy.fft import irfft  # here and below: `import mmlib.data` must work where only PyTorch and NumPy are

    bins = length // 2 + 1
    draws = [np.random.default_rng(key).standard_normal(2 * bins, dtype=np.float32) for key in keys]
    frequency = np.arange(bins, dtype=np.float32)
    frequency[0] = np.inf  # no constant part
    noise = irfft(np.stack(draws).view(np.complex64) / np.sqrt(frequency), length)
    return noise / np.sqrt(np.mean(noise**2, axis=1, keepdims=True))


def mixed(sounds: np.ndarray, noise: np.ndarray, snr: float) -> np.ndarray:
    """``sounds`` plus ``noise``, both of power 1 and [N, length], the noise lower by ``snr`` decibels."""
    return sounds + np.float32(10 ** (-snr / 20)) * noise


def log_mel(sounds: np.ndarray, rate: int) -> np.ndarray:
    """Float32 [N, 1, BANDS, frames]: the power in each mel band and frame, in decibels, of sounds [N, length]."""
    import librosa

    chunks = np.split(sounds, range(CHUNK, len(sounds), CHUNK))
    power = [librosa.feature.melspectrogram(y=x, sr=rate, n_fft=FFT, hop_length=HOP, n_mels=BANDS) for x in chunks]
    return librosa.power_to_db(np.concatenate(power), amin=FLOOR, top_db=None)[:, None]
