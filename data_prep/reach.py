"""The code that a data set's arrays come from: a change of it, and of nothing else, converts the set again."""

from functools import cache

from mmlib.paths import ROOT
from mmlib.records.code.imported import meaning
from mmlib.records.code.reach import reached
from mmlib.records.sealed import digest

PACKAGES = ("data_prep", "mmlib")
# What converters reach and what cannot change an array: it words errors, starts processes, finds and reads files
# whose hashes are checked, and unpacks an archive to the bytes that are in it.
APART = (
    "data_prep.errors",
    "data_prep.processes",
    "data_prep.unpack.archives",
    "mmlib.checks",
    "mmlib.data.storage",
    "mmlib.paths",
    "mmlib.records",
)


def code_of(name: str, *framework: str) -> str:
    """Hex SHA-256 of the code, without comments and docstrings, that data_prep.sets.NAME reaches by import.

    framework: further modules whose code decides what is written, and what they reach.
    """
    sources = reached([f"data_prep.sets.{name}", *framework], source_of, APART)
    return digest({module: meaning(source) for module, source in sources.items()})


@cache
def source_of(module: str) -> bytes | None:
    """The source of a module of this project; None for any other."""
    path = ROOT.joinpath(*module.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py") if module.partition(".")[0] in PACKAGES else ()
    return next((file.read_bytes() for file in files if file.is_file()), None)
