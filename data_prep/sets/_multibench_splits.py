"""One split of a MultiBench pickle, checked: shapes, labels, and which rows belong to one video."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_prep.errors import PreparationError

SPLITS = ("train", "valid", "test")
SEGMENT = re.compile(r"(.+?)(?:\[\w+\]|_\d+)")  # "video[3]" as in the release of CMU, "video_3" as in MultiBench
STRONGEST = 3  # a sentiment is from -3 to 3


class ReadSplit(NamedTuple):
    """arrays: modality -> [N, steps, features]; labels [N] float64; groups: the video or clip that each row is of."""

    name: str
    arrays: dict[str, np.ndarray]
    labels: np.ndarray
    groups: list[str]


def read_split(
    file: Path, tree: object, name: str, widths: Mapping[str, tuple[int, ...]], classes: Sequence[str]
) -> ReadSplit:
    """The split ``name`` of what ``file`` holds. Raises PreparationError naming file, split and what is wrong in it."""
    content = _entry(str(file), tree, name)
    place = f"{file}: the split {name!r}"
    arrays = {m: _features(place, m, _entry(place, content, m), allowed) for m, allowed in widths.items()}
    shapes = {m: values.shape[:2] for m, values in arrays.items()}
    if len(set(shapes.values())) != 1:
        raise PreparationError(f"{place} is not aligned: expected equal rows and steps, got {shapes}.")
    rows = len(arrays["text"])
    labels = _labels(place, _entry(place, content, "labels"), rows, classes)
    groups = [group_of(entry) for entry in _entry(place, content, "id")]
    if len(groups) != rows:
        raise PreparationError(f"{place} has {len(groups)} ids and {rows} rows: expected one for each.")
    return ReadSplit(name, arrays, labels, groups)


def group_of(entry: object) -> str:
    """The video of a row by its id: "video[3]", "video_3", [video, start, end], or a number that stands for a clip."""
    if isinstance(entry, (np.ndarray, list, tuple)):
        entries = list(entry)
        return _text(entries[0]) if len(entries) > 1 else group_of(entries[0])
    text = _text(entry)
    segment = SEGMENT.fullmatch(text)
    return segment[1] if segment else text


def check_disjoint(file: Path, splits: Sequence[ReadSplit]) -> None:
    """Raises PreparationError if rows of one video are in two splits: what is tested would have been trained on."""
    seen: dict[str, str] = {}
    for split in splits:
        for group in split.groups:
            if seen.setdefault(group, split.name) != split.name:
                raise PreparationError(
                    f"{file}: {group!r} is in {seen[group]!r} and in {split.name!r}; no video may be in two splits, "
                    "which is so in the release: take its own file."
                )


def group_numbers(splits: Sequence[ReadSplit]) -> dict[str, int]:
    """A number for every video or clip."""
    return {group: i for i, group in enumerate(sorted({group for split in splits for group in split.groups}))}


def _entry(place: str, content: object, key: str) -> object:
    if isinstance(content, dict) and key in content:
        return content[key]
    held = ", ".join(map(repr, content)) if isinstance(content, dict) else f"a {type(content).__name__}"
    raise PreparationError(f"{place} holds no {key!r} but {held or 'nothing'}: expected the pickle of MultiBench.")


def _features(place: str, modality: str, values: object, widths: tuple[int, ...]) -> np.ndarray:
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu" or values.ndim != 3 or not values.size:
        raise PreparationError(f"{place} has {modality} of {_described(values)}: expected [rows, steps, features].")
    if values.shape[2] not in widths:
        raise PreparationError(
            f"{place} has {modality} of {_described(values)}: expected {' or '.join(map(str, widths))} features."
        )
    return values


def _labels(place: str, values: object, rows: int, classes: Sequence[str]) -> np.ndarray:
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiub" or values.size != rows:
        raise PreparationError(f"{place} has labels of {_described(values)}: expected one for each of {rows} rows.")
    labels = values.reshape(-1).astype(np.float64)
    known = np.isin(labels, range(len(classes))) if classes else np.abs(labels) <= STRONGEST
    if not known.all():
        row = int(np.flatnonzero(~known)[0])
        meant = f"0 to {len(classes) - 1}" if classes else f"from {-STRONGEST} to {STRONGEST}"
        raise PreparationError(f"{place} has the label {labels[row]:g} in row {row}: expected {meant}.")
    return labels


def _described(values: object) -> str:
    return f"{values.dtype} {list(values.shape)}" if isinstance(values, np.ndarray) else f"type {type(values).__name__}"


def _text(entry: object) -> str:
    return entry.decode("utf-8", errors="replace") if isinstance(entry, bytes) else str(entry)
