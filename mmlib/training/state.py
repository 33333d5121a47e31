"""What has to survive a kill, and how it is kept."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import torch
from torch import Tensor

from mmlib.methods import Method
from mmlib.training._save_times import SaveTimes
from mmlib.training.checkpoint import CheckpointRefused, check_content, load_checkpoint, save_checkpoint
from mmlib.training.identity import refusal
from mmlib.training.random_numbers import own_random_numbers, random_state, set_random_state

__all__ = ["History", "TrainingState", "own_random_numbers"]


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
    """What has to survive a kill: weights, optimiser, random numbers, history, best weights so far, what is frozen.

    identity: of the training, from ``training_identity``; checkpoint: the file that keeps it all, None for none.
    """

    method: Method
    optimizer: torch.optim.Optimizer
    identity: Mapping[str, str]
    checkpoint: Path | None
    times: SaveTimes
    history: History = field(default_factory=History)
    best: dict[str, object] = field(default_factory=dict)
    saved_epochs: int = 0

    def finish_epoch(self, row: dict[str, float]) -> None:
        """Takes in what the epoch has led to, and saves it if it is time to."""
        self.history.epochs.append(row)
        if self.history.best_epoch == row["epoch"]:
            self.best = {name: _copied(value) for name, value in self.method.state_dict().items()}
        if self.checkpoint is None:
            return
        if self.times.due():
            self.save()
        else:  # a state that no file can hold must be known now, not after hours of training
            check_content(self.checkpoint, self._state())

    def save(self) -> None:
        """Writes the state at the end of the last epoch, unless it is in the file already."""
        if self.checkpoint is None or self.saved_epochs == len(self.history.epochs):
            return
        begun = monotonic()
        save_checkpoint(self.checkpoint, self._state())
        self.saved_epochs = len(self.history.epochs)
        self.times.saved(begun)

    def resume(self) -> None:
        """Continues from the file, if there is one. Raises CheckpointRefused if it is of another training."""
        if self.checkpoint is None or not self.checkpoint.exists():
            return
        state = load_checkpoint(self.checkpoint)  # to the CPU: Adam reads its step counts there in every step
        refused = refusal(state["identity"], self.identity)
        if refused:
            raise CheckpointRefused(f"checkpoint {self.checkpoint} is refused: {refused}")
        self.method.load_state_dict(state["method"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name, parameter in self.method.named_parameters():
            parameter.requires_grad_(name in state["trained"])
        self.history.epochs, self.best = state["history"], state["best"]
        self.saved_epochs = len(self.history.epochs)
        set_random_state(state["random"], self.method.model.anchor.device)

    def _state(self) -> dict[str, object]:
        return {
            "identity": dict(self.identity),
            "method": self.method.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "trained": [name for name, p in self.method.named_parameters() if p.requires_grad],
            "history": self.history.epochs,
            "best": self.best,
            "random": random_state(self.method.model.anchor.device),
        }


def _copied(value: object) -> object:
    return value.clone() if isinstance(value, Tensor) else deepcopy(value)
