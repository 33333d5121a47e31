"""What has to survive a kill, and how it is kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from mmlib.checkpoint import load_checkpoint, save_checkpoint
from mmlib.methods import Method


@dataclass
class History:
    """What happened in each epoch.

    epochs: one dict per epoch with "epoch", the training means of the step's logs, "valid/accuracy" (for real targets
    "valid/mae"), "valid/loss" and whatever ``on_epoch`` returned; best_epoch: the first that is best on validation.
    """

    epochs: list[dict[str, float]] = field(default_factory=list)

    @property
    def best_epoch(self) -> int:
        """Number of the first epoch with the highest validation accuracy, or the lowest error; -1 before the first."""
        return max(self.epochs, key=_merit)["epoch"] if self.epochs else -1


def _merit(row: dict[str, float]) -> float:
    return -row["valid/mae"] if "valid/mae" in row else row["valid/accuracy"]


@dataclass
class TrainingState:
    """What has to survive a kill: weights, optimiser, random numbers, history, best weights so far."""

    method: Method
    optimizer: torch.optim.Optimizer
    identity: dict[str, object]
    checkpoint: Path | None
    history: History = field(default_factory=History)
    best: dict[str, Tensor] = field(default_factory=dict)

    def finish_epoch(self, row: dict[str, float]) -> None:
        self.history.epochs.append(row)
        if self.history.best_epoch == row["epoch"]:
            self.best = {name: tensor.clone() for name, tensor in self.method.state_dict().items()}
        if self.checkpoint is not None:
            save_checkpoint(self.checkpoint, self._state())

    def resume(self) -> None:
        if self.checkpoint is None or not self.checkpoint.exists():
            return
        state = load_checkpoint(self.checkpoint)  # to the CPU: Adam reads its step counts there in every step
        differing = [k for k, v in self.identity.items() if state["identity"].get(k) != v]
        if differing:
            raise ValueError(
                f"checkpoint {self.checkpoint} is of a run with other {', '.join(differing)}: "
                "delete it or name another file."
            )
        self.method.load_state_dict(state["method"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history.epochs, self.best = state["history"], state["best"]
        torch.set_rng_state(state["random"])
        device = self.method.model.anchor.device
        if device.type == "cuda":
            torch.cuda.set_rng_state(state["random_cuda"], device)

    def _state(self) -> dict[str, object]:
        device = self.method.model.anchor.device
        return {
            "identity": self.identity,
            "method": self.method.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": self.history.epochs,
            "best": self.best,
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        }


@contextmanager
def own_random_numbers(seed: int) -> Iterator[None]:
    """Inside, all draws follow from ``seed``; afterwards the caller's random state is as it was."""
    # manual_seed reaches every GPU, so every GPU's state is put by.
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield
