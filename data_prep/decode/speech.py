"""Speech by eSpeak NG: its C library, which the package espeakng_loader brings along, called by ctypes.

The library has one voice, one pitch and one callback per process, and what it speaks depends a little on what it spoke
before. So all of a preparation is spoken, in order, by a process of its own: twice the same gives the same samples.
"""

import ctypes
import os
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_prep.errors import PreparationError
from data_prep.processes import pool

RATE = 22_050  # samples a second that the library is expected to give

# Names and numbers of espeak-ng/speak_lib.h.
AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_DONT_EXIT = 0x8000
PARAMETER_RATE, PARAMETER_PITCH, PARAMETER_RANGE = 1, 3, 4
POSITION_CHARACTER, CHARACTERS_UTF8 = 1, 1
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Take(NamedTuple):
    """What to say and how: accent and variant of the voice, pitch and its range (0..100), speed (words a minute)."""

    text: str
    accent: str
    variant: str
    pitch: int
    pitch_range: int
    speed: int


def speak_all(groups: Sequence[Sequence[Take]]) -> Iterator[list[np.ndarray]]:
    """The int16 samples of every take, one list per group as soon as it is spoken. Raises PreparationError."""
    try:
        with pool(1) as speaker:
            yield from speaker.map(speak_group, groups)
    except BrokenProcessPool as error:
        raise PreparationError("eSpeak NG ended the process that spoke: reinstall espeakng-loader.") from error


def speak_group(takes: Sequence[Take]) -> list[np.ndarray]:
    """The samples of every take, spoken by this process. Raises PreparationError."""
    speaker = Speaker.of_this_process()
    return [speaker.speak(take) for take in takes]


class Speaker:
    """The library, ready to speak."""

    _only: "Speaker | None" = None

    @classmethod
    def of_this_process(cls) -> "Speaker":
        """The one speaker: the library must not be initialised twice."""
        if cls._only is None:
            cls._only = cls()
        return cls._only

    def __init__(self) -> None:
        self._library, self._folder = load_library()
        self._heard: list[np.ndarray] = []
        self._callback = CALLBACK(self._hear)  # kept: the library calls it as long as the process lives
        folder = os.fsencode(self._folder)
        rate = self._library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, folder, INITIALIZE_DONT_EXIT)
        if rate != RATE:
            raise PreparationError(f"eSpeak NG was to speak at {RATE} Hz, it says {rate}: reinstall espeakng-loader.")
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(0))  # its breath is noise, by itself seeded with the time
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, take: Take) -> np.ndarray:
        """Int16 samples at RATE. Raises PreparationError for a voice that the library does not have."""
        self._choose(voice := f"{take.accent}+{take.variant}", take.variant)
        text = take.text.encode()
        settings = {PARAMETER_RATE: take.speed, PARAMETER_PITCH: take.pitch, PARAMETER_RANGE: take.pitch_range}
        for parameter, value in settings.items():
            self._library.espeak_SetParameter(parameter, value, 0)
        self._heard.clear()
        self._library.espeak_Synth(text, len(text) + 1, 0, POSITION_CHARACTER, 0, CHARACTERS_UTF8, None, None)
        self._library.espeak_Synchronize()
        if not self._heard:
            raise PreparationError(f"eSpeak NG gave no sound for {take.text!r} in voice {voice!r}.")
        return np.concatenate(self._heard)

    def _choose(self, voice: str, variant: str) -> None:
        known = (
            Path(self._folder) / "voices" / "!v" / variant
        ).is_file()  # the library leaves out what it does not know
        if not known or self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise PreparationError(
                f"this eSpeak NG has no voice {voice!r}: install espeakng-loader 0.2.4 or a later one."
            )

    def _hear(self, samples: object, count: int, _events: object) -> int:
        if count > 0:
            self._heard.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0  # go on


def load_library() -> tuple[ctypes.CDLL, str]:
    """The library and the folder of its voices. Raises PreparationError where there is none that can be loaded."""
    try:
        import espeakng_loader

        return ctypes.CDLL(espeakng_loader.get_library_path()), espeakng_loader.get_data_path()
    except (ImportError, OSError, RuntimeError) as error:
        raise PreparationError(
            f"the speech is made by the package espeakng-loader, which cannot be used here ({error}): "
            "run  pip install espeakng-loader"
        ) from error


def version() -> str:
    """The version of eSpeak NG itself, such as "1.52.0"."""
    library, _ = load_library()
    library.espeak_Info.restype = ctypes.c_char_p
    return library.espeak_Info(None).decode()
