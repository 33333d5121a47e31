"""Computes one run: trains every seed, measures it, and writes the run's folder, metrics.json last."""

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from mmlib.data import MultimodalData, load
from mmlib.device import resolve_device
from mmlib.measures import MEASURES, Trained
from mmlib.methods import METHODS, Method
from mmlib.models import ADDITIVE_FUSIONS, build_model
from mmlib.records.files import sweep, write_json
from mmlib.runs.files import Row, write_finished
from mmlib.runs.fingerprint import require_same_data
from mmlib.runs.spec import RunSpec
from mmlib.runs.threads import one_thread
from mmlib.training import History, evaluate, fit
from mmlib.training.checkpoint import CheckpointDamaged, CheckpointRefused, load_checkpoint
from mmlib.training.state import own_random_numbers

if TYPE_CHECKING:  # so that a run without unimodal networks does not depend on their code
    from mmlib.methods import Unimodal

Concept = Callable[[str, int], "Unimodal"]  # modality, seed -> the network trained on that modality alone

log = logging.getLogger(__name__)


def compute(spec: RunSpec, device: str, concept: Concept) -> None:
    """Trains and measures ``spec``; seeds that were finished before a kill are read from their checkpoints."""
    started = time.monotonic()
    sweep(spec.folder)
    with one_thread():
        try:
            write_json(spec.folder / "spec.json", spec.as_dict())
            records, rows, data_hashes = _all_seeds(spec, device, concept)
            require_same_data(spec)
        except Exception:
            if not any(spec.folder.glob("checkpoint-*")):  # it failed before its first epoch: leave nothing behind
                shutil.rmtree(spec.folder)
            raise
        made_by = {"device": str(resolve_device(device)), "seconds": time.monotonic() - started}
        results = {"run": spec.hash, "spec": spec.as_dict(), "made_from": spec.made_from, "records": records}
        write_finished(spec.folder, rows, {**results, "data": data_hashes, "provenance": made_by})


def _all_seeds(spec: RunSpec, device: str, concept: Concept) -> tuple[list[Row], list[Row], dict[str, str]]:
    """Measures, epochs and data hashes of every seed."""
    records, rows, data_hashes = [], [], {}
    for seed in spec.seeds:
        data = load(spec.data, seed=seed, **spec.data_options)
        data_hashes[str(seed)] = data.fingerprint()
        of_seed = cache(partial(concept, seed=seed))
        method, history = train(spec, data, seed, device, of_seed)
        records += [{"seed": seed, **record} for record in measure(spec, method, data, history, of_seed)]
        rows += [
            {"seed": seed, "epoch": row["epoch"], "name": name, "value": value}
            for row in history.epochs
            for name, value in row.items()
            if name != "epoch"
        ]
    return records, rows, data_hashes


def train(
    spec: RunSpec, data: MultimodalData, seed: int, device: str, concept: Callable[[str], "Unimodal"]
) -> tuple[Method, History]:
    """Trains one seed, tracking what the spec asks for on the validation split."""
    method = build(spec, data, seed)

    def track(epoch: int, method: Method) -> dict[str, float]:
        trained = Trained(method, data, None, data.valid, concept)
        return {f"{name}/{m}": v for name in spec.track for m, v in MEASURES[name](trained).items()}

    checkpoint = checkpoint_path(spec, seed)
    _drop_if_damaged(checkpoint, seed)
    try:
        history = fit(method, data, seed=seed, device=device, checkpoint=checkpoint, on_epoch=track, **spec.training)
    except CheckpointRefused as error:  # begun on a GPU and continued without, or weights drawn by another kind of CPU
        log.warning("%s Seed %d is trained again from its start", error, seed)
        checkpoint.unlink()
        return train(spec, data, seed, device, concept)
    return method, history


def _drop_if_damaged(checkpoint: Path, seed: int) -> None:
    try:
        if checkpoint.exists():
            load_checkpoint(checkpoint)
    except CheckpointDamaged:
        log.warning("checkpoint %s is damaged: seed %d is trained again from its start", checkpoint, seed)
        checkpoint.unlink()


def measure(
    spec: RunSpec, method: Method, data: MultimodalData, history: History, concept: Callable[[str], "Unimodal"]
) -> list[Row]:
    """All measures of a trained seed: the one place where the test split is read."""
    best = history.epochs[history.best_epoch]
    main = "accuracy" if data.task == "classification" else "mae"
    records = [
        {"measure": main, "modality": "all", "value": evaluate(method, data.test)[main]},
        {"measure": f"valid_{main}", "modality": "all", "value": best[f"valid/{main}"]},
        {"measure": "best_epoch", "modality": "all", "value": history.best_epoch},
    ]
    trained = Trained(method, data, data.valid, data.test, concept)
    return records + [
        {"measure": name, "modality": m, "value": value}
        for name in spec.measures
        for m, value in MEASURES[name](trained).items()
    ]


def build(spec: RunSpec, data: MultimodalData, seed: int) -> Method:
    """The untrained method of one seed; the caller's random state is left as it was."""
    with own_random_numbers(seed):
        model = build_model(data.shapes, data.num_classes, encoder=spec.model, **spec.model_options)
        return METHODS[spec.method](model, **spec.method_options)


def concept_spec(spec: RunSpec, modality: str) -> RunSpec:
    """The run that trains the same network, with the same budget, on one modality alone."""
    early = spec.model_options["fusion"] not in ADDITIVE_FUSIONS
    options = {"modality": modality, **({"through_fusion": True} if early else {})}
    return replace(spec, method="unimodal", method_options=options, measures=(), track=())


def checkpoint_path(spec: RunSpec, seed: int) -> Path:
    """File of one seed's training state."""
    return spec.folder / f"checkpoint-{seed}.pt"
