"""Every path of the suite, resolved once: nbval and papermill start notebooks in different folders."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"


def data_dir() -> Path:
    """Folder of the prepared data sets: $MMLIB_DATA, else data/ beside the package."""
    return Path(os.environ.get("MMLIB_DATA") or ROOT / "data").resolve()


def results_dir() -> Path:
    """Folder everything computed is written to: $MMLIB_RESULTS, else results/ beside the package."""
    return Path(os.environ.get("MMLIB_RESULTS") or ROOT / "results").resolve()


def outputs_dir() -> Path:
    """Folder of the suite's executed notebooks and figures: $MMLIB_OUTPUTS, else that of the results.

    They part where ``python -m mmlib notebook`` executes with parameters of its own: that shares the runs and must not
    replace the suite's figures. Where a running notebook writes is decided by mmlib.records.origin.destination.
    """
    return Path(os.environ.get("MMLIB_OUTPUTS") or results_dir()).resolve()
