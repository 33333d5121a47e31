"""Opening pickled arrays of others: a pickle can run any code, so only what numpy arrays need is let in."""

import io
import pickle
from pathlib import Path
from typing import BinaryIO

import numpy as np

from data_prep.errors import PreparationError
from data_prep.unpack._bounded_unpickler import BoundedUnpickler
from data_prep.unpack._pickled_arrays import Admitted, AdmittedArray, Payloads, dtype_of, scalar, shown
from data_prep.unpack._plain_values import plain
from data_prep.unpack._skipping_file import SkippingFile

MEANT = "a pickle may hold numpy arrays, text and numbers in dicts, lists and tuples; anything else could run code"


class ArrayUnpickler(BoundedUnpickler):
    """An unpickler that knows nothing but numpy arrays; numpy's own makers are never called with what the file says."""

    def __init__(self, file: BinaryIO | SkippingFile, payloads: Payloads) -> None:
        super().__init__(file)
        arrays = Admitted(lambda *_: AdmittedArray(payloads))
        self.allowed = {
            ("numpy", "ndarray"): None,  # named beside its maker, which needs no class here
            ("numpy", "dtype"): Admitted(dtype_of),
            ("_codecs", "encode"): Admitted(payloads.encoded),
            ("__builtin__", "bytes"): Admitted(lambda: b""),  # how protocol 2 writes no bytes at all
        }
        for core in ("numpy.core", "numpy._core"):  # its name before numpy 2, and since
            self.allowed[core + ".multiarray", "_reconstruct"] = arrays
            self.allowed[core + ".multiarray", "scalar"] = Admitted(lambda *state: scalar(payloads, *state))
            self.allowed[core + ".numeric", "_frombuffer"] = Admitted(
                lambda *state: AdmittedArray(payloads).from_buffer(*state)
            )

    def find_class(self, module: str, name: str) -> object:
        """The admitted object of that name. Raises UnpicklingError for any other."""
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"it asks for {shown(module)}.{shown(name)}")
        return self.allowed[module, name]


def open_pickle(path: Path) -> object:
    """What the pickle file ``path`` holds: arrays in dicts, lists and tuples, with text and numbers.

    Large arrays are memory-mapped where they lie in the file, so that gigabytes take no memory. Raises PreparationError
    if the file holds anything else; nothing of it is run.
    """
    try:
        with path.open("rb") as file:
            skipping = SkippingFile(file)
            value = plain(ArrayUnpickler(skipping, Payloads(skipping.size, path)).load())
            if skipping.read(1):
                raise pickle.UnpicklingError("it goes on after its first object")
            return value
    except Exception as error:  # a malformed pickle may raise anything
        raise _refused(str(path), error) from error


def read_pickled_npy(content: bytes, what: str) -> object:
    """The Python object in an npy file that holds one pickled object. Raises PreparationError if it holds more."""
    file = io.BytesIO(content)
    try:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        return plain(ArrayUnpickler(file, Payloads(len(content))).load()).item()
    except Exception as error:  # a malformed pickle may raise anything
        raise _refused(what, error) from error


def _refused(what: str, error: Exception) -> PreparationError:
    why = str(error) or type(error).__name__
    return PreparationError(f"{what} was not opened ({why}): {MEANT}. Is the file whole, and the one of the release?")
