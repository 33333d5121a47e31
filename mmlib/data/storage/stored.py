"""Reading what ``python -m data_prep NAME --raw FOLDER`` wrote: NAME/*.npy, and NAME.json that vouches for them.

Small sets are read into memory and their hashes are checked; large ones stay on the disk (mapped.py), where only sizes
are checked: ``python -m mmlib verify`` computes their hashes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from mmlib import checks, paths
from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.split import Split
from mmlib.data.storage.manifest import check_sha256, damaged, read_manifest, reading
from mmlib.data.storage.mapped import MappedRows, View
from mmlib.records.files import sha256_of

IN_MEMORY = 2e9  # bytes of float32; more are streamed


class Stored(NamedTuple):
    """The prepared data set ``name`` in ``folder``, as ``manifest`` describes it."""

    name: str
    folder: Path
    manifest: dict

    def column(self, array: str) -> np.ndarray:
        """A small array, whole and checked. Raises DataDamaged."""
        self._check_hash(array)
        with reading(self.name, self._file(array)):
            return np.load(self._file(array), allow_pickle=False)

    def check(self) -> None:
        """Computes the hash of every array again. Raises DataDamaged."""
        for array in self.manifest["arrays"]:
            self._check_hash(array)

    def data(
        self,
        rows: Mapping[str, np.ndarray],
        modalities: Mapping[str, View],
        labels: np.ndarray,
        classes: tuple[str, ...],
        stream: bool | None = None,
    ) -> MultimodalData:
        """The data set that has ``rows`` (numbers, for train, valid and test) of ``modalities``.

        labels: [rows of the set], of whole numbers or float32; stream: whether the rows stay on the disk; None decides
        by their size. Raises DataDamaged.
        """
        if stream is not None:
            checks.flag("stream", stream)
        numbers = {split: torch.as_tensor(np.asarray(index, dtype=np.int64)) for split, index in rows.items()}
        mapped = {
            split: {m: MappedRows(self._file(v.array), self._sha256(v.array), v, index) for m, v in modalities.items()}
            for split, index in numbers.items()
        }
        if stream is None:
            stream = sum(4 * np.prod(x.shape, dtype=float) for of in mapped.values() for x in of.values()) > IN_MEMORY
        if not stream:
            for array in {view.array for view in modalities.values()}:
                self._check_hash(array)
        targets = torch.as_tensor(labels)
        splits = {
            split: Split({m: x if stream else x[:] for m, x in mapped[split].items()}, targets[index])
            for split, index in numbers.items()
        }
        return MultimodalData(self.name, **splits, classes=classes)

    def _file(self, array: str) -> Path:
        checks.one_of(f"array of {self.name}", array, self.manifest["arrays"])
        return self.folder / f"{array}.npy"

    def _sha256(self, array: str) -> str:
        return self.manifest["arrays"][array]["sha256"]

    def _check_hash(self, array: str) -> None:
        file = self._file(array)
        with reading(self.name, file):
            found = sha256_of(file)
        check_sha256(self.name, file, found, self._sha256(array))


def read_stored(name: str) -> Stored:
    """The prepared data set ``name``; its files are there and have the right sizes.

    Raises DataNotPrepared, DataDamaged.
    """
    folder, manifest = paths.data_dir() / name, read_manifest(name, "arrays")
    for array, about in manifest["arrays"].items():
        file = folder / f"{array}.npy"
        with reading(name, file):
            if not file.is_file():
                raise damaged(name, file, "it is not a file" if file.exists() else "it is missing")
            size = file.stat().st_size
        if size != about.get("bytes"):
            raise damaged(name, file, f"it has {size:,} bytes, the manifest says {about.get('bytes')}")
    return Stored(name, folder, manifest)
