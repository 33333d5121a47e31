"""What a batch did: done, from cache, failed, skipped."""

import json
from pathlib import Path

from mmlib import paths
from mmlib.batch.files import complete_file, failure_file, metrics_file, read_plan, receipt_file, source_file
from mmlib.records.figure_list import figures_listed
from mmlib.records.states import CACHED, DIVERGED, DONE, FAILED, NOT_REACHED, SKIPPED, counted

ALWAYS = (DONE, CACHED, FAILED, SKIPPED)


def summary(since: float) -> list[str]:
    """Lines on runs, notebooks and figures, and one for each that failed or was skipped.

    since: when the batch began (seconds since the epoch); what was made later was done by it, the rest by an earlier
    one. Raises FileNotFoundError if nothing was planned.
    """
    entries = read_plan()["notebooks"]
    wanted = {name: entry for name, entry in entries.items() if not entry["missing"]}
    states = {name: _notebook_state(name, entry, since) for name, entry in wanted.items()}
    return [
        f"runs: {counted(_run_states(entries, since).values(), ALWAYS)}",
        *_failed_runs(wanted),
        f"notebooks: {counted([*states.values(), *[SKIPPED] * (len(entries) - len(wanted))], ALWAYS)}",
        *(_told(name, state, wanted[name]) for name, state in states.items() if state in (FAILED, NOT_REACHED)),
        *(
            f"  skipped: {name} needs {data}: {command}"
            for name, entry in entries.items()
            for data, command in entry["missing"].items()
        ),
        *_left_over(entries),
        _figures(states),
    ]


def tell(since: float) -> None:
    """Prints the summary, or that there is none yet: the engine's last words."""
    try:
        lines = summary(since)
    except (OSError, ValueError):
        lines = ["nothing was planned: the lines above tell why"]
    print("\n".join(lines), flush=True)


def _told(name: str, state: str, entry: dict) -> str:
    if entry["error"]:
        return f"  {state}: {entry['error']}"
    if state == FAILED:
        return f"  failed: {name}, see {_failed_file(name)}"
    waits = [batch for batch in entry["batches"] if not receipt_file(batch).is_file()]
    why = f"{len(waits)} of its {len(entry['batches'])} jobs of runs did not end" if waits else "its job did not end"
    return f"  not reached: {name}, as {why}; the lines above tell more"


def _left_over(entries: dict[str, dict]) -> list[str]:
    executed = sorted(file.stem for file in (paths.outputs_dir() / "notebooks").glob("[!.]*.ipynb"))
    gone = [name for name in executed if name.removesuffix(".failed") not in entries]
    return [
        f"  left over: {n!r} was executed and is not in notebooks/ any more: delete what you do not need" for n in gone
    ]


def _figures(states: dict[str, str]) -> str:
    listed = figures_listed()
    current = [id for id, entry in listed.items() if states.get(entry["notebook"]) in (DONE, CACHED)]
    made = [id for id in current if (paths.outputs_dir() / "figures" / f"{id}.json").is_file()]
    return f"figures: {len(made)} of {len(listed)} are there"


def _run_states(entries: dict[str, dict], since: float) -> dict[str, str]:
    """Run hash -> done, from cache, diverged, failed, not reached, or skipped where only skipped notebooks need it."""
    states = {}
    for entry in sorted(entries.values(), key=lambda entry: not entry["missing"]):  # the skipped ones first
        if entry["missing"]:
            states |= dict.fromkeys(entry["runs"], SKIPPED)
            continue
        reported = {hash: state for batch in entry["batches"] for hash, state in _reported(batch).items()}
        for hash in entry["runs"]:
            metrics = paths.results_dir() / "runs" / hash / "metrics.json"
            states[hash] = reported.get(hash) or (_made(metrics, since) if metrics.is_file() else NOT_REACHED)
    return states


def _reported(batch: str) -> dict[str, str]:
    """Run hash -> diverged or failed, of those that ended so."""
    told = {**_read(receipt_file(batch)).get("diverged", {})}
    return dict.fromkeys(told, DIVERGED) | dict.fromkeys(_read(failure_file(batch)), FAILED)


def _failed_runs(wanted: dict[str, dict]) -> list[str]:
    batches = dict.fromkeys(batch for entry in wanted.values() for batch in entry["batches"])
    return [f"  failed: run {hash}: {why}" for batch in batches for hash, why in _read(failure_file(batch)).items()]


def _notebook_state(name: str, entry: dict, since: float) -> str:
    if complete_file().is_file():
        return _made(metrics_file(name), since)
    # What an earlier text or other runs have left is not the notebook's result.
    ready = all(receipt_file(batch).is_file() for batch in entry["batches"])
    metrics = metrics_file(name)
    for file in (_failed_file(name), metrics):
        if ready and file.is_file() and file.stat().st_mtime >= source_file(name).stat().st_mtime:
            return FAILED if file != metrics else _made(file, since)
    return NOT_REACHED


def _failed_file(name: str) -> Path:
    return paths.outputs_dir() / "notebooks" / f"{name}.failed.ipynb"


def _made(file: Path, since: float) -> str:
    return DONE if file.stat().st_mtime >= since else CACHED


def _read(file: Path) -> dict:
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
