"""Sound out of wav files and videos, and the spectrogram of the CREMA-D literature."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

sys.path.append(str(Path(__file__).parent))

from raw_folders_clips import tone, write_clip, write_wav

from data_prep.audio import N_FFT, RATE, read_track, read_wav, spectrogram
from data_prep.raw_set import Undecodable


def pitch_of(samples):
    """Hz of the strongest frequency."""
    strength = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.argmax(strength) * RATE / len(samples)


@pytest.mark.parametrize(("seconds", "steps"), [(3, 188), (10, 625)])
def test_spectrogram_has_the_published_shape(seconds, steps):
    found = spectrogram(tone(seconds, 440), seconds)
    assert found.shape == (1, 1, 257, steps) and found.dtype == np.float32


def test_spectrogram_is_the_logarithm_of_the_magnitude():
    found = spectrogram(tone(3, 1000), 3)[0, 0]
    assert (found[:, 5:-5].argmax(0) == round(1000 * N_FFT / RATE)).all()
    samples = tone(3, 1000)
    middle = samples[100 * 353 - 256 : 100 * 353 + 256] * np.hanning(513)[:-1]
    np.testing.assert_allclose(np.exp(found[20:30, 100]), np.abs(np.fft.rfft(middle))[20:30], rtol=1e-2)
    assert spectrogram(np.zeros(RATE, np.float32), 3).max() == pytest.approx(np.log(1e-7))


def test_short_sound_is_repeated_long_sound_is_cut_and_loud_sound_is_clipped():
    short = tone(1.1, 440)
    assert np.array_equal(spectrogram(short, 3), spectrogram(np.tile(short, 3)[: 3 * RATE], 3))
    long = tone(5, 440)
    assert np.array_equal(spectrogram(long, 3), spectrogram(long[: 3 * RATE], 3))
    assert np.array_equal(spectrogram(10 * long, 3), spectrogram((10 * long).clip(-1, 1), 3))


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100])
def test_wav_of_any_rate_comes_at_22050_hz(tmp_path, rate):
    write_wav(tmp_path / "a.wav", seconds=2, pitch=500, rate=rate)
    samples = read_wav(tmp_path / "a.wav", "a")
    assert len(samples) == 2 * RATE and samples.dtype == np.float32
    assert pitch_of(samples) == pytest.approx(500, abs=1) and np.abs(samples).max() == pytest.approx(0.3, abs=0.02)


def test_two_channels_are_averaged(tmp_path):
    left, right = tone(1, 300), tone(1, 700)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], 1), RATE)
    np.testing.assert_allclose(read_wav(tmp_path / "a.wav", "a"), (left + right) / 2, atol=1e-3)


def test_wav_that_was_cut_off_is_refused_and_named(tmp_path):
    path = tmp_path / "a.wav"
    write_wav(path, seconds=3)
    path.write_bytes(path.read_bytes()[:60_000])
    with pytest.raises(Undecodable, match="^the sound is cut off: it should have 66,150 samples, it has 29,9"):
        read_wav(path, "the sound")


@pytest.mark.parametrize("content", [b"", b"this is no sound", b"RIFF\0\0\0\0WAVE"])
def test_file_that_is_no_wav_is_refused_and_named(tmp_path, content):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(Undecodable, match="^the sound is no wav file"):
        read_wav(path, "the sound")


def test_wav_without_samples_is_refused_and_named(tmp_path):
    write_wav(tmp_path / "a.wav", seconds=0)
    with pytest.raises(Undecodable, match="^the sound holds no sound"):
        read_wav(tmp_path / "a.wav", "the sound")


def test_sound_of_a_video_is_read(tmp_path):
    write_clip(tmp_path / "a.mp4", seconds=2.0, pitch=600)
    samples = read_track(tmp_path / "a.mp4", "a")
    assert len(samples) == pytest.approx(2 * RATE, abs=0.1 * RATE) and samples.ndim == 1
    assert pitch_of(samples) == pytest.approx(600, abs=2) and samples.std() == pytest.approx(0.3 / 2**0.5, abs=0.01)


def test_video_without_sound_is_refused_and_named(tmp_path):
    write_clip(tmp_path / "a.mp4", seconds=1.0)
    with pytest.raises(Undecodable, match="^the clip has no sound"):
        read_track(tmp_path / "a.mp4", "the clip")
