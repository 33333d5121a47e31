"""The run store: what is done is read, what was killed goes on, and nothing is computed twice."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial

import pandas as pd

from mmlib import checks
from mmlib.data import load
from mmlib.methods import Method
from mmlib.records.files import sha256_of
from mmlib.runs.compute import build, checkpoint_path, compute, concept_spec
from mmlib.runs.files import RunDamaged, damaged, read_metrics, require_as_written
from mmlib.runs.fingerprint import name_of, require_current, require_its_modalities, require_unmodified
from mmlib.runs.lock import alone_with, note_start
from mmlib.runs.options import encoder_named
from mmlib.runs.spec import RunSpec
from mmlib.training.checkpoint import CheckpointDamaged, load_checkpoint

__all__ = ["Run", "RunDamaged", "RunSpec", "get_or_run", "history", "inputs_of", "table"]

FIRST = ("data", "method", "model", "profile")  # the columns of every table that begin it


@dataclass(frozen=True)
class Run:
    """A finished run: its folder holds its spec, history, environment, a checkpoint per seed and metrics.json."""

    spec: RunSpec

    @property
    def done(self) -> bool:
        """Whether the run is finished: metrics.json is written last."""
        return (self.spec.folder / "metrics.json").exists()

    @cached_property
    def metrics(self) -> dict[str, object]:
        """The content of metrics.json.

        Raises RunDamaged if it, history.csv or environment.json is not as written, or belongs to another run.
        """
        metrics = read_metrics(self.spec.folder)
        if name_of(metrics["spec"], metrics["made_from"]) != self.spec.hash:
            raise damaged(self.spec.folder / "metrics.json")
        return metrics

    def table(self) -> pd.DataFrame:
        """One row per seed, measure and modality: columns seed, measure, modality, value."""
        return pd.DataFrame(self.metrics["records"])

    def history(self) -> pd.DataFrame:
        """One row per seed, epoch and logged quantity: columns seed, epoch, name, value."""
        _ = self.metrics  # reading it checks that history.csv is as written
        return pd.read_csv(self.spec.folder / "history.csv")

    def method(self, seed: int) -> Method:
        """The trained method of one seed, with the weights of its best epoch, on the CPU."""
        checks.one_of("seed", seed, self.spec.seeds)
        method = build(self.spec, load(self.spec.data, seed=seed, **self.spec.data_options), seed)
        path = checkpoint_path(self.spec, seed)
        try:
            require_as_written(path, self.metrics)
            method.load_state_dict(load_checkpoint(path)["best"])
        except (FileNotFoundError, CheckpointDamaged):
            raise damaged(path) from None
        return method.eval()


def get_or_run(spec: RunSpec, device: str = "auto") -> Run:
    """The finished run of ``spec``: read if it is there, gone on with if it was killed, else computed.

    Two processes that ask for the same run share it: one computes, the other waits. A finished run is read without
    writing anything. Raises RunDamaged, ResultsNotWritable, CodeChanged, DataChanged and what training raises.
    """
    require_unmodified(spec)
    run = Run(spec)
    if not run.done:
        with alone_with(spec):
            if not run.done:  # another process may have finished it meanwhile
                require_current(spec)
                note_start(spec)
                compute(spec, device, partial(_concept, spec, device=device))
    require_its_modalities(spec)
    _ = run.metrics  # reading it checks that the files are as written
    return run


def table(specs: Iterable[RunSpec], device: str = "auto") -> pd.DataFrame:
    """All measures of all specs in one tidy table, computed where they are not there yet.

    Columns: data, method, model, profile, one per option ("data.views", "method.alpha", ..., sorted), seed, measure,
    modality, value.
    """
    return _joined(specs, device, Run.table)


def history(specs: Iterable[RunSpec], device: str = "auto") -> pd.DataFrame:
    """The courses of training of all specs in one tidy table: as ``table``, with columns epoch, name and value."""
    return _joined(specs, device, Run.history)


def inputs_of(specs: Iterable[RunSpec]) -> dict[str, str]:
    """For the record of a figure: the runs it was drawn from, "runs/<hash>" -> SHA-256 of metrics.json."""
    return {f"runs/{spec.hash}": sha256_of(spec.folder / "metrics.json") for spec in specs}


def _joined(specs: Iterable[RunSpec], device: str, read: Callable[[Run], pd.DataFrame]) -> pd.DataFrame:
    frames = [read(get_or_run(spec, device)).assign(**_columns(spec)) for spec in specs]
    if not frames:
        raise ValueError("a table needs at least one RunSpec, got none.")
    whole = pd.concat(frames, ignore_index=True)
    last = [c for c in ("seed", "epoch", "measure", "name", "modality", "value") if c in whole]
    options = sorted(c for c in whole if c not in (*FIRST, *last))
    return whole[[*FIRST, *options, *last]]


def _columns(spec: RunSpec) -> dict[str, object]:
    columns = dict(zip(FIRST, (spec.data, spec.method, encoder_named(spec.model), spec.profile), strict=True))
    for part in ("data", "method", "model", "training"):
        options = getattr(spec, "training" if part == "training" else f"{part}_options")
        columns |= {f"{part}.{name}": value for name, value in options.items()}
    return {n: v if isinstance(v, (str, int, float)) else json.dumps(v, sort_keys=True) for n, v in columns.items()}


def _concept(spec: RunSpec, modality: str, seed: int, device: str) -> Method:
    return get_or_run(concept_spec(spec, modality), device).method(seed)
