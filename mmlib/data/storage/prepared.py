"""Reading what ``python -m data_prep NAME`` wrote: NAME.npz with the arrays and NAME.json that vouches for it."""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmlib import paths
from mmlib.data.storage.manifest import check_sha256, damaged, manifest_file, read_manifest, reading


class Prepared(NamedTuple):
    """arrays: name -> array; manifest: source, licence, hashes, sizes, class names, split rule."""

    arrays: dict[str, np.ndarray]
    manifest: dict


def files_of(name: str) -> tuple[Path, Path]:
    """The arrays (npz) and the manifest (json) of the prepared data set ``name``."""
    return paths.data_dir() / f"{name}.npz", manifest_file(name)


def read_prepared(name: str) -> Prepared:
    """The prepared data set ``name``. Raises DataNotPrepared or DataDamaged."""
    arrays_file, _ = files_of(name)
    manifest = read_manifest(name, "npz_sha256", [arrays_file])
    with reading(name, arrays_file):
        content = arrays_file.read_bytes()
    check_sha256(name, arrays_file, hashlib.sha256(content).hexdigest(), manifest["npz_sha256"])
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return Prepared(dict(arrays), manifest)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise damaged(name, arrays_file, f"it is not an npz file of plain arrays: {error}") from error


def is_prepared(name: str) -> bool:
    """Whether the data set ``name`` lies in the data folder: its manifest comes last, and so vouches for the rest.

    Raises DataDamaged if the folder cannot be read.
    """
    arrays_file, manifest = files_of(name)
    with reading(name, manifest):
        return manifest.is_file() and (arrays_file.is_file() or arrays_file.with_suffix("").is_dir())
