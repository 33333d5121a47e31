"""Putting a finished set where it is looked for, so that at no moment a half of it counts as prepared.

NAME.json is written last. Until then the journal lies in the folder: the next call continues one that was killed here.
"""

import shutil
from pathlib import Path

from data_prep.errors import PreparationError
from data_prep.manifest import NOTHING_TO_DO, Say, found_ready, remove_manifest, write_manifest
from data_prep.release.rows import JOURNAL
from mmlib import paths
from mmlib.data.storage.manifest import manifest_file
from mmlib.data.storage.stored import Stored, read_stored
from mmlib.records.files import write_atomically

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
    journal = folder / JOURNAL
    shutil.rmtree(_aside(folder), ignore_errors=True)
    if journal.exists() and manifest_file(folder.name).exists():
        journal.unlink()
    elif journal.exists() and not work.exists():
        folder.rename(work)


def is_ready(name: str, source: dict, plan: str, say: Say) -> bool:
    """Whether the set is prepared from these files by this code, and whole; says why not where there is something."""

    def is_same(stored: Stored) -> bool:
        noted = stored.folder / PLAN
        return stored.manifest["source"] == source and noted.is_file() and noted.read_text() == plan

    found = found_ready(lambda: _checked(name), is_same, say)
    if found is None:
        return False
    say(NOTHING_TO_DO.format(place=found.folder))
    return True


def publish(name: str, work: Path, manifest: dict, plan: str) -> None:
    """Renames the folder ``work`` to that of the set and writes its manifest. The set before it goes last."""
    folder = paths.data_dir() / name
    write_atomically(work / PLAN, lambda file: file.write(plan.encode()))
    remove_manifest(name)
    if folder.exists():
        folder.rename(_aside(folder))
    work.rename(folder)
    try:
        write_manifest(name, manifest)
    except OSError:
        shutil.rmtree(folder)
        raise
    (folder / JOURNAL).unlink()
    shutil.rmtree(_aside(folder), ignore_errors=True)


def _checked(name: str) -> Stored:
    stored = read_stored(name)
    stored.check()
    return stored


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.before")
