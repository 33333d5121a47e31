"""One preparation from the user's copy of a release: check, convert part by part, write the manifest last."""

import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from data_prep.errors import PreparationError
from data_prep.manifest import Say
from data_prep.release.convert import written
from data_prep.release.layout import Layout, Part, RawSet, Stopped, Undecodable, raw_set
from data_prep.release.manifest import manifest_of, plan_of, skipped_parts, source_of
from data_prep.release.publish import check_target, is_ready, publish, recover
from data_prep.release.rows import RowFiles
from mmlib import paths

SECONDS_BETWEEN_LINES = 5.0
ENOUGH = 50  # parts that cannot be read, and none before them that can: then something else is wrong


def prepare_raw(name: str, raw: Path, jobs: int, say: Say, archive: Path | None = None) -> None:
    """Makes the data set ``name`` ready from the folder ``raw``, or finds it ready. Raises PreparationError.

    A call that was killed, or that could not read a disk, is continued by the same call; any other failure leaves
    nothing. jobs: processes that convert; say: is called with one line a step; archive: what ``raw`` was unpacked from.
    """
    data = paths.data_dir()
    folder, work = data / name, data / f".{name}.partial"
    try:
        check_target(folder, raw)
        module = raw_set(name)
        layout = module.layout(raw)
        _check(layout, module, raw)
        source = source_of(layout, raw)
        plan = plan_of(name, source, layout, raw, archive)
        recover(folder, work)
        if is_ready(name, source, plan, say):
            shutil.rmtree(work, ignore_errors=True)
            return
        _announce(name, layout, source, raw, say)
        _convert_all(name, module, layout, (source, plan), raw, work, jobs, say)
    except Stopped as error:
        again = "What was converted is kept: mend this and run the same command again."
        raise Stopped(f"{error} {again}") from error
    except OSError as error:
        shutil.rmtree(work, ignore_errors=True)
        raise PreparationError(_why_not(error, folder)) from error
    except Exception:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _convert_all(
    name: str, module: RawSet, layout: Layout, made_from: tuple[dict, str], raw: Path, work: Path, jobs: int, say: Say
) -> None:
    source, plan = made_from
    files = RowFiles(work, plan)
    try:
        _fill(files, module, layout.parts, jobs, say)
        if files.rows == 0:
            raise PreparationError(f"none of the {len(layout.parts):,} parts can be read: is this a copy of {name}?")
        arrays = files.finish()
    finally:
        files.close()
    publish(name, work, manifest_of(name, layout, source, arrays, files, raw), plan)
    kinds = Counter(part["kind"] for part in skipped_parts(layout, files, raw))
    not_in_it = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
    listed = f"; not in it, and listed in {name}.json: {not_in_it}" if kinds else ""
    say(f"wrote {files.rows:,} rows, {sum(a['bytes'] for a in arrays.values()) / 1e6:,.1f} MB{listed}")


def _fill(files: RowFiles, module: RawSet, parts: Sequence[Part], jobs: int, say: Say) -> None:
    """Converts the parts that are not in ``files`` yet."""
    before = len(files.outcomes)
    if before:
        say(f"going on after {before:,} parts of a preparation that was stopped")
    room_checked = False
    started = told = time.monotonic()
    for outcome in written(files, module, parts[before:], jobs):
        if isinstance(outcome, Undecodable):
            say(f"skipped: {outcome}")
        if files.rows and not room_checked:
            _check_room(files, len(parts))
            room_checked = True
        if not files.rows and len(files.outcomes) == ENOUGH:
            raise PreparationError(f"none of the first {ENOUGH} parts can be read; the last one: {outcome}")
        if time.monotonic() - told > SECONDS_BETWEEN_LINES:
            told = time.monotonic()
            say(_progress(len(files.outcomes), before, len(parts), told - started))


def _progress(done: int, before: int, total: int, seconds: float) -> str:
    left = seconds / (done - before) * (total - done)
    return f"{done:,} of {total:,} parts ({done / total:.0%}), about {left / 60:.0f} min left"


def _check_room(files: RowFiles, parts: int) -> None:
    """Raises PreparationError if the parts that are left, as large as those before, would not fit on the disk."""
    done = len(files.outcomes)
    needed = files.rows / done * (parts - done) * sum(field.row_bytes for field in files.fields.values())
    free = shutil.disk_usage(files.folder).free
    if needed > free:
        raise PreparationError(
            f"about {needed / 1e9:,.1f} GB more are needed in {files.folder.parent}, {free / 1e9:,.1f} GB are free: "
            "make room or choose another folder with MMLIB_DATA."
        )


def _check(layout: Layout, module: RawSet, raw: Path) -> None:
    if layout.missing and (not module.SKIPS or not layout.parts):
        file, why = layout.missing[0]
        more = f" ({len(layout.missing):,} files are missing)" if len(layout.missing) > 1 else ""
        raise PreparationError(f"{file} is missing{more}: {why}.")
    if not layout.parts:
        raise PreparationError(f"{raw} holds nothing to convert.")


def _announce(name: str, layout: Layout, source: dict, raw: Path, say: Say) -> None:
    say(f"{raw} has the layout of {name}: {len(layout.parts):,} parts, {source['bytes'] / 1e6:,.1f} MB")
    if layout.missing:
        file, why = layout.missing[0]
        say(f"{len(layout.missing):,} files are missing and are done without, the first: {file} ({why})")
    if layout.left_out:
        part, why = layout.left_out[0]
        say(f"{len(layout.left_out):,} parts are left out, the first: {part} ({why})")


def _why_not(error: OSError, folder: Path) -> str:
    what = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
    return (
        f"cannot prepare {folder} ({what}). Mend that (make room, give the right to read or write, choose another "
        "folder with MMLIB_DATA) and run the command again."
    )
