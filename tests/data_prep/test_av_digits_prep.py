"""Spoken digits by the real eSpeak NG: a few voices and takes, prepared as all of them are."""

import ctypes
import sys
import time

import librosa
import numpy as np
import pytest

from data_prep import __main__ as command
from data_prep import fetch as prepare
from data_prep.decode import speech as espeak
from data_prep.decode.speech import Take
from data_prep.errors import PreparationError
from data_prep.sets import av_digits
from data_prep.unpack.wheels import WheelFiles
from mmlib.data.storage import prepared
from mmlib.data.storage.manifest import DataNotPrepared
from mmlib.data.storage.prepared import Prepared, read_prepared

FEW = ("f2", "m3", "klatt")


@pytest.fixture
def few(monkeypatch):
    """Three voices, two takes of each word, beside two pictures."""
    pictures = {"pix": np.arange(480.0, dtype=np.float32).reshape(2, 240) % 7, "labels": np.array([3, 4])}
    monkeypatch.setattr(av_digits, "VARIANTS", FEW)
    monkeypatch.setattr(av_digits, "TAKES", 2)
    digits = Prepared(pictures, {"classes": [str(i) for i in range(10)]})
    monkeypatch.setattr(prepared, "read_prepared", lambda name: digits)


def test_every_voice_says_every_word_and_the_arrays_tell_which(few):
    lines = []
    arrays, classes, about = av_digits.convert(WheelFiles([], lines.append))
    assert arrays["digits"].tolist() == 3 * [digit for digit in range(10) for _ in range(2)]
    assert arrays["voices"].tolist() == [voice for voice in range(3) for _ in range(20)]
    assert arrays["speech"].dtype == np.int16 and arrays["ends"][-1] == len(arrays["speech"])
    seconds = np.diff(arrays["ends"], prepend=0) / av_digits.RATE
    assert 0.1 < seconds.min() and seconds.max() < 0.64
    assert arrays["images"].shape == (2, 16, 15) and arrays["images"][1, 0, :3].tolist() == [2, 3, 4]
    assert classes == [str(i) for i in range(10)]
    assert [voice["variant"] for voice in about["speech"]["voices"]] == list(FEW)
    assert "synthesised" in about["speech"]["how"]


def test_twice_in_one_process_gives_the_same_sounds(few):
    first = av_digits.convert(WheelFiles([], print)).arrays["speech"]
    time.sleep(1.1)  # eSpeak NG would draw its noise by the second
    assert np.array_equal(first, av_digits.convert(WheelFiles([], print)).arrays["speech"])


def test_all_voices_have_their_accent_and_sound_different():
    takes = [
        Take("seven", av_digits.accent_of(voice), variant, 50, 50, 175)
        for voice, variant in enumerate(av_digits.VARIANTS)
    ]
    [sounds] = espeak.speak_all([takes])
    assert len({sound.tobytes() for sound in sounds}) == len(takes) == 70
    assert len({sound.tobytes() for sound in say(*(Take("one", a, "f2", 50, 50, 175) for a in av_digits.ACCENTS))}) > 4


def say(*takes):
    [sounds] = espeak.speak_all([takes])
    return sounds


def test_pitch_and_speed_are_heard():
    low, high, fast = say(*(Take("four", "en-us", "m3", p, 50, s) for p, s in [(20, 160), (90, 160), (20, 320)]))
    assert pitch_of(high) > 1.3 * pitch_of(low)
    assert len(fast) < 0.8 * len(low)


def pitch_of(sound):
    frames = librosa.yin(sound / 32768, fmin=50, fmax=400, sr=espeak.RATE)
    return np.median(frames)


def test_what_is_kept_is_the_word_at_its_rate_and_level():
    second = np.sin(2 * np.pi * 440 * np.arange(22_050) / 22_050)
    silence = np.zeros(5_000)
    kept = av_digits.kept(np.concatenate([silence, 3_000 * second, silence]).astype(np.int16))
    assert abs(len(kept) - av_digits.RATE) < 20
    assert np.abs(kept.astype(int)).max() == round(0.9 * 32767)
    spectrum = np.abs(np.fft.rfft(kept))
    assert abs(spectrum.argmax() * av_digits.RATE / len(kept) - 440) < 2


@pytest.mark.parametrize("variant", ["nobody", "m33"])
def test_an_unknown_voice_is_named(variant):
    with pytest.raises(PreparationError, match=f"no voice 'en-us\\+{variant}'"):
        say(Take("one", "en-us", variant, 50, 50, 175))


def test_without_the_package_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(PreparationError, match="run  pip install espeakng-loader"):
        espeak.load_library()


def test_a_library_that_cannot_be_loaded_is_a_sentence(monkeypatch):
    def refuse(path):
        raise OSError(f"{path}: wrong architecture")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    with pytest.raises(PreparationError, match="wrong architecture.*pip install espeakng-loader"):
        espeak.load_library()


def test_a_speaker_that_dies_is_a_sentence():
    with pytest.raises(PreparationError, match="ended the process"):
        list(espeak.speak_all([_Deadly()]))


class _Deadly(list):
    """Ends the process that unpickles it."""

    def __reduce__(self):
        import os

        return os._exit, (1,)


def test_a_failing_preparation_leaves_nothing_behind(few, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path))
    monkeypatch.setattr(av_digits, "VARIANTS", ("f2", "nobody"))
    monkeypatch.setitem(prepare.SOURCES, "av_digits", prepare.Source(packages=("espeakng-loader",)))
    assert command.main(["av_digits"]) == 1
    assert "no voice" in capsys.readouterr().err
    with pytest.raises(DataNotPrepared):
        read_prepared("av_digits")
    assert [f.name for f in tmp_path.iterdir()] == [".av_digits.lock"]
