"""smartwatch: one pickled dict of recordings, laid end to end so that plain arrays can hold them."""

from collections.abc import Callable

import numpy as np

from data_prep.errors import PreparationError
from data_prep.pickles import read_pickled_npy

CHANNELS = ["ax", "ay", "az", "wx", "wy", "wz"]


def convert(read: Callable[[str], bytes], files: tuple[str, ...]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Arrays and class names: "signals" float32 [samples, 6], accelerometer first, and per recording "lengths"
    (samples), "labels" and "subjects" (int64).

    read: file name -> bytes. Raises PreparationError if the file holds something else.
    """
    (file,) = files
    source = read_pickled_npy(read(file), file)
    if source["X_labels"] != CHANNELS:
        raise PreparationError(f"{file} has the channels {source['X_labels']}, expected {CHANNELS}.")
    arrays = {
        "signals": np.concatenate(source["X"]).astype(np.float32),
        "lengths": np.array([len(recording) for recording in source["X"]], dtype=np.int64),
        "labels": source["y"].astype(np.int64),
        "subjects": source["subject"].astype(np.int64),
    }
    return arrays, list(source["y_labels"])
