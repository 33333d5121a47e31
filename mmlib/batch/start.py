"""What the Snakefile asks mmlib: can it work, is it the only engine, which notebooks to execute, and to say less."""

import logging
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from mmlib import paths
from mmlib.records.profiles import default_profile

DRY = {"-n", "-np", "-nr", "-npr", "--dry-run", "--dryrun"}
NOT_IN_PATHS = " \t\n\"'{}[]*?$`\\;&|<>#"
WAITS = "engine: {other} works on {folder}, so this one waits until it has ended"
# What Snakemake says of itself at every job; its log file still has it.
CHATTER = (
    "Assuming unrestricted",
    "Building DAG",
    "DAG of jobs",
    "Execute ",
    "Finished jobid",
    "Provided ",
    "Rules claiming",
    "Select jobs",
    "Updating checkpoint",
    "Using shell",
    "[",
)


def check_settings() -> None:
    """Raises ValueError for a profile or a folder that the engine cannot work with."""
    default_profile()
    for what, folder in {
        "this folder": paths.ROOT,
        "MMLIB_RESULTS": paths.results_dir(),
        "MMLIB_DATA": paths.data_dir(),
    }.items():
        bad = sorted(set(str(folder)) & set(NOT_IN_PATHS))
        if bad:
            raise ValueError(
                f"the engine cannot work with {' '.join(map(repr, bad))} in a path, as Snakemake and make give them a "
                f"meaning: {what} is {folder}. Name another one, or move it."
            )


def is_dry_run(arguments: Sequence[str]) -> bool:
    """Whether Snakemake was called with these ``arguments`` to look only: it does not tell the Snakefile itself."""
    return not DRY.isdisjoint(arguments)


def only_engine(folder: Path) -> FileLock:
    """Holds the one engine's place in ``folder`` until this process ends; waits, and says so, while another has it.

    The lock is the operating system's, so that a killed engine gives it back. Snakemake's own is switched off in the
    profiles, as it stays behind after a kill.
    """
    folder.mkdir(parents=True, exist_ok=True)
    holder, lock = folder / "engine.txt", FileLock(folder / "engine.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        other = holder.read_text().strip() if holder.exists() else "another engine"
        print(WAITS.format(other=other, folder=folder), file=sys.stderr, flush=True)
        lock.acquire()
    holder.write_text(f"process {os.getpid()} on {platform.node()}\n")
    return lock


def wanted_notebooks(entries: dict[str, dict]) -> list[str]:
    """Those of the plan's notebooks whose data are all here; the others are skipped, and the summary names them."""
    return [name for name, entry in entries.items() if not entry["missing"]]


def quieter(logger: logging.Logger) -> None:
    """Leaves what Snakemake says about itself out of what is shown: progress and the lines of jobs stand out."""
    for handler in logger.handlers:
        if not isinstance(handler, logging.FileHandler):
            handler.addFilter(lambda record: not record.getMessage().startswith(CHATTER))
