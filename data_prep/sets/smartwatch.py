"""smartwatch: one pickled dict of recordings, laid end to end so that plain arrays can hold them."""

import numpy as np

from data_prep.contents import Contents, Converted
from data_prep.errors import PreparationError
from data_prep.unpack.pickles import read_pickled_npy

FILE = "seglearn/data/watch_dataset.npy"
CHANNELS = ["ax", "ay", "az", "wx", "wy", "wz"]


def convert(contents: Contents) -> Converted:
    """The arrays "signals" float32 [samples, 6], accelerometer first, and per recording "lengths" (samples), "labels"
    and "subjects" (int64).

    Raises PreparationError if the file holds something else.
    """
    contents.say(f"reading {FILE}")
    source = read_pickled_npy(contents.read(FILE), FILE)
    if source["X_labels"] != CHANNELS:
        raise PreparationError(f"{FILE} has the channels {source['X_labels']}, expected {CHANNELS}.")
    arrays = {
        "signals": np.concatenate(source["X"]).astype(np.float32),
        "lengths": np.array([len(recording) for recording in source["X"]], dtype=np.int64),
        "labels": source["y"].astype(np.int64),
        "subjects": source["subject"].astype(np.int64),
    }
    return Converted(arrays, list(source["y_labels"]))
