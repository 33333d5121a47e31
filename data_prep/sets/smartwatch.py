"""smartwatch: one pickled dict of recordings, laid end to end so that plain arrays can hold them."""

import numpy as np

from data_prep.errors import PreparationError
from data_prep.fetched_set import Converted, Source, Wheel
from data_prep.unpack.pickles import read_pickled_npy
from data_prep.unpack.wheels import WheelFiles

SOURCE = Source((Wheel("seglearn", "1.2.5", "ec6b952c85c9627050102854b372d85951563d3b990df677d7c55547e87413dd"),))
FILE = "seglearn/data/watch_dataset.npy"
CHANNELS = ["ax", "ay", "az", "wx", "wy", "wz"]


def convert(wheels: WheelFiles) -> Converted:
    """The arrays "signals" float32 [samples, 6], accelerometer first, and per recording "lengths" (samples), "labels"
    and "subjects" (int64).

    Raises PreparationError if the file holds something else.
    """
    wheels.say(f"reading {FILE}")
    source = read_pickled_npy(wheels.read(FILE), FILE)
    if source["X_labels"] != CHANNELS:
        raise PreparationError(f"{FILE} has the channels {source['X_labels']}, expected {CHANNELS}.")
    arrays = {
        "signals": np.concatenate(source["X"]).astype(np.float32),
        "lengths": np.array([len(recording) for recording in source["X"]], dtype=np.int64),
        "labels": source["y"].astype(np.int64),
        "subjects": source["subject"].astype(np.int64),
    }
    return Converted(arrays, list(source["y_labels"]))
