"""Unpacking the archive of a release: every member is looked at before anything is written."""

import gzip
import io
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

from data_prep.errors import PreparationError

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
SUFFIXES = (".zip", *TAR_SUFFIXES)
TAR_MAGIC, TAR_MAGIC_AT = b"ustar", 257
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError)
CHUNK = 1 << 20
DEEPEST = 100  # folders in each other; releases have fewer than 10
LONGEST = 200  # letters of a name in a message


class Member(NamedTuple):
    """One entry of an archive; problem: why it must not be unpacked, "" if it may; size in bytes, unpacked."""

    name: str
    size: int
    problem: str


def unpack(archive: Path, folder: Path, say: Callable[[str], None]) -> None:
    """Unpacks ``archive`` (zip or tar, compressed or not) into the new folder ``folder``.

    say: is called with one line a step. Raises PreparationError if it is not such an archive, is damaged or encrypted,
    or needs more than the free disk, if a member points outside the folder or is not a plain file, or if ``folder`` is
    there already. Whatever happens, ``folder`` is whole or absent.
    """
    if folder.exists():
        raise PreparationError(f"{folder} is there already: remove it, or pass it in place of {archive}.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with _opened(archive) as opened:
            members = list(_members(opened))
            _check(archive, members, folder.parent)
            say(f"unpacking {archive.name}: {len(members):,} entries, {sum(m.size for m in members) / 1e6:,.1f} MB")
            partial.mkdir()
            _extract(opened, partial)
        partial.rename(folder)
    except DAMAGED as error:
        raise PreparationError(f"{archive} is damaged or cut short ({error}): copy or download it again.") from error
    except (OSError, NotImplementedError) as error:
        why = getattr(error, "strerror", None) or error
        raise PreparationError(f"{archive} could not be unpacked to {folder}: {why}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile | tarfile.TarFile]:
    if _is_tar(archive):
        with tarfile.open(archive) as opened:
            yield opened
    elif zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield opened
    elif archive.name.lower().endswith(".zip"):
        raise zipfile.BadZipFile("it has no list of its members")
    else:
        raise PreparationError(f"{archive} is not an archive known here: expected {', '.join(SUFFIXES)}, or a folder.")


def _is_tar(archive: Path) -> bool:
    """By its name or first bytes: zipfile looks at the end of a file, where a tar may hold a zip as its last member."""
    with archive.open("rb") as file:
        head = file.read(TAR_MAGIC_AT + len(TAR_MAGIC))
    return archive.name.lower().endswith(TAR_SUFFIXES) or head.endswith(TAR_MAGIC)


def _members(opened: zipfile.ZipFile | tarfile.TarFile) -> Iterator[Member]:
    if isinstance(opened, zipfile.ZipFile):
        for entry in opened.infolist():
            link = stat.S_ISLNK(entry.external_attr >> 16)
            why = "is encrypted" if entry.flag_bits & 1 else "is a link" if link else _why_outside(entry.filename)
            yield Member(entry.filename, entry.file_size, why)
        return
    for entry in opened:
        kind = "is a link" if entry.islnk() or entry.issym() else "is not a plain file"
        why = _why_outside(entry.name) if entry.isfile() or entry.isdir() else kind
        yield Member(entry.name, entry.size, why)
    _check_end(opened)


def _check_end(opened: tarfile.TarFile) -> None:
    """Raises for a tar cut between two members, and for a checksum that is wrong: tarfile itself lets both pass."""
    if isinstance(opened.fileobj, io.BufferedReader):
        opened.fileobj.seek(opened.offset)
        if opened.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("its end is missing")
    while opened.fileobj.read(CHUNK):  # a compressed file compares its checksum when it is read to the end
        pass


def _why_outside(name: str) -> str:
    """Why a member of that name would not stay in its folder on some system, or not fit there; "" if it would."""
    windows = PureWindowsPath(name)
    if windows.drive or windows.root or name.startswith("/") or ".." in windows.parts or "\0" in name:
        return "points outside the target folder"
    return f"lies more than {DEEPEST} folders deep" if len(windows.parts) > DEEPEST + 1 else ""


def _check(archive: Path, members: list[Member], target: Path) -> None:
    for member in members:
        if member.problem:
            raise PreparationError(
                f"{archive} was not unpacked: its member {_short(member.name)!r} {member.problem}. "
                "Take the archive from the release itself, or unpack it by yourself and pass the folder."
            )
    needed, free = sum(member.size for member in members), shutil.disk_usage(target).free
    if needed > free:
        raise PreparationError(
            f"{archive} was not unpacked: it needs {needed / 1e9:,.1f} GB in {target}, {free / 1e9:,.1f} GB are free. "
            "Make room, or unpack it elsewhere and pass the folder."
        )


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[:LONGEST]}..."


def _extract(opened: zipfile.ZipFile | tarfile.TarFile, folder: Path) -> None:
    if isinstance(opened, tarfile.TarFile):
        # Looks at every member once more, in the versions of Python 3.11 that can.
        opened.extraction_filter = getattr(tarfile, "data_filter", None)
    opened.extractall(folder)
