"""What is missing of the things that a plan names: a batch is done when the answer is nothing."""

import json
from collections.abc import Sequence
from pathlib import Path

from mmlib import paths
from mmlib.batch.files import batch_file, metrics_file, receipt_file, source_file
from mmlib.batch.start import wanted_notebooks
from mmlib.notebooks.foreign import foreign_files
from mmlib.records.execution_record import require_whole
from mmlib.records.figure_list import figures_listed
from mmlib.records.files import sha256_of
from mmlib.records.profiles import default_profile
from mmlib.records.sealed import opened, read_exactly

KINDS = ("png", "svg")


def missing_of_plan(plan: dict) -> list[str]:
    """Sentences on everything that is planned and is not there whole: jobs, runs, notebooks, figures, site."""
    entries = plan["notebooks"]
    wanted = wanted_notebooks(entries)
    batches = dict.fromkeys(batch for name in wanted for batch in entries[name]["batches"])
    found = [f"job {batch} of runs did not end" for batch in batches if not receipt_file(batch).is_file()]
    ended = {run for batch in batches for run in ended_runs(batch)} | {name for name in plan["finished"]}
    runs = dict.fromkeys(f"runs/{hash}" for name in wanted for hash in entries[name]["runs"])
    found += [f"{run} is not there" for run in runs if run not in ended]
    figures = figures_of()
    found += [f"notebook {n}: {why}" for n in wanted if (why := missing_of_notebook(n, figures.get(n, [])))]
    if not (paths.results_dir() / "site" / "index.html").is_file():
        found.append("the site was not built")
    return found


def missing_of_job_files(plan: dict) -> list[str]:
    """The files that the plan wrote for its jobs and that are gone."""
    entries = plan["notebooks"]
    batches = [batch_file(batch) for entry in entries.values() for batch in entry["batches"]]
    return [str(file) for file in (*map(source_file, entries), *batches) if not file.is_file()]


def ended_runs(batch: str) -> dict[str, str | None]:
    """Every run of a job that came to its end, "runs/HASH" -> SHA-256 of its metrics.json; None where it diverged."""
    receipt = read_sealed(receipt_file(batch))
    return {**receipt.get("runs", {}), **dict.fromkeys(f"runs/{hash}" for hash in receipt.get("diverged", {}))}


def figures_of() -> dict[str, list[str]]:
    """Notebook -> ids of the figures that figures.yaml lists for it."""
    figures: dict[str, list[str]] = {}
    for id, entry in figures_listed().items():
        figures.setdefault(entry["notebook"], []).append(id)
    return figures


def missing_of_notebook(name: str, figures: Sequence[str]) -> str | None:
    """Why results of a notebook, with its ``figures`` (ids), do not count as made, if they do not: by their hashes."""
    metrics = metrics_file(name)
    executed = metrics.parent.with_suffix(".ipynb")
    if not metrics.is_file() or not executed.is_file():
        return "it was not executed"
    try:
        require_whole(executed)
        content = opened(read_exactly(metrics))
    except ValueError as error:
        return f"{metrics} or {executed.name} is damaged: {error}"
    if content["parameters"].get("profile") != default_profile():
        return f"it was executed in the profile {content['parameters'].get('profile')}"
    if foreign := foreign_files(paths.outputs_dir(), name):
        return "; ".join(f"{file} was made with {why}" for file, why in foreign.items())
    if not _holds(metrics.with_name("table.csv"), content["table_sha256"]):
        return f"{metrics.with_name('table.csv')} is not what it wrote"
    broken = [id for id in figures if not _is_whole(paths.outputs_dir() / "figures" / f"{id}.json")]
    return f"figures are not there or damaged: {', '.join(broken)}" if broken else None


def read_dict(file: Path) -> dict:
    """The content of a JSON file; nothing where it is missing or damaged, as it is then made again."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def read_sealed(file: Path) -> dict:
    """What was sealed in a file of the engine; nothing where it is missing or not as written."""
    try:
        return opened(read_exactly(file))
    except (OSError, ValueError):
        return {}


def _is_whole(record: Path) -> bool:
    try:
        hashes = opened(read_exactly(record))["sha256"]
    except (OSError, ValueError, KeyError):
        return False
    return all(_holds(record.with_suffix(f".{kind}"), hashes.get(kind)) for kind in KINDS)


def _holds(file: Path, hash: object) -> bool:
    return file.is_file() and sha256_of(file) == hash
