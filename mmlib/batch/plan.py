"""The plan of a batch: for every notebook the runs it needs, put together into jobs (batches)."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmlib.batch.files import batch_file, plan_file, source_file
from mmlib.batch.missing import read_dict
from mmlib.batch.notebook_runs import PlanFailed, planned_runs
from mmlib.batch.plan_inputs import figure_code, plan_inputs
from mmlib.data.storage.prepared import is_prepared
from mmlib.records.catalogue import PREPARED, command_for
from mmlib.records.figure_list import figures_listed
from mmlib.records.files import sha256_of, write_json
from mmlib.records.origin.cells import cells_of
from mmlib.records.sealed import sealed
from mmlib.runs import Run, RunDamaged, RunSpec, inputs_of


@dataclass(frozen=True)
class Batch:
    """Runs that one job computes: specs of one data set that the same notebooks need."""

    specs: tuple[RunSpec, ...]
    notebooks: tuple[str, ...]

    @property
    def id(self) -> str:
        """16 hex digits that follow from the runs: a batch with another run in it is another batch."""
        return hashlib.sha256(" ".join(spec.hash for spec in self.specs).encode()).hexdigest()[:16]


def write_plan(notebooks: Sequence[Path], runs_per_job: int, say: Callable[[str], object]) -> None:
    """Writes a file of specs per batch, the source of each notebook and, last, results/plan.json.

    A notebook whose runs cannot be named is planned without runs, and said: executing it tells what is wrong with it. A
    notebook that needs data which only the user can provide is noted as skipped, with the command that prepares them.
    """
    made_from = plan_inputs(runs_per_job)  # before anything is read: what changes meanwhile makes the plan an old one
    planned, entries = {}, {}
    for notebook in notebooks:
        entry = entries[notebook.stem] = {"batches": [], "runs": [], "missing": {}, "error": None}
        try:
            specs = planned_runs(notebook)
        except PlanFailed as error:
            entry["error"] = str(error)
            say(f"plan: {error}")
            specs = []
        entry["missing"] = _missing(specs)
        entry["runs"] = [spec.hash for spec in specs]
        _write_source(notebook, entry)
        if specs and not entry["missing"]:
            planned[notebook.stem] = specs
        for data, command in entry["missing"].items():
            say(f"plan: {notebook.stem} is skipped, as {data} is not here: {command}")
    finished = _finished(planned)
    batches = batches_of(planned, runs_per_job, finished)
    for batch in batches:
        write_json(batch_file(batch.id), [spec.as_dict() for spec in batch.specs])
        for name in batch.notebooks:
            entries[name]["batches"].append(batch.id)
    plan = {"made_from": made_from, "notebooks": entries, "finished": inputs_of(finished)}
    write_json(plan_file(), sealed(plan))
    runs = len({spec.hash for specs in planned.values() for spec in specs})
    there = f"{len(finished)} are there, the others make {len(batches)} jobs"
    say(f"plan: {runs} runs for {len(planned)} notebooks; {there}")


def _finished(planned: Mapping[str, Sequence[RunSpec]]) -> set[RunSpec]:
    """The runs that are there and whole; a damaged one is not, so that the job that asks for it names it."""
    return {spec for specs in planned.values() for spec in specs if Run(spec).done and _is_whole(spec)}


def _is_whole(spec: RunSpec) -> bool:
    try:
        _ = Run(spec).metrics  # reading it checks it
    except RunDamaged:
        return False
    return True


def _write_source(notebook: Path, entry: Mapping[str, object]) -> None:
    """Writes what a notebook's results follow from, unless it is there already: cells, runs, texts of figures, code."""
    try:
        text = [
            {"kind": c.cell_type, "tags": c.metadata.get("tags", []), "source": c.source} for c in cells_of(notebook)
        ]
    except (ValueError, OSError):
        text = sha256_of(notebook)  # it will be executed to tell what is wrong with it
    listed = {id: about for id, about in figures_listed().items() if about["notebook"] == notebook.stem}
    content = {"cells": text, "runs": entry["runs"], "figures": listed, "code": figure_code()}
    file = source_file(notebook.stem)
    if read_dict(file) != content:
        write_json(file, content)


def _missing(specs: Sequence[RunSpec]) -> dict[str, str]:
    """The data sets that have to be prepared for ``specs`` and are not there, each with the command that does it."""
    names = sorted({spec.data for spec in specs} & PREPARED)
    return {name: command_for(name) for name in names if not is_prepared(name)}


def batches_of(
    planned: Mapping[str, Sequence[RunSpec]], runs_per_job: int, finished: Container[RunSpec] = ()
) -> list[Batch]:
    """The runs of all notebooks but the ``finished`` ones, each in one batch, at most ``runs_per_job`` in a batch.

    Runs travel together only if the same notebooks need them: a run that changes then brings no other notebook back.
    """
    specs = {spec.hash: spec for of_notebook in planned.values() for spec in of_notebook if spec not in finished}
    users = {hash: tuple(n for n, of in planned.items() if any(s.hash == hash for s in of)) for hash in specs}
    groups: dict[tuple, list[RunSpec]] = defaultdict(list)
    for hash, spec in specs.items():
        groups[users[hash], spec.data].append(spec)
    return [
        Batch(tuple(group[i : i + runs_per_job]), names)
        for (names, _), group in groups.items()
        for i in range(0, len(group), runs_per_job)
    ]
