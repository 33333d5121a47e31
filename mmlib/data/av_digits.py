"""Written and spoken digits: UCI pictures (R. Duin, CC BY 4.0) beside synthesised speech (eSpeak NG; no person speaks).

A pair is a picture and a word, both of the same digit; 70 synthetic voices with eight English accents speak. Two knobs
make either modality the weaker one: noise in the room (snr) and a picture out of focus (blur).
"""

from collections.abc import Sequence

import numpy as np
import torch

from mmlib import checks
from mmlib.data._av_digits_pairs import SPLITS, Pairs, draw_pairs
from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.recipe import ADAMW, SEEDS, Recipe
from mmlib.data.split import Split
from mmlib.data.storage.prepared import Prepared, read_prepared
from mmlib.data.transforms.sound import centred, log_mel, mixed, pink_noise
from mmlib.data.transforms.splits import check_samples, standardise

CARD = {
    "position": 5,
    "origin": "fetched",
    "modalities": "image (written digit), audio (spoken digit, synthesised)",
    "size": "about 10,000 pairs",
    "licence": "CC BY 4.0 (images); the speech is synthesised, and the GPL of eSpeak NG does not cover it",
    "credit": "R. Duin, Multiple Features, UCI Machine Learning Repository; speech made here with eSpeak NG",
    "split": "no voice and no image in two splits, drawn by the seed",
}
RECIPE = Recipe(
    encoder="conv2d",
    model={"width": 16, "depth": 4, "fusion": "concat"},
    training={**ADAMW, "lr": 2e-3},
    epochs={"smoke": 4, "quick": 10, "full": 60},
    seeds=SEEDS,
)

WINDOW = 0.64  # seconds that every pair sounds; the longest word takes 0.61


def load(
    seed: int = 0, snr: float | None = None, blur: float = 3.0, samples: Sequence[int] = (1000, 300, 700)
) -> MultimodalData:
    """ "image" float32 [N, 1, 16, 15] and "audio" float32 [N, 1, 32, 33], a log-mel spectrogram of 0.64 s.

    snr: signal-to-noise ratio in decibels (-60 to 60), None for no noise. The room's noise is pink (power 1 /
    frequency), has no echo, lasts the whole window and is drawn for each pair by the seed; the signal's power is that
    of the word while it lasts. blur: standard deviation in pixels (0 to 10) of a Gaussian on the picture, which is then
    rounded to its 7 grey levels, so that what the blur takes away is gone. samples: pairs in train, valid and test.
    The seed draws the pairs, out of 60 / 20 / 20 % of the voices and of the pictures for train / valid / test: none is
    in two splits, nor are two pictures that are equal. A picture can come several times, each time with another word.
    The pictures are standardised as a whole and the sounds per mel band, with training statistics.
    Raises ValueError or TypeError for bad options; DataNotPrepared, DataDamaged.
    """
    _check(seed, snr)
    checks.number("blur", blur, 0, 10)
    check_samples(samples)
    prepared = read_prepared("av_digits")
    drawn = draw_pairs(prepared.arrays, seed)
    pairs = {split: _first(drawn[split], count, split) for split, count in zip(SPLITS, samples, strict=True)}
    pictures = torch.from_numpy(blurred(prepared.arrays["images"], blur))[:, None]
    images = {split: pictures[torch.from_numpy(kept.images)] for split, kept in pairs.items()}
    audio = {split: _spectrograms(prepared, kept.utterances, split, seed, snr) for split, kept in pairs.items()}
    images, audio = standardise(images, dims=(0, 2, 3)), standardise(audio, dims=(0, 3))
    labels = {split: torch.from_numpy(prepared.arrays["digits"][kept.utterances]) for split, kept in pairs.items()}
    splits = {s: Split({"image": images[s], "audio": audio[s]}, labels[s]) for s in SPLITS}
    return MultimodalData("av_digits", **splits, classes=tuple(prepared.manifest["classes"]))


def waveform(split: str, row: int, seed: int = 0, snr: float | None = None) -> tuple[np.ndarray, int]:
    """What pair number ``row`` of ``split`` sounds like, float32 [samples], and its rate in Hz.

    It is what ``load`` with this seed and snr made the spectrogram of, with the same noise. A word's power is 1.
    Raises ValueError or TypeError for bad arguments; DataNotPrepared, DataDamaged.
    """
    checks.one_of("split", split, SPLITS)
    checks.whole("row", row)
    _check(seed, snr)
    prepared = read_prepared("av_digits")
    utterances = draw_pairs(prepared.arrays, seed)[split].utterances
    checks.number(f"row of {split}", row, 0, len(utterances) - 1)
    [sound] = _sounds(prepared, utterances[[row]], [row], split, seed, snr)
    return sound, _rate(prepared)


def blurred(images: np.ndarray, blur: float) -> np.ndarray:
    """Float32 [N, H, W]: images [N, H, W] of whole grey levels after a Gaussian of ``blur`` pixels, rounded again."""
    from scipy.ndimage import gaussian_filter  # here: `import mmlib.data` must work where only PyTorch and NumPy are

    return np.round(gaussian_filter(images.astype(np.float32), (0, blur, blur), mode="constant"))


def _spectrograms(prepared: Prepared, utterances: np.ndarray, split: str, seed: int, snr: float | None) -> torch.Tensor:
    sounds = _sounds(prepared, utterances, range(len(utterances)), split, seed, snr)
    return torch.from_numpy(log_mel(sounds, _rate(prepared)))


def _sounds(
    prepared: Prepared, utterances: np.ndarray, rows: Sequence[int], split: str, seed: int, snr: float | None
) -> np.ndarray:
    """Float32 [N, samples]: ``utterances`` as the pairs number ``rows`` of ``split``, with the noise of these pairs."""
    ends = prepared.arrays["ends"]
    starts = ends - np.diff(ends, prepend=0)
    length = round(WINDOW * _rate(prepared))
    sounds = centred([prepared.arrays["speech"][starts[u] : ends[u]] for u in utterances], length)
    if snr is None:
        return sounds
    return mixed(sounds, pink_noise([(seed, SPLITS.index(split), row) for row in rows], length), snr)


def _rate(prepared: Prepared) -> int:
    return prepared.manifest["speech"]["rate"]


def _first(pairs: Pairs, count: int, split: str) -> Pairs:
    most = len(pairs.utterances)
    if count > most:
        raise ValueError(f"samples of {split} must be at most {most}, the words that its voices spoke, got {count}.")
    return Pairs(pairs.utterances[:count], pairs.images[:count])


def _check(seed: int, snr: float | None) -> None:
    checks.seed(seed)
    if snr is not None:
        checks.number("snr", snr, -60, 60)
