"""Sound out of wav files and videos, and the spectrogram of the CREMA-D literature."""

import errno
import io
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

sys.path.append(str(Path(__file__).parent))

from raw_folders_clips import tone, write_clip, write_wav

from data_prep.decode.audio import N_FFT, RATE, _mono, read_track, read_wav, spectrogram
from data_prep.release.layout import Undecodable


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
    with pytest.raises(Undecodable, match=r"^the sound is cut off: it should last 3\.0 s, its sound ends at 1\.4 s"):
        read_wav(path, "the sound")


WAV_KINDS = [("WAV", "FLOAT"), ("WAV", "PCM_24"), ("WAVEX", "PCM_16"), ("WAVEX", "FLOAT"), ("WAV", "ULAW")]


@pytest.mark.parametrize(("form", "subtype"), WAV_KINDS)
def test_every_wav_that_soundfile_reads_is_read(tmp_path, form, subtype):
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(2, 500), RATE, format=form, subtype=subtype)
    samples = read_wav(path, "a")
    assert len(samples) == 2 * RATE and pitch_of(samples) == pytest.approx(500, abs=1)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(Undecodable, match=r"^a is cut off: it should last 2\.0 s, its sound ends at (1\.0|0\.9) s"):
        read_wav(path, "a")


def test_wav_whose_header_leaves_the_length_open_is_read(tmp_path):
    path = tmp_path / "a.wav"
    write_wav(path, seconds=2)
    content = bytearray(path.read_bytes())
    size = content.index(b"data") + 4
    content[size : size + 4] = b"\xff" * 4  # as ffmpeg writes it to a pipe
    path.write_bytes(content)
    assert len(read_wav(path, "a")) == 2 * RATE


def test_messages_hold_no_path(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"this is not a sound")
    with pytest.raises(Undecodable, match=r"^folder/a\.wav is not a wav file .* read \([A-Z][A-Za-z ]+\.\)\.$"):
        read_wav(path, "folder/a.wav")


@pytest.mark.parametrize("read", [read_wav, read_track])
def test_a_file_that_is_gone_is_no_damaged_file(tmp_path, read):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "gone.wav", "the sound")


def test_a_disk_that_fails_while_a_wav_is_read_is_no_damaged_file(tmp_path, monkeypatch):
    def fails(self):
        raise OSError(errno.EIO, "Input/output error", str(self))

    write_wav(tmp_path / "a.wav")
    monkeypatch.setattr(Path, "read_bytes", fails)
    with pytest.raises(OSError, match="Input/output error"):
        read_wav(tmp_path / "a.wav", "a")


@pytest.mark.parametrize("content", [b"", b"this is not a sound", b"RIFF\0\0\0\0WAVE"])
def test_file_that_is_no_wav_is_refused_and_named(tmp_path, content):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(Undecodable, match="^the sound is not a wav file"):
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


def adts(layout, rate, pitch, seconds=1.0):
    """A track of aac in packets that each tell their form, so that tracks can be put one behind the other."""
    file = io.BytesIO()
    with av.open(file, "w", format="adts") as output:
        track = output.add_stream("aac", rate=rate, layout=layout)
        samples = np.tile(tone(seconds, pitch, rate), (len(track.layout.channels), 1))
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.sample_rate = rate
        output.mux(track.encode(frame))
        output.mux(track.encode())
    return file.getvalue()


@pytest.mark.parametrize("second", [("stereo", 44_100), ("mono", 22_050), ("stereo", 48_000)])
def test_track_whose_form_changes_on_the_way_is_read_to_its_end(tmp_path, second):
    path = tmp_path / "a.aac"
    path.write_bytes(adts("mono", 44_100, 400) + adts(*second, 700) + adts("mono", 44_100, 1000))
    samples = read_track(path, "a")
    assert len(samples) == pytest.approx(3 * RATE, abs=0.2 * RATE)
    found = [pitch_of(samples[round((i + 0.3) * RATE) : round((i + 0.8) * RATE)]) for i in range(3)]
    assert found == pytest.approx([400, 700, 1000], abs=5)


def test_no_sample_is_lost_where_the_rate_changes():
    def frame(rate):
        made = av.AudioFrame.from_ndarray(tone(1.0, 440, rate)[None], format="fltp", layout="mono")
        made.sample_rate = rate
        return made

    found = np.concatenate(list(_mono([frame(RATE), frame(2 * RATE), frame(RATE)], RATE)))
    assert len(found) == 3 * RATE


def test_video_without_sound_is_refused_and_named(tmp_path):
    write_clip(tmp_path / "a.mp4", seconds=1.0)
    with pytest.raises(Undecodable, match="^the clip has no sound"):
        read_track(tmp_path / "a.mp4", "the clip")
