"""One preparation from the user's copy of a release: check, convert part by part, write the manifest last."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from data_prep.converting import converted
from data_prep.errors import PreparationError
from data_prep.raw_set import Layout, Part, RawSet, Undecodable, raw_set
from data_prep.row_files import RowFiles
from mmlib import paths
from mmlib.catalogue import CATALOGUE
from mmlib.data.prepared import DataDamaged, DataNotPrepared
from mmlib.data.stored import read_stored
from mmlib.files import write_json
from mmlib.sealed import sealed

Say = Callable[[str], None]
SECONDS_BETWEEN_LINES = 5.0


def prepare_raw(name: str, raw: Path, jobs: int, say: Say) -> None:
    """Makes the data set ``name`` ready from the folder ``raw``, or finds it ready. Raises PreparationError.

    A call that was killed is gone on with by the same call; one that fails leaves nothing.
    jobs: processes that convert; say: is called with one line a step.
    """
    module = raw_set(name)
    layout = module.layout(raw)
    _check(layout, module, raw)
    data = paths.data_dir()
    data.mkdir(parents=True, exist_ok=True)
    with FileLock(data / f".{name}.lock"):
        source = _source(layout, raw)
        if _is_ready(name, source, say):
            return
        say(f"{raw} has the layout of {name}: {len(layout.parts):,} parts, {source['bytes'] / 1e6:,.1f} MB")
        work = data / f".{name}.partial"
        try:
            _convert_all(name, module, layout, source, work, jobs, say)
        except OSError as error:
            shutil.rmtree(work, ignore_errors=True)
            raise PreparationError(_why_not_written(error, data / name)) from error
        except Exception:
            shutil.rmtree(work, ignore_errors=True)
            raise


def _convert_all(name: str, module: RawSet, layout: Layout, source: dict, work: Path, jobs: int, say: Say) -> None:
    files = RowFiles(work, source["digest"])
    try:
        _fill(files, module, layout.parts, jobs, say)
        if files.rows == 0:
            raise PreparationError(f"none of the {len(layout.parts):,} parts can be read: is this a copy of {name}?")
        arrays = files.finish()
    finally:
        files.close()
    skipped = _skipped(layout, files)
    _publish(name, layout, {"arrays": arrays, "rows": files.rows, "skipped": skipped, "source": source}, work)
    left_out = f"; {skipped['count']:,} could not be read and are listed in the manifest" if skipped["count"] else ""
    say(f"wrote {files.rows:,} rows, {sum(a['bytes'] for a in arrays.values()) / 1e6:,.1f} MB{left_out}")


def _fill(files: RowFiles, module: RawSet, parts: Sequence[Part], jobs: int, say: Say) -> None:
    """Converts the parts that are not in ``files`` yet."""
    before = len(files.outcomes)
    if before:
        say(f"going on after {before:,} parts of a preparation that was stopped")
    started = told = time.monotonic()
    for part, outcome in converted(module.convert, parts[before:], jobs):
        if not isinstance(outcome, Undecodable):
            files.add(part.name, outcome)
        elif module.SKIPS:
            files.skip(part.name, str(outcome))
            say(f"skipped: {outcome}")
        else:
            raise outcome
        if len(files.outcomes) == 1:
            _check_room(files, len(parts))
        if time.monotonic() - told > SECONDS_BETWEEN_LINES:
            told = time.monotonic()
            say(_progress(len(files.outcomes), before, len(parts), told - started))


def _progress(done: int, before: int, total: int, seconds: float) -> str:
    left = seconds / (done - before) * (total - done)
    return f"{done:,} of {total:,} parts ({done / total:.0%}), about {left / 60:.0f} min left"


def _check_room(files: RowFiles, parts: int) -> None:
    """Raises PreparationError if all parts as large as the first would not fit on the disk."""
    needed = files.rows * sum(field.row_bytes for field in files.fields.values()) * parts
    free = shutil.disk_usage(files.folder).free
    if needed > free:
        raise PreparationError(
            f"about {needed / 1e9:,.1f} GB are needed in {files.folder.parent}, {free / 1e9:,.1f} GB are free: make room or "
            "choose another folder with MMLIB_DATA."
        )


def _check(layout: Layout, module: RawSet, raw: Path) -> None:
    if layout.missing and not module.SKIPS:
        file, why = layout.missing[0]
        more = f" ({len(layout.missing)} files are missing)" if len(layout.missing) > 1 else ""
        raise PreparationError(f"{file} is missing{more}: {why}.")
    if not layout.parts:
        raise PreparationError(f"{raw} holds nothing to convert.")


def _skipped(layout: Layout, files: RowFiles) -> dict:
    """What the manifest says of everything that was left out."""
    missing = [{"part": file.name, "why": f"{file} is missing: {why}"} for file, why in layout.missing]
    unread = [{"part": line["part"], "why": line["skipped"]} for line in files.outcomes if "skipped" in line]
    return {"count": len(missing) + len(unread), "parts": missing + unread}


def _source(layout: Layout, raw: Path) -> dict:
    """What is converted, in a few numbers: other files, or files of other sizes, have another digest."""
    files = sorted({file for part in layout.parts for file in part.files})
    sizes = {str(file.relative_to(raw)): file.stat().st_size for file in files}
    parts = [[part.name, dict(part.about)] for part in layout.parts]
    text = json.dumps([sizes, parts, layout.classes, [str(file) for file, _ in layout.missing]], default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"files": len(files), "bytes": sum(sizes.values()), "digest": digest}


def _is_ready(name: str, source: dict, say: Say) -> bool:
    try:
        manifest = read_stored(name).manifest
    except DataNotPrepared:
        return False
    except DataDamaged as error:
        say(str(error))
        return False
    if manifest["source"] != source:
        say("prepared from other files than these, so it is made anew")
        return False
    say(f"already prepared in {paths.data_dir() / name}: nothing to do")
    return True


def _publish(name: str, layout: Layout, found: dict, work: Path) -> None:
    """The old manifest goes first and the new one comes last: a kill in between leaves "not prepared"."""
    folder, manifest_file = work.with_name(name), work.with_name(f"{name}.json")
    manifest_file.unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
    work.rename(folder)
    entry = CATALOGUE[name]
    about = {"name": name, "classes": list(layout.classes), **found}
    rights = {"licence": entry.licence, "credit": entry.credit, "split": entry.split}
    try:
        write_json(manifest_file, sealed({**layout.about, **about, **rights}))
    except OSError:
        shutil.rmtree(folder)
        raise


def _why_not_written(error: OSError, folder: Path) -> str:
    what = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
    return (
        f"cannot write {folder} and its manifest ({what}). Make room or choose another folder with MMLIB_DATA, "
        "and run the command again."
    )
