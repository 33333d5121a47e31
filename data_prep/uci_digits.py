"""uci_digits: six csv files, one a view, each with a header line and the label in its last column."""

import io
from collections.abc import Callable
from pathlib import PurePosixPath

import numpy as np

from data_prep.errors import PreparationError


def convert(read: Callable[[str], bytes], files: tuple[str, ...]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Arrays and class names: each view float32 [2000, features], "labels" int64 [2000].

    read: file name -> bytes. Raises PreparationError if the views disagree about the labels.
    """
    arrays: dict[str, np.ndarray] = {}
    for file in files:
        table = np.loadtxt(io.BytesIO(read(file)), delimiter=",", skiprows=1, ndmin=2)
        labels = table[:, -1].astype(np.int64)
        if not np.array_equal(arrays.setdefault("labels", labels), labels):
            raise PreparationError(f"{file} lists other labels than {files[0]}: the views are not of the same digits.")
        arrays[PurePosixPath(file).stem.removeprefix("mfeat-")] = table[:, :-1].astype(np.float32)
    return arrays, [str(digit) for digit in range(10)]
