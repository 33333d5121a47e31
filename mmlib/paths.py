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
