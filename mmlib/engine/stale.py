"""Forgetting what no longer holds before a batch begins: Snakemake sees that files are there, not what is in them."""

import json
import time
from pathlib import Path

from mmlib import paths
from mmlib.engine.places import batches_folder, lost_file, plan_file
from mmlib.files import sha256_of, write_json
from mmlib.profiles import default_profile


def forget_stale() -> None:
    """Takes back the results of notebooks whose runs have changed or are gone, or that were made in another profile.

    The batch then plans again, computes runs that are gone, names those that are damaged, and executes the notebooks.
    """
    plan = _read(plan_file())
    entries = plan.get("notebooks", {})
    # Also receipts of jobs that this plan does not have: a later plan may have them again.
    receipts = {file: _read(file).get("runs", {}) for file in batches_folder().glob("*.done.json")}
    noted = {(run, hash) for runs in [plan.get("finished", {}), *receipts.values()] for run, hash in runs.items()}
    lost = {run for run, hash in noted if not _holds(run, hash)}
    for file, runs in receipts.items():
        if lost & set(runs):
            file.unlink()
    stale = [name for name, entry in entries.items() if _needs(entry, lost) or _of_another_profile(name)]
    for name in stale:
        _metrics(name).unlink(missing_ok=True)
    if stale:
        (paths.results_dir() / "site" / "index.html").unlink(missing_ok=True)
    seen = [run for run in sorted(lost) if any(_needs(entry, {run}) for entry in entries.values())]
    if seen or not lost_file().is_file():
        write_json(lost_file(), {"runs": seen, "seen": time.strftime("%Y-%m-%d %H:%M:%S")})


def _needs(entry: dict, runs: set[str]) -> bool:
    return any(f"runs/{hash}" in runs for hash in entry["runs"])


def _holds(run: str, hash: str) -> bool:
    """Whether "runs/HASH" is as it was when the SHA-256 of its metrics.json was noted."""
    file = paths.results_dir() / run / "metrics.json"
    return file.is_file() and sha256_of(file) == hash


def _of_another_profile(name: str) -> bool:
    parameters = _read(_metrics(name)).get("parameters")
    return parameters is not None and parameters.get("profile") != default_profile()


def _metrics(name: str) -> Path:
    return paths.outputs_dir() / "notebooks" / name / "metrics.json"


def _read(file: Path) -> dict:
    """The content of a JSON file; nothing where it is missing or damaged, as it is then made again."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
