"""av_digits: the digits zero to nine spoken by eSpeak NG (synthesised speech), beside the pictures of uci_digits."""

from collections.abc import Sequence

import numpy as np

from data_prep.decode import speech as espeak
from data_prep.decode.speech import Take
from data_prep.fetched_set import Converted, Source
from data_prep.unpack.wheels import WheelFiles

SOURCE = Source(needs=("uci_digits",), packages=("espeakng-loader", "soxr"))
RATE = 16_000  # samples a second kept
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TAKES = 14  # of each word by each voice
PITCH, PITCH_RANGE, SPEED = (30, 70), (30, 70), (160, 220)  # lowest and highest; words a minute for speed
HEIGHT, WIDTH = 16, 15

# General British, American, Scottish, Received Pronunciation, Caribbean, New York, West Midlands, Lancashire.
ACCENTS = ("en", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-us-nyc", "en-gb-x-gbcwmd", "en-gb-x-gbclan")

# One variant is one speaker. Left out: robots, whispers and special effects; of each two whose log-mel spectrograms of
# the ten words differ by less than 3 dB (root mean square) the second; and two (Alicia, zac) of whose words a network
# trained on other voices recognised less than 85 %.
VARIANTS = (
    "adam", "Alex", "Andrea", "Andy", "anika", "Annie", "announcer", "antonio", "aunty", "belinda", "boris",
    "caleb", "croak", "david", "Denis", "Diogo", "ed", "edward", "f1", "f2", "f3", "f4", "f5",
    "Gene", "grandma", "grandpa", "gustave", "Hugo", "ian", "iven", "iven4", "Jacky", "john", "kaukovalta", "klatt",
    "klatt3", "Lee", "linda", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "marcelo",
    "Mario", "max", "Michael", "miguel", "Mike", "mike2", "Mr serious", "Nguyen", "norbert", "pablo", "paul", "pedro",
    "quincy", "Reed", "RicishayMax", "RicishayMax2", "RicishayMax3", "rob", "sandro", "shelby", "steph", "travis",
    "victor",
)  # fmt: skip


def convert(wheels: WheelFiles) -> Converted:
    """The sounds "speech" int16 end to end at 16 kHz, with "ends" int64 (where each stops), "digits" and "voices" int64
    (what and who), and the pictures "images" uint8 [2000, 16, 15] with "image_digits" int64.

    Raises PreparationError if eSpeak NG cannot be used.
    """
    from mmlib.data.storage.prepared import read_prepared

    groups = all_takes(VARIANTS, TAKES)
    sounds = []
    for number, spoken in enumerate(espeak.speak_all(groups), start=1):
        sounds += [kept(samples) for samples in spoken]
        if number % 12 == 0:
            wheels.say(f"{number} of {len(groups)} voices have spoken, {len(sounds)} utterances")
    digits, manifest = read_prepared("uci_digits")
    each = len(WORDS) * TAKES
    arrays = {
        "speech": np.concatenate(sounds),
        "ends": np.cumsum([len(sound) for sound in sounds], dtype=np.int64),
        "digits": np.tile(np.repeat(np.arange(len(WORDS)), TAKES), len(groups)),
        "voices": np.repeat(np.arange(len(groups)), each),
        "images": digits["pix"].reshape(-1, HEIGHT, WIDTH).astype(np.uint8),
        "image_digits": digits["labels"],
    }
    return Converted(arrays, manifest["classes"], about())


def about() -> dict[str, object]:
    """What the manifest says of the sounds."""
    return {
        "speech": {
            "how": f"synthesised by eSpeak NG {espeak.version()}: no person speaks",
            "licence": "the program eSpeak NG is under GPL-3.0-or-later, which does not cover the sounds it puts out",
            "rate": RATE,
            "words": list(WORDS),
            "voices": [{"variant": v, "accent": accent_of(i)} for i, v in enumerate(VARIANTS)],
            "takes": TAKES,
            "pitch": list(PITCH),
            "pitch_range": list(PITCH_RANGE),
            "speed": list(SPEED),
        }
    }


def accent_of(voice: int) -> str:
    """A voice keeps its accent, as a person does."""
    return ACCENTS[voice % len(ACCENTS)]


def all_takes(variants: Sequence[str], takes: int) -> list[list[Take]]:
    """One list for each voice: every word ``takes`` times, with pitch, its range and speed drawn again for each."""
    draws = np.random.default_rng(0)

    def draw(limits: tuple[int, int]) -> int:
        return int(draws.integers(*limits, endpoint=True))

    return [
        [
            Take(word, accent_of(voice), variant, draw(PITCH), draw(PITCH_RANGE), draw(SPEED))
            for word in WORDS
            for _ in range(takes)
        ]
        for voice, variant in enumerate(variants)
    ]


def kept(samples: np.ndarray) -> np.ndarray:
    """What is kept of one utterance: without the silence around it, at RATE, int16, its peak at 90 % of full scale."""
    import librosa

    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 0.01 * np.abs(samples.astype(np.int32)).max())
    cut = samples[loud[0] : loud[-1] + 1].astype(np.float32)
    sound = librosa.resample(cut, orig_sr=espeak.RATE, target_sr=RATE)
    return np.round(sound * (0.9 * 32767 / np.abs(sound).max())).astype(np.int16)
