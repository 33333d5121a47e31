"""Seven shoulder exercises seen by a smartwatch's accelerometer and gyroscope (Burns et al. 2018, arXiv 1802.01489).

Ten subjects did each exercise once with either arm: 140 recordings at 50 Hz, distributed with the library seglearn.
"""

from collections.abc import Iterable

import numpy as np
import torch

from mmlib import checks
from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.recipe import ADAMW, SEEDS, Recipe
from mmlib.data.split import Split
from mmlib.data.storage.prepared import read_prepared
from mmlib.data.transforms.splits import standardise

CARD = {
    "position": 4,
    "origin": "fetched",
    "modalities": "acc, gyr",
    "size": "140 recordings of 10 subjects",
    "licence": "BSD 3-Clause",
    "credit": "D. Burns et al. 2018, arXiv 1802.01489; distributed with seglearn",
    "split": "6 / 2 / 2 subjects for train / valid / test, drawn by the seed",
}
RECIPE = Recipe(
    encoder="conv1d",
    model={"width": 32, "depth": 3, "fusion": "concat"},
    training=ADAMW,
    epochs={"smoke": 4, "quick": 12, "full": 60},
    seeds=SEEDS,
)

RATE = 50  # samples a second
WINDOW = 2 * RATE  # samples in one input
CHANNELS = {"acc": slice(0, 3), "gyr": slice(3, 6)}
VALID_SUBJECTS, TEST_SUBJECTS = 2, 2


def load(seed: int = 0, hop: float = 2.0) -> MultimodalData:
    """Windows of 2 s, float32 [N, 3, 100] from "acc" and "gyr", standardised per channel with training statistics.

    hop: seconds from one window's start to the next within a recording (2: no overlap). The ten subjects are split
    into 6 / 2 / 2 for train / valid / test by ``seed``, so no subject is in two splits.
    Raises ValueError or TypeError for a bad seed or hop; DataNotPrepared, DataDamaged.
    """
    checks.seed(seed)
    step = _samples(hop)
    arrays, manifest = read_prepared("smartwatch")
    windows = {
        name: cut_windows(arrays, subjects, step) for name, subjects in split_subjects(arrays["subjects"], seed).items()
    }
    inputs: dict[str, dict[str, torch.Tensor]] = {name: {} for name in windows}
    for modality, channels in CHANNELS.items():
        raw = {name: signals[:, channels] for name, (signals, _) in windows.items()}
        for name, values in standardise(raw, dims=(0, 2)).items():
            inputs[name][modality] = values
    splits = {name: Split(inputs[name], labels) for name, (_, labels) in windows.items()}
    return MultimodalData("smartwatch", **splits, classes=tuple(manifest["classes"]))


def split_subjects(subjects: Iterable[int], seed: int) -> dict[str, list[int]]:
    """Which of ``subjects`` (repeats allowed) are in train, valid and test."""
    known = sorted({int(subject) for subject in subjects})
    order = torch.randperm(len(known), generator=torch.Generator().manual_seed(seed)).tolist()
    drawn = [known[i] for i in order]
    held = VALID_SUBJECTS + TEST_SUBJECTS
    return {"train": drawn[held:], "valid": drawn[:VALID_SUBJECTS], "test": drawn[VALID_SUBJECTS:held]}


def cut_windows(arrays: dict[str, np.ndarray], subjects: list[int], step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Windows [N, 6, 100] and labels [N] of the recordings of ``subjects``; none spans two recordings.

    arrays: signals [samples, 6] with the recordings end to end, and lengths, labels, subjects [recordings].
    """
    recordings = np.split(arrays["signals"], np.cumsum(arrays["lengths"])[:-1])
    windows, labels = [], []
    for recording, label, subject in zip(recordings, arrays["labels"], arrays["subjects"], strict=True):
        if subject in subjects:
            cut = np.lib.stride_tricks.sliding_window_view(recording, WINDOW, axis=0)[::step]
            windows.append(cut)
            labels.append(np.full(len(cut), label))
    return torch.from_numpy(np.concatenate(windows)), torch.from_numpy(np.concatenate(labels))


def _samples(hop: float) -> int:
    """``hop`` seconds in samples."""
    checks.number("hop", hop, low=1 / RATE)
    step = round(hop * RATE)
    if abs(step - hop * RATE) > 1e-6:
        raise ValueError(f"hop must be a multiple of {1 / RATE:g} s (one sample at {RATE} Hz), got {hop!r}.")
    return step
