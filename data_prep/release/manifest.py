"""What is written down of a preparation from the user's copy: which files, by which code, and what was left out."""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from data_prep.manifest import rights_of
from data_prep.reach import code_of
from data_prep.release.layout import Layout
from data_prep.release.rows import RowFiles

# Their versions decide what a clip decodes to.
DECODERS = ("av", "librosa", "numpy", "opencv-contrib-python-headless", "soundfile", "soxr")


def source_of(layout: Layout, raw: Path) -> dict:
    """What is converted, for the manifest: the same for the same release, wherever and whenever it was copied.

    digest: of the names and sizes of all files and of what the layout makes of them.
    """
    sizes = {file: raw_file.stat().st_size for file, raw_file in _files(layout, raw).items()}
    parts = [[part.name, {key: str(value) for key, value in part.about.items()}] for part in layout.parts]
    missing = [str(file.relative_to(raw)) for file, _ in layout.missing]
    digest = _digest([sizes, parts, layout.classes, missing, layout.left_out])
    packages = {package: _version(package) for package in DECODERS}
    return {"files": len(sizes), "bytes": sum(sizes.values()), "digest": digest, "packages": packages}


def plan_of(name: str, source: Mapping[str, object], layout: Layout, raw: Path, archive: Path | None) -> str:
    """Changes with everything that changes what comes out: also when a file was written, and by which code it is read.

    archive: what ``raw`` was unpacked from, which is then the file whose time counts.
    """
    stamped = {archive.name: archive} if archive else _files(layout, raw)
    times = {member: [file.stat().st_size, file.stat().st_mtime_ns] for member, file in stamped.items()}
    return _digest([dict(source), times, code_of(name, "data_prep.release.convert")])


def manifest_of(name: str, layout: Layout, source: dict, arrays: dict, files: RowFiles, raw: Path) -> dict:
    """The manifest, not sealed yet."""
    skipped = skipped_parts(layout, files, raw)
    found = {"arrays": arrays, "rows": files.rows, "source": source}
    found |= {"skipped": {"count": len(skipped), "parts": skipped}}
    return {**layout.about, "name": name, "classes": list(layout.classes), **found, **rights_of(name)}


def skipped_parts(layout: Layout, files: RowFiles, raw: Path) -> list[dict]:
    """Everything that was left out: what it is, of which kind ("missing", "unreadable", "left out"), and why."""
    missing = [(str(file.relative_to(raw)), "missing", why) for file, why in layout.missing]
    unread = [(line["part"], "unreadable", line["skipped"]) for line in files.outcomes if "skipped" in line]
    left_out = [(part, "left out", why) for part, why in layout.left_out]
    return [{"part": part, "kind": kind, "why": why} for part, kind, why in missing + unread + left_out]


def _files(layout: Layout, raw: Path) -> dict[str, Path]:
    files = {file for part in layout.parts for file in part.files}
    return {str(file.relative_to(raw)): file for file in sorted(files)}


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None  # another build of it, under another name: the code that needs it says so
