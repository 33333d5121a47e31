"""The pickles of MultiBench (Liang et al. 2021, arXiv 2107.07502): aligned vision, audio and text of spoken sentences.

{"train", "valid", "test"} -> {"vision", "audio", "text": [N, steps, features], "labels": [N, ...], "id": [N, ...]}.
What is done to the values is what MultiBench's own loaders do: in audio, -inf (the logarithm of silence) becomes 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_prep.errors import PreparationError
from data_prep.release.layout import Layout, Part, Undecodable
from data_prep.release.root import archive_hint
from data_prep.sets._multibench_splits import SPLITS, ReadSplit, check_disjoint, group_numbers, read_split
from data_prep.unpack.pickles import open_pickle
from mmlib.records.files import sha256_of

STEPS = 50
ROWS = 200  # of a part


@dataclass(frozen=True)
class Release:
    """One data set of MultiBench.

    files: names of its pickle, any of which is expected; widths: features that each modality may have; classes: names
    of the labels 0, 1, ..., or () for a sentiment from -3 to 3; trims: whether leading steps without text are cut.
    """

    files: tuple[str, ...]
    widths: dict[str, tuple[int, ...]]
    classes: tuple[str, ...] = ()
    trims: bool = False


def layout(raw: Path, release: Release) -> Layout:
    """The rows of the pickle in ``raw``, checked but for their values, which stay where they are in the file."""
    file = _find(raw, release.files)
    tree = open_pickle(file)
    splits = [read_split(file, tree, name, release.widths, release.classes) for name in SPLITS]
    check_disjoint(file, splits)
    steps = {split.arrays["text"].shape[1] for split in splits}
    if steps != {STEPS} and not release.trims:
        raise PreparationError(f"{file} has rows of {sorted(steps)} steps: expected {STEPS}, aligned to the words.")
    opened = {"file": file.name, "sha256": sha256_of(file)}
    return Layout(tuple(_parts(file, splits, opened["sha256"])), release.classes, about={"opened": opened})


def convert(part: Part, release: Release) -> dict[str, np.ndarray]:
    """The rows of one part: "vision", "audio", "text" float32 [k, 50, features]; "labels"; "split" and "has_text" int8;
    "group" int64, the same number for all rows of one video or clip. Raises Undecodable."""
    arrays = {m: _finite(part, m) for m in release.widths}
    spoken = (arrays["text"] != 0).any(2)
    if release.trims:
        arrays = {m: trimmed(values, spoken.argmax(1)) for m, values in arrays.items()}
    labels = np.asarray(part.about["labels"], np.int64 if release.classes else np.float32)
    columns = {"labels": labels, "group": np.asarray(part.about["group"], np.int64)}
    columns["split"] = np.full(len(labels), part.about["split"], np.int8)
    return {**arrays, **columns, "has_text": spoken.any(1).astype(np.int8)}


def trimmed(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """[k, T, F] -> [k, 50, F]: the steps from ``starts`` [k] on, zeros behind the last (MultiBench's max_pad)."""
    padded = np.concatenate([values, np.zeros_like(values, shape=(len(values), STEPS, values.shape[2]))], axis=1)
    steps = starts[:, None] + np.arange(STEPS)
    return np.take_along_axis(padded, steps[:, :, None], axis=1)


def _find(raw: Path, names: tuple[str, ...]) -> Path:
    """The pickle in ``raw`` or in a folder in it. Raises PreparationError unless there is exactly one."""
    found = [file for pattern in ("{}", "*/{}") for name in names for file in sorted(raw.glob(pattern.format(name)))]
    if len(found) == 1:
        return found[0]
    if found:
        raise PreparationError(
            f"{raw} holds {' and '.join(str(file.relative_to(raw)) for file in found)}: give after --raw a folder that "
            "holds one of them."
        )
    raise PreparationError(f"{raw / names[0]} is missing: expected {' or '.join(names)} there.{archive_hint(raw)}")


def _parts(file: Path, splits: list[ReadSplit], sha256: str) -> Iterator[Part]:
    """Every split in parts of 200 rows. The sha256 tells another file from this one when a preparation goes on."""
    numbers = group_numbers(splits)
    for code, split in enumerate(splits):
        for first in range(0, len(split.labels), ROWS):
            rows = slice(first, first + ROWS)
            last = min(first + ROWS, len(split.labels)) - 1
            about = {"split": code, "first": first, "sha256": sha256, "labels": split.labels[rows]}
            about |= {"group": [numbers[group] for group in split.groups[rows]]}
            about |= {m: np.asarray(values[rows]) for m, values in split.arrays.items()}
            yield Part(f"{split.name} rows {first} to {last}", (file,), about)


def _finite(part: Part, modality: str) -> np.ndarray:
    """The values of one modality as float32. Raises Undecodable for NaN and infinity, naming the row."""
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
        values = np.array(part.about[modality], np.float32)
    if modality == "audio":
        values[values == -np.inf] = 0
    bad = np.flatnonzero(~np.isfinite(values).all((1, 2)))
    if len(bad):
        split, row = SPLITS[part.about["split"]], part.about["first"] + bad[0]
        raise Undecodable(
            f"{part.files[0]}: {modality} of row {row} of {split!r} holds NaN or infinite values: "
            "this is not a whole copy of the release."
        )
    return values
