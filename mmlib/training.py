"""The training loop: fit, evaluate, predict."""

import math
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from mmlib import checks
from mmlib.data.base import MultimodalData, Split
from mmlib.data.splits import check_seed
from mmlib.device import resolve_device
from mmlib.methods import Method
from mmlib.methods.losses import task_loss
from mmlib.training_state import History, TrainingState, own_random_numbers

OPTIMIZERS = {"sgd": partial(torch.optim.SGD, momentum=0.9), "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


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
    on_epoch: Callable[[int, Method], dict[str, float]] | None = None,
) -> History:
    """Trains ``method`` on ``data.train`` and leaves it with the weights of its best epoch on ``data.valid``, in
    evaluation mode.

    lr, weight_decay >= 0; optimizer: "sgd" (momentum 0.9), "adam" or "adamw"; seed: fixes data order and all draws of
    the method; device: "auto", "cpu" or "cuda". With a ``checkpoint`` file the state is saved after every epoch, and a
    run that was killed goes on from there to the same weights. on_epoch(epoch, method) may return further columns.
    The test split is not touched. Raises ValueError for bad arguments and TrainingDiverged.
    """
    settings = {
        "epochs": epochs,
        "batch_size": batch_size,
        "lr": lr,
        "optimizer": optimizer,
        "weight_decay": weight_decay,
    }
    check_settings(**settings, seed=seed)
    _check_fit(method, data)
    method.check_epochs(epochs)
    device = resolve_device(device)
    method.to(device)
    name = f"{type(method).__name__}({method.extra_repr()})"
    identity = {"data": data.fingerprint(), "method": name, "seed": seed, "device": device.type, **settings}
    data = data.to(device)
    chosen = OPTIMIZERS[optimizer](method.parameters(), lr=lr, weight_decay=weight_decay)
    state = TrainingState(method, chosen, identity, None if checkpoint is None else Path(checkpoint))
    with own_random_numbers(seed), _repeatable_kernels(), torch.enable_grad():
        state.resume()
        for epoch in _progress(range(len(state.history.epochs), epochs), type(method).__name__):
            method.begin_epoch(epoch, data)
            batches = _batches(len(data.train), batch_size, seed, epoch, device)
            logs = _train_epoch(method, state.optimizer, data.train, batches)
            logs |= {f"valid/{name}": value for name, value in evaluate(method, data.valid).items()}
            _check_finite(method, logs, state.history)
            state.finish_epoch({"epoch": epoch, **logs, **(on_epoch(epoch, method) if on_epoch else {})})
    method.load_state_dict(state.best)
    method.eval()
    return state.history


def evaluate(method: Method, split: Split, batch_size: int = 1024) -> dict[str, float]:
    """{"accuracy", "loss"} of ``method`` over all rows of ``split``: accuracy in 0..1, mean cross-entropy in nats.

    Where the labels are real targets, {"mae", "loss"}, both the mean absolute error, in the targets' unit.
    Raises ValueError for a split without rows, a label that is no class of the model, or targets it cannot tell.
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
    method.train()
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
    batches = list(order.to(device).split(batch_size))
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


def check_settings(
    *, epochs: int, batch_size: int, lr: float, optimizer: str, weight_decay: float, seed: int = 0
) -> None:
    """Raises TypeError or ValueError, naming the setting, unless ``fit`` can use all of them."""
    checks.whole("epochs", epochs, 1)
    checks.whole("batch_size", batch_size, 1)
    check_seed(seed)
    checks.number("lr", lr, low=0)
    checks.number("weight_decay", weight_decay, low=0)
    checks.one_of("optimizer", optimizer, OPTIMIZERS)


def _check_fit(method: Method, data: MultimodalData) -> None:
    if not isinstance(method, Method):
        raise TypeError(f"fit trains a Method such as Joint(model), got {type(method).__name__}.")
    if not isinstance(data, MultimodalData):
        raise TypeError(f"fit trains on the MultimodalData that mmlib.data.load gives, got {type(data).__name__}.")
    if set(method.model.modalities) != set(data.modalities):
        raise ValueError(
            f"the model reads {list(method.model.modalities)}, data {data.name!r} has {list(data.modalities)}."
        )
    method.check_kind(data.train.labels.dtype)
    if method.model.num_classes != data.num_classes:
        raise ValueError(
            f"the model tells {method.model.num_classes} classes apart, data {data.name!r} has {data.num_classes}."
        )
