"""What a batch did: done, from cache, failed, skipped."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from mmlib import paths
from mmlib.engine.places import failure_file, read_plan, receipt_file, source_file
from mmlib.figure_list import figures_listed


def summary(since: float) -> list[str]:
    """Lines on runs, notebooks and figures, and one for each that failed or was skipped.

    since: when the batch began (seconds since the epoch); what was made later was done by it, the rest by an earlier
    one. Raises FileNotFoundError if nothing was planned.
    """
    entries = read_plan()["notebooks"]
    wanted = {name: entry for name, entry in entries.items() if not entry["missing"]}
    states = {name: _notebook_state(name, entry, since) for name, entry in wanted.items()}
    made = [id for id in figures_listed() if (paths.outputs_dir() / "figures" / f"{id}.json").is_file()]
    return [
        f"runs: {_counted(_run_states(entries, since).values())}",
        *_failed_runs(wanted),
        f"notebooks: {_counted([*states.values(), *['skipped'] * (len(entries) - len(wanted))])}",
        *(f"  failed: {name}, see {_failed_file(name)}" for name, state in states.items() if state == "failed"),
        *(
            f"  skipped: {name} needs {data}: {command}"
            for name, entry in entries.items()
            for data, command in entry["missing"].items()
        ),
        f"figures: {len(made)} of {len(figures_listed())} are there",
    ]


def _counted(states: Iterable[str]) -> str:
    counts = Counter({"done": 0, "from cache": 0, "failed": 0, "skipped": 0})
    counts.update(states)
    return ", ".join(f"{number} {state}" for state, number in counts.items())


def _run_states(entries: dict[str, dict], since: float) -> dict[str, str]:
    """Run hash -> done, from cache, diverged, failed, not reached, or skipped where only skipped notebooks need it."""
    states = {}
    for entry in sorted(entries.values(), key=lambda entry: not entry["missing"]):  # the skipped ones first
        if entry["missing"]:
            states |= dict.fromkeys(entry["runs"], "skipped")
            continue
        reported = {hash: state for batch in entry["batches"] for hash, state in _reported(batch).items()}
        for hash in entry["runs"]:
            metrics = paths.results_dir() / "runs" / hash / "metrics.json"
            states[hash] = _made(metrics, since) if metrics.is_file() else reported.get(hash, "not reached")
    return states


def _reported(batch: str) -> dict[str, str]:
    """Run hash -> diverged or failed, of those that ended so."""
    told = {**_read(receipt_file(batch)).get("diverged", {})}
    return dict.fromkeys(told, "diverged") | dict.fromkeys(_read(failure_file(batch)), "failed")


def _failed_runs(wanted: dict[str, dict]) -> list[str]:
    batches = dict.fromkeys(batch for entry in wanted.values() for batch in entry["batches"])
    return [f"  failed: run {hash}: {why}" for batch in batches for hash, why in _read(failure_file(batch)).items()]


def _notebook_state(name: str, entry: dict, since: float) -> str:
    metrics = paths.outputs_dir() / "notebooks" / name / "metrics.json"
    if _failed_file(name).is_file():
        return "failed"
    # What an earlier text or other runs have left is not the notebook's result.
    ready = all(receipt_file(batch).is_file() for batch in entry["batches"])
    current = metrics.is_file() and metrics.stat().st_mtime >= source_file(name).stat().st_mtime
    return _made(metrics, since) if ready and current else "not reached"


def _failed_file(name: str) -> Path:
    return paths.outputs_dir() / "notebooks" / f"{name}.failed.ipynb"


def _made(file: Path, since: float) -> str:
    return "done" if file.stat().st_mtime >= since else "from cache"


def _read(file: Path) -> dict:
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
