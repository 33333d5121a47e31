"""Arrays that grow by rows on the disk, and a journal by which a killed preparation goes on where it was."""

import io
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from data_prep.errors import PreparationError
from mmlib.records.files import sha256_of

Rows = Mapping[str, np.ndarray]

JOURNAL = "journal.jsonl"


class Field(NamedTuple):
    """Shape and type of one row of an array."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def row_bytes(self) -> int:
        """How much of the file one row takes."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


class RowFiles:
    """One npy file per array in ``folder``, and a journal with a line for every part that is done.

    plan: names what is being made; a folder of another plan is emptied. A part counts as soon as its line is written,
    and rows beyond the journal are cut off when the folder is opened again.
    """

    def __init__(self, folder: Path, plan: str) -> None:
        self.folder = folder
        self.fields: dict[str, Field] = {}
        self.rows = 0
        self.outcomes: list[dict] = []
        self._files: dict[str, BinaryIO] = {}
        folder.mkdir(parents=True, exist_ok=True)
        if not self._resumed(plan):
            shutil.rmtree(folder)
            folder.mkdir()
            self.fields, self.rows, self.outcomes = {}, 0, []
            self._journal = (folder / JOURNAL).open("a", encoding="utf-8")
            self._note({"plan": plan})

    def add(self, part: str, rows: Rows) -> None:
        """Appends the rows of one part. Raises PreparationError if they do not fit to those before."""
        found = {name: Field(values.shape[1:], values.dtype.str) for name, values in rows.items()}
        if not self.fields:
            self._begin(found)
        if found != self.fields:
            raise PreparationError(
                f"{part} has the arrays {_listed(found)}, the parts before it {_listed(self.fields)}."
            )
        for name, values in rows.items():
            self._files[name].write(np.ascontiguousarray(values).tobytes())
            self._files[name].flush()
        count = len(rows["labels"])
        self.rows += count
        self._note({"part": part, "rows": count})

    def skip(self, part: str, why: str) -> None:
        """Notes that a part was left out."""
        self._note({"part": part, "skipped": why})

    def finish(self) -> dict[str, dict]:
        """Completes the files; returns {array: shape, dtype, bytes and sha256 of its file}. The journal stays."""
        for name, file in self._files.items():
            file.seek(0)
            file.write(_header(self.fields[name], self.rows))
            file.flush()
            os.fsync(file.fileno())
        self.close()
        return {name: self._described(name, field) for name, field in self.fields.items()}

    def close(self) -> None:
        """Closes the files as they are."""
        for file in (self._journal, *self._files.values()):
            file.close()

    def _described(self, name: str, field: Field) -> dict:
        file = self._path(name)
        shape = [self.rows, *field.shape]
        size, sha256 = file.stat().st_size, sha256_of(file)
        return {"shape": shape, "dtype": np.dtype(field.dtype).name, "bytes": size, "sha256": sha256}

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npy"

    def _note(self, line: dict) -> None:
        self._journal.write(json.dumps(line) + "\n")
        self._journal.flush()
        if "part" in line:
            self.outcomes.append(line)

    def _begin(self, fields: dict[str, Field]) -> None:
        self._note({"fields": fields})
        self._open(fields)
        for name, file in self._files.items():
            file.write(_header(fields[name], 0))

    def _open(self, fields: dict[str, Field]) -> None:
        self.fields = fields
        for name in fields:
            self._path(name).touch()
            self._files[name] = self._path(name).open("r+b")

    def _resumed(self, plan: str) -> bool:
        """Takes up what the folder holds, if it is of this plan and nothing of it is lost."""
        journal = self.folder / JOURNAL
        lines = _whole_lines(journal) if journal.is_file() else []
        if not lines or json.loads(lines[0]) != {"plan": plan}:
            return False
        for line in map(json.loads, lines[1:]):
            if "fields" in line:
                self.fields = {name: Field(tuple(shape), dtype) for name, (shape, dtype) in line["fields"].items()}
            else:
                self.outcomes.append(line)
                self.rows += line.get("rows", 0)
        ends = {name: len(_header(field, 0)) + self.rows * field.row_bytes for name, field in self.fields.items()}
        if any(not self._path(name).is_file() or self._path(name).stat().st_size < end for name, end in ends.items()):
            return False
        os.truncate(journal, sum(map(len, lines)))
        self._journal = journal.open("a", encoding="utf-8")
        self._open(self.fields)
        for name, file in self._files.items():
            file.truncate(ends[name])
            file.seek(ends[name])
        return True


def _whole_lines(journal: Path) -> list[bytes]:
    return [line for line in journal.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def _header(field: Field, rows: int) -> bytes:
    """The npy header; numpy leaves room in it for more rows, so its length does not change."""
    header = io.BytesIO()
    shape = (rows, *field.shape)
    np.lib.format.write_array_header_1_0(header, {"descr": field.dtype, "fortran_order": False, "shape": shape})
    return header.getvalue()


def _listed(fields: Mapping[str, Field]) -> str:
    return ", ".join(f"{name} {np.dtype(field.dtype).name} {list(field.shape)}" for name, field in fields.items())
