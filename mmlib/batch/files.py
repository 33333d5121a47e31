"""Where the engine keeps what it plans and what its jobs report; known without PyTorch."""

import json
import re
from pathlib import Path

from mmlib import paths


def plan_file() -> Path:
    """results/plan.json: what the engine works by."""
    return paths.results_dir() / "plan.json"


def batches_folder() -> Path:
    """results/batches: the jobs, and what became of them."""
    return paths.results_dir() / "batches"


def batch_file(id: str) -> Path:
    """results/batches/ID.json: the specs of one job, as ``python -m mmlib run`` reads them.

    Raises ValueError for what cannot be the id of a batch: it comes from a command line and becomes a path.
    """
    if not re.fullmatch(r"[0-9a-f]{16}", id):
        raise ValueError(f"a batch is named by 16 hex digits, got {id!r}: see {batches_folder()}.")
    return batches_folder() / f"{id}.json"


def source_file(name: str) -> Path:
    """results/sources/NAME.json: a notebook's cells and runs; it stays untouched when only its outputs change."""
    return paths.results_dir() / "sources" / f"{name}.json"


def complete_file() -> Path:
    """results/complete.json: the batch is done; it is there only while everything is there that the plan names."""
    return paths.results_dir() / "complete.json"


def metrics_file(name: str) -> Path:
    """results/notebooks/NAME/metrics.json: what a notebook reports when it has run to its end."""
    return paths.outputs_dir() / "notebooks" / name / "metrics.json"


def receipt_file(id: str) -> Path:
    """results/batches/ID.done.json: all runs of the job came to an end."""
    return batch_file(id).with_suffix(".done.json")


def failure_file(id: str) -> Path:
    """results/batches/ID.failed.json: why some runs of the job failed."""
    return batch_file(id).with_suffix(".failed.json")


def read_plan() -> dict[str, object]:
    """The content of results/plan.json. Raises FileNotFoundError if nothing was planned yet."""
    try:
        return json.loads(plan_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{plan_file()} is missing: nothing was planned yet; run  python -m mmlib plan"
        ) from None
