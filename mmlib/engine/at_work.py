"""What the Snakefile asks mmlib: to be the only engine at work, to say less, and which notebooks to execute."""

import logging
import os
import platform
import sys
from pathlib import Path

from filelock import FileLock, Timeout

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
