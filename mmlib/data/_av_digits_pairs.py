"""Which written digit goes with which spoken one, and in which split: no voice and no picture is in two of them."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from mmlib.data.transforms.twins import equal_rows, kept_together

SPLITS = ("train", "valid", "test")
HELD = 0.2  # share of the voices, and of each digit's pictures, that goes to valid, and as much to test


class Pairs(NamedTuple):
    """Numbers (int64 [N]) of the prepared utterance and the prepared image that make each pair of a split."""

    utterances: np.ndarray
    images: np.ndarray


def draw_pairs(arrays: Mapping[str, np.ndarray], seed: int) -> dict[str, Pairs]:
    """All pairs of every split: each utterance of its voices once, in random order, each with a picture of its digit.

    arrays: "voices" and "digits" of the utterances, "images" and "image_digits", as prepared. Pictures that are equal
    (six are there twice) are in one split.
    """
    draws = np.random.default_rng(seed)
    voices = _thirds(draws.permutation(np.unique(arrays["voices"])))
    digits = arrays["image_digits"]
    twins = equal_rows(arrays["images"])
    drawn = {digit: _thirds(draws.permutation(rows)) for digit, rows in _rows_by_value(digits).items()}
    images = {digit: kept_together(rows, twins, digits) for digit, rows in drawn.items()}
    pairs = {}
    for split in SPLITS:
        utterances = draws.permutation(np.flatnonzero(np.isin(arrays["voices"], voices[split])))
        shown = np.empty_like(utterances)
        for digit, at in _rows_by_value(arrays["digits"][utterances]).items():
            shown[at] = np.resize(images[digit][split], len(at))  # in turn, so that all come about equally often
        pairs[split] = Pairs(utterances, shown)
    return pairs


def _thirds(rows: np.ndarray) -> dict[str, np.ndarray]:
    held = round(HELD * len(rows))
    return {"train": rows[2 * held :], "valid": rows[:held], "test": rows[held : 2 * held]}


def _rows_by_value(values: np.ndarray) -> dict[int, np.ndarray]:
    return {int(value): np.flatnonzero(values == value) for value in np.unique(values)}
