"""Putting a finished set where it is looked for, so that at no moment a half of it counts as prepared.

NAME.json is written last. Until then the journal lies in the folder, so a call that was killed here is gone on with.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from data_prep.errors import PreparationError
from data_prep.release.rows import JOURNAL
from mmlib import paths
from mmlib.data.storage.prepared import DataDamaged, DataNotPrepared
from mmlib.data.storage.stored import read_stored
from mmlib.records.files import write_atomically, write_json

PLAN = "plan"  # beside the arrays: what they were made by, in more detail than changes their runs


def check_target(folder: Path, raw: Path) -> None:
    """Raises PreparationError if ``folder`` is the release itself or holds anything that mmlib did not write."""
    if raw == folder or folder in raw.parents:
        raise PreparationError(
            f"{raw} is where the prepared set goes, so it cannot be the release too: move the release, or choose "
            "another folder for prepared sets with MMLIB_DATA."
        )
    foreign = [f for f in sorted(folder.glob("*")) if f.suffix != ".npy" and f.name not in (JOURNAL, PLAN)]
    if foreign or folder.is_symlink():
        what = foreign[0] if foreign else f"the link {folder}"
        raise PreparationError(
            f"the prepared set goes to {folder}, where mmlib did not write {what}: move that, or choose another folder "
            "for prepared sets with MMLIB_DATA."
        )


def recover(folder: Path, work: Path) -> None:
    """Takes up what a call left that was killed while it published."""
    journal, manifest = folder / JOURNAL, folder.with_name(f"{folder.name}.json")
    shutil.rmtree(_aside(folder), ignore_errors=True)
    if journal.exists() and manifest.exists():
        journal.unlink()
    elif journal.exists() and not work.exists():
        folder.rename(work)


def is_ready(name: str, source: dict, plan: str, say: Callable[[str], None]) -> bool:
    """Whether the set is prepared from these files by this code, and whole; says why not where there is something."""
    try:
        stored = read_stored(name)
        stored.check()
    except DataNotPrepared:
        return False
    except DataDamaged as error:
        say(str(error))
        return False
    noted = stored.folder / PLAN
    if stored.manifest["source"] != source or not noted.is_file() or noted.read_text() != plan:
        say("prepared from other files than these, or by another version, so it is made anew")
        return False
    say(f"already prepared in {stored.folder}, its sha256 are right: nothing to do")
    return True


def publish(name: str, work: Path, manifest: dict, plan: str) -> None:
    """Renames the folder ``work`` to that of the set and writes its manifest. The set before it goes last."""
    folder, manifest_file = paths.data_dir() / name, paths.data_dir() / f"{name}.json"
    write_atomically(work / PLAN, lambda file: file.write(plan.encode()))
    manifest_file.unlink(missing_ok=True)
    if folder.exists():
        folder.rename(_aside(folder))
    work.rename(folder)
    try:
        write_json(manifest_file, manifest)
    except OSError:
        shutil.rmtree(folder)
        raise
    (folder / JOURNAL).unlink()
    shutil.rmtree(_aside(folder), ignore_errors=True)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.before")
