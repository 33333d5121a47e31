"""The training loop: fit, evaluate, predict."""

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from torch import Tensor

from mmlib import checks
from mmlib.data import MultimodalData, Split
from mmlib.device import resolve_device
from mmlib.methods import Method
from mmlib.methods.losses import task_loss
from mmlib.training._checks import OPTIMIZERS, check_fit, check_settings
from mmlib.training._save_times import SaveTimes
from mmlib.training.epoch_columns import further_columns, own_columns
from mmlib.training.frozen_parts import training_mode
from mmlib.training.identity import training_identity
from mmlib.training.random_numbers import own_random_numbers, seed_of_epoch
from mmlib.training.state import History, TrainingState

__all__ = ["OPTIMIZERS", "History", "TrainingDiverged", "check_settings", "evaluate", "fit", "predict"]


class TrainingDiverged(RuntimeError):
    """A loss or a log of the method is no longer finite."""


def fit(
    method: Method,
    data: MultimodalData,
    *,
    epochs: int,
    batch_size: int = 64,
    lr: float = 0.02,
    seed: int = 0,
    device: str | torch.device = "auto",
    optimizer: str = "sgd",
    weight_decay: float = 0.0,
    checkpoint: str | Path | None = None,
    checkpoint_every: float = 5.0,
    on_epoch: Callable[[int, Method], Mapping[str, float] | None] | None = None,
) -> History:
    """Trains ``method`` on ``data.train`` and leaves it with the weights of its best epoch on ``data.valid``, in
    evaluation mode. The test split is not touched.

    lr, weight_decay >= 0; optimizer: "sgd" (momentum 0.9), "adam" or "adamw"; seed: fixes data order and all draws of
    the method; device: "auto", "cpu" or "cuda". on_epoch(epoch, method) may return further columns of the history, a
    dict of names and real numbers. What it draws follows from seed and epoch; neither that nor switching gradients off
    in it (torch.set_grad_enabled) changes anything in the training.

    checkpoint: a file that keeps the state at the end of an epoch. It is written at the end, and before that once
    ``checkpoint_every`` seconds have passed since the last time, and 20 times as long as the writing took; 0 writes it
    after every epoch. A training that was stopped, in whatever way, continues from the last epoch in the file and ends
    with the same weights. The file of another training is refused: other network, weights, method, data or settings.

    Frozen parameters (``requires_grad=False``) stay as they are. A module that has parameters, all of them frozen, runs
    in evaluation mode with all that is inside it: a frozen encoder keeps the running statistics of its batch-norm
    layers, and its dropout is off.

    Raises TypeError or ValueError for bad arguments, CheckpointDamaged, CheckpointRefused and TrainingDiverged.
    """
    settings = {
        "epochs": epochs,
        "batch_size": batch_size,
        "lr": lr,
        "optimizer": optimizer,
        "weight_decay": weight_decay,
    }
    check_settings(**settings, seed=seed)
    times = SaveTimes(checkpoint_every)
    check_fit(method, data)
    method.check_epochs(epochs)
    device = resolve_device(device)
    of_all = {**settings, "seed": seed, "device": device.type}
    identity = {} if checkpoint is None else training_identity(method, data, of_all)
    method.to(device)
    data = data.to(device)
    chosen = OPTIMIZERS[optimizer](method.parameters(), lr=float(lr), weight_decay=float(weight_decay))
    state = TrainingState(method, chosen, identity, None if checkpoint is None else Path(checkpoint), times)
    with own_random_numbers(seed), _repeatable_kernels(), torch.enable_grad():
        state.resume()
        for epoch in _progress(range(len(state.history.epochs), epochs), type(method).__name__):
            method.begin_epoch(epoch, data)
            batches = _batches(len(data.train), batch_size, seed, epoch, device)
            logs = _train_epoch(method, state.optimizer, data.train, batches)
            row = own_columns(method, epoch, logs, evaluate(method, data.valid))
            _check_finite(method, row, state.history)
            if on_epoch is not None:
                with own_random_numbers(seed_of_epoch(seed, epoch)), torch.enable_grad():
                    row |= further_columns(on_epoch(epoch, method), row)
            state.finish_epoch(row)
        state.save()
    method.load_state_dict(state.best)
    method.eval()
    return state.history


