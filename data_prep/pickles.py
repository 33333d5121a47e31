"""Opening pickled arrays of others: a pickle can run any code, so only what numpy arrays need is let in."""

import io
import pickle

import numpy as np

from data_prep.errors import PreparationError

_rebuild = np.empty(0).__reduce__()[0]  # numpy's own maker of arrays; its module differs between numpy 1 and 2


def _encode(text: str, encoding: str) -> bytes:
    """The bytes that protocol 2 keeps as latin-1 text; any other codec is refused, since some of them decompress."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it asks for the codec {encoding!r}")
    return text.encode("latin1")


ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _rebuild,
    ("numpy._core.multiarray", "_reconstruct"): _rebuild,
    ("_codecs", "encode"): _encode,
}


class ArrayUnpickler(pickle.Unpickler):
    """An unpickler that admits numpy arrays in lists, tuples and dicts, and nothing else."""

    def find_class(self, module: str, name: str) -> object:
        """The admitted object of that name. Raises UnpicklingError for any other."""
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return ALLOWED[module, name]


def read_pickled_npy(content: bytes, what: str) -> object:
    """The Python object in an npy file that holds one pickled object. Raises PreparationError if it holds more."""
    file = io.BytesIO(content)
    try:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        return ArrayUnpickler(file).load().item()
    except (ValueError, EOFError, AttributeError, pickle.UnpicklingError) as error:
        raise PreparationError(f"{what} is no pickled dict of numpy arrays and was not opened: {error}.") from error
