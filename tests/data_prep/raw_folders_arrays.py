"""Tiny raw folders in the layouts of av_mnist, cmu_mosi, cmu_mosei and ur_funny: ``make_NAME(folder, **changes)``."""

import pickle
from pathlib import Path

import numpy as np

SPLITS = ("train", "valid", "test")
WIDTHS = {
    "cmu_mosi": {"vision": 20, "audio": 5, "text": 300},
    "cmu_mosei": {"vision": 35, "audio": 74, "text": 300},
    "ur_funny": {"vision": 371, "audio": 81, "text": 300},
}
FILES = {"cmu_mosi": "mosi_data.pkl", "cmu_mosei": "mosei_senti_data.pkl", "ur_funny": "humor.pkl"}


def make_av_mnist(folder: Path, rows: dict[str, int] | None = None, dtype: str = "uint8", **changes: object) -> Path:
    """changes: file (without .npy, "/" as "__") -> what it holds instead; None leaves it out."""
    rows = rows or {"train": 24, "test": 8}
    draw = np.random.default_rng(0)
    arrays = {}
    for split, count in rows.items():
        arrays[f"image__{split}_data"] = draw.integers(0, 256, (count, 784)).astype(dtype)
        arrays[f"audio__{split}_data"] = draw.integers(0, 256, (count, 112, 112)).astype(dtype)
        arrays[f"{split}_labels"] = np.arange(count) % 10
    for name, values in (arrays | changes).items():
        file = folder / f"{name.replace('__', '/')}.npy"
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(values, bytes):
            file.write_bytes(values)
        elif values is not None:
            np.save(file, values)
    return folder


def affect_split(name: str, split: str, rows: int = 6, steps: int = 50, **changes: object) -> dict:
    """One split as MultiBench pickles it: two rows a video, words only in the last steps; None leaves an entry out."""
    draw = np.random.default_rng(SPLITS.index(split))
    content = {m: draw.normal(size=(rows, steps, width)) for m, width in WIDTHS[name].items()}
    for row in range(rows):
        for values in content.values():
            values[row, : steps - 5 - row] = 0
    if name == "ur_funny":
        content["labels"] = (np.arange(rows) % 2)[:, None]
        content["id"] = np.arange(rows)[:, None] + 100 * SPLITS.index(split)
    else:
        content["labels"] = np.linspace(-3, 3, rows).astype(np.float32).reshape(rows, 1, 1)
        content["id"] = np.array([f"{split}_video{row // 2}[{row}]" for row in range(rows)])
    return {key: value for key, value in (content | changes).items() if value is not None}


def make_affect(folder: Path, name: str, protocol: int = 4, **splits: object) -> Path:
    """The pickle of one of the three sets; splits: what a split is instead, None leaves it out."""
    whole = {split: affect_split(name, split) for split in SPLITS} | splits
    folder.mkdir(parents=True, exist_ok=True)
    kept = {split: content for split, content in whole.items() if content is not None}
    (folder / FILES[name]).write_bytes(pickle.dumps(kept, protocol=protocol))
    return folder


def make_cmu_mosi(folder: Path, **splits: object) -> Path:
    """mosi_data.pkl."""
    return make_affect(folder, "cmu_mosi", **splits)


def make_cmu_mosei(folder: Path, **splits: object) -> Path:
    """mosei_senti_data.pkl."""
    return make_affect(folder, "cmu_mosei", **splits)


def make_ur_funny(folder: Path, **splits: object) -> Path:
    """humor.pkl."""
    return make_affect(folder, "ur_funny", **splits)