def evaluate(method: Method, split: Split, batch_size: int = 1024) -> dict[str, float]:
    """{"accuracy", "loss"} of ``method`` over all rows of ``split``: accuracy in 0..1, mean cross-entropy in nats.

    Where the labels are real targets, {"mae", "loss"}, both the mean absolute error, in the targets' unit.
    Raises ValueError for a split without rows, a label that is not a class of the model, or targets it cannot tell.
    """
    if len(split) == 0:
        raise ValueError("an evaluation needs at least one row, the split has none.")
    method.check_kind(split.labels.dtype)
    if not split.labels.is_floating_point():
        checks.class_numbers("labels", split.labels, method.model.num_classes)
    outputs = predict(method, split, batch_size).double()
    labels = split.labels.to(outputs.device)
    loss = task_loss(outputs, labels).item()
    if labels.is_floating_point():
        return {"mae": loss, "loss": loss}
    return {"accuracy": (outputs.argmax(1) == labels).double().mean().item(), "loss": loss}


def predict(method: Method, split: Split, batch_size: int = 1024) -> Tensor:
    """Logits [N, C], or estimates [N, 1] of real targets: all rows, in evaluation mode, on the method's device and
    without gradients. batch_size: the most rows at once; fewer where rows are large."""
    checks.whole("batch_size", batch_size, 1)
    device = method.model.anchor.device
    batches = (inputs for inputs, _ in split.in_order(batch_size))
    return torch.cat([method.predict({m: x.to(device) for m, x in inputs.items()}) for inputs in batches])


def _train_epoch(
    method: Method, optimizer: torch.optim.Optimizer, train: Split, batches: Iterable[Tensor]
) -> dict[str, float]:
    """One pass over the training rows; returns the means of the logs over rows, read once at the end."""
    training_mode(method)
    totals, names = 0.0, []
    for inputs, labels in train.batches(batches):
        logs = method.step(inputs, labels, optimizer)
        names = list(logs)
        totals = totals + torch.stack([value.double() for value in logs.values()]) * len(labels)
    return dict(zip(names, (totals / len(train)).tolist(), strict=True))


def _check_finite(method: Method, logs: dict[str, float], history: History) -> None:
    if all(math.isfinite(value) for value in logs.values()):
        return
    before = f" The epoch before: {_listed(history.epochs[-1])}." if history.epochs else ""
    raise TrainingDiverged(
        f"{type(method).__name__} is no longer finite in epoch {method.epoch}: {_listed(logs)}."
        f"{before} {method.divergence_hint}"
    )


def _listed(logs: dict[str, float]) -> str:
    return ", ".join(f"{name} = {value:.4g}" for name, value in logs.items() if name != "epoch")


def _batches(total: int, batch_size: int, seed: int, epoch: int, device: torch.device | str = "cpu") -> list[Tensor]:
    """Row numbers of each batch: every row once, in an order fixed by seed and epoch, so it can be resumed."""
    order = torch.randperm(total, generator=torch.Generator().manual_seed(seed * 100_003 + epoch))
    # Drawn on the CPU, so that the order is the same on every device, and moved once.
    batches = list(order.to(device).split(min(batch_size, total)))
    # No row is dropped; but batch-norm cannot normalise a single row, so a last one joins the batch before it.
    if batch_size > 1 and len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def _repeatable_kernels() -> AbstractContextManager:
    """cuDNN without its choice of kernels by stop-watch, which makes sums differ from run to run."""
    tf32 = torch.backends.cudnn.allow_tf32
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=tf32)


def _progress(epochs: range, label: str) -> Iterable[int]:
    """The epochs, with a bar on a terminal; logs and notebooks stay free of it."""
    if not sys.stderr.isatty():
        return epochs
    from tqdm import tqdm  # here, so that training needs nothing but PyTorch where nobody watches

    return tqdm(epochs, desc=label, unit="epoch", leave=False)
