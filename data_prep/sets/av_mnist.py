"""av_mnist: digits written and spoken (V. Vielzeuf et al. 2018, CentralNet), six npy files of pixels from 0 to 255."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_prep.errors import PreparationError
from data_prep.release.layout import Layout, Part, Undecodable
from data_prep.release.lists import TEST, TRAIN
from data_prep.release.root import release_root

SKIPS = False
SPLITS = {"train": TRAIN, "test": TEST}
SHAPES = {"image": (1, 28, 28), "audio": (1, 112, 112)}  # as networks see one sample
PIXELS = {"image": 784, "audio": 112 * 112}
ROWS = 1000  # of a part
DIGITS = tuple(map(str, range(10)))


def layout(raw: Path) -> Layout:
    """The rows of train and test. Raises PreparationError naming the file that is missing or not as expected."""
    root = release_root(raw, "image", "the folders image and audio, train_labels.npy and test_labels.npy")
    files = {split: _files(root, split) for split in SPLITS}
    opened = {split: {what: _opened(file) for what, file in of.items()} for split, of in files.items()}
    for split in SPLITS:
        _check(files[split], opened[split])
    types = {m: _type(*(opened[split][m] for split in SPLITS)) for m in SHAPES}
    return Layout(tuple(part for split in SPLITS for part in _parts(split, files[split], types)), DIGITS)


def convert(part: Part) -> dict[str, np.ndarray]:
    """The rows of one part: "image" [k, 1, 28, 28] and "audio" [k, 1, 112, 112] from 0 to 255, uint8 if the release has
    whole numbers in all rows, else float32; "labels" int64; "split" int8. Raises Undecodable."""
    first, last = part.about["rows"]
    image, audio, labels = (np.load(file, mmap_mode="r", allow_pickle=False)[first:last] for file in part.files)
    arrays = {}
    for (m, shape), values in zip(SHAPES.items(), (image, audio), strict=True):
        if not np.isfinite(values).all():
            raise Undecodable(f"{part.files[list(SHAPES).index(m)]} holds NaN or infinite values in {part.name}.")
        arrays[m] = values.reshape(-1, *shape).astype(part.about[m])
    split = np.full(len(labels), part.about["split"], np.int8)
    return {**arrays, "labels": labels.reshape(-1).astype(np.int64), "split": split}


def _files(root: Path, split: str) -> dict[str, Path]:
    data = {m: root / m / f"{split}_data.npy" for m in SHAPES}
    return {**data, "labels": root / f"{split}_labels.npy"}


def _opened(file: Path) -> np.ndarray:
    """The array in ``file``, left on the disk. Raises PreparationError."""
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise PreparationError(f"{file} is missing: it belongs to the release.") from error
    except (ValueError, OSError, EOFError) as error:
        raise PreparationError(f"{file} is not a whole npy file of numbers: {error}.") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise PreparationError(f"{file} is not an npy file of numbers: expected one array, as in the release.")
    return array


def _check(files: dict[str, Path], arrays: dict[str, np.ndarray]) -> None:
    rows = len(arrays["labels"])
    for m, pixels in PIXELS.items():
        if arrays[m].size != rows * pixels or len(arrays[m]) != rows or not rows:
            raise PreparationError(
                f"{files[m]} holds an array {list(arrays[m].shape)}: expected {list(SHAPES[m][1:])} pixels for each of "
                f"the {rows} rows of {files['labels'].name}."
            )
    labels = arrays["labels"].reshape(rows, -1)
    unknown = np.flatnonzero(~np.isin(labels, range(len(DIGITS))).all(1))
    if labels.shape[1] != 1 or len(unknown):
        row = int(unknown[0]) if len(unknown) else 0
        raise PreparationError(
            f"{files['labels']} has the label {', '.join(map(str, labels[row]))} in row {row}: "
            "expected one digit from 0 to 9 for each row."
        )


def _type(*arrays: np.ndarray) -> str:
    """uint8 if every value is a whole number from 0 to 255, which takes a quarter of the room; else float32."""
    chunks = (array[first : first + ROWS] for array in arrays for first in range(0, len(array), ROWS))
    return "uint8" if all(map(_are_bytes, chunks)) else "float32"


def _are_bytes(values: np.ndarray) -> bool:
    return values.dtype == np.uint8 or bool(((values >= 0) & (values <= 255) & (values == np.floor(values))).all())


def _parts(split: str, files: dict[str, Path], types: dict[str, str]) -> Iterator[Part]:
    total = len(_opened(files["labels"]))
    for first in range(0, total, ROWS):
        last = min(first + ROWS, total)
        about = {"split": SPLITS[split], "rows": (first, last), **types}
        yield Part(f"{split} rows {first} to {last - 1}", tuple(files.values()), about)
