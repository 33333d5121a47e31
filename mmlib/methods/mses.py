"""MSES: modality-specific early stopping (Fujimori et al., ACPR 2019)."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from mmlib import checks
from mmlib.methods._parts.modality_parts import own_part, validation_shares
from mmlib.methods.base import Inputs, Logs, Method
from mmlib.methods.losses import cross_entropy
from mmlib.models import MultimodalModel, eval_mode

OLD, NEW = 0.6, 0.4  # shares of the loss so far and of the newest one in the smoothed loss


class MSES(Method):
    """Joint training in which a modality that begins to overfit is stopped alone, and the others go on.

    Modality m is judged by its validation loss, smoothed: s <- 0.6 s + 0.4 l_m. Once s has not fallen below its lowest
    value ``patience`` epochs running, m gets back its weights of that lowest value and learns no more.
    What stops is the modality's encoder and what the fusion keeps for it alone (``own_part``).

    patience: epochs, >= 1. smoothed, best_losses, waited and stopped [M], and "best/m/i", the i-th tensor of modality
    m's best weights and running statistics, hold the state.

    Our choices: l_m is the cross-entropy of the modality's share of the logits (the paper trains a classifier per
    modality beside the network; that gain is MultiLoss's, and would hide what the stopping does); it is read before
    every epoch but epoch 0, in which nothing is trained yet, so random weights are never the best; patience is 5; a
    stopped part runs in evaluation mode, the network that was judged best; what modalities share is not reset and
    learns to the end, also when all are stopped. The share of a modality that is learned late can lose at first, and
    is then stopped before its turn: look at "stopped/m" in the history.
    """

    compared = False
    takes_regression = False

    def __init__(self, model: MultimodalModel, patience: int = 5) -> None:
        super().__init__(model)
        checks.whole("patience", patience, 1)
        self.patience = patience
        anchor, count = model.anchor, len(model.modalities)
        self.register_buffer("smoothed", anchor.new_full((count,), math.inf))
        self.register_buffer("best_losses", anchor.new_full((count,), math.inf))
        self.register_buffer("waited", torch.zeros(count, dtype=torch.long, device=anchor.device))
        self.register_buffer("stopped", torch.zeros(count, dtype=torch.bool, device=anchor.device))
        for m in model.modalities:
            for i, tensor in enumerate(_tensors(model, m)):
                self.register_buffer(f"best/{m}/{i}", tensor.detach().clone())
        # A step must know which gradients to leave out without asking the device.
        self._stopped: tuple[str, ...] = ()
        self.register_load_state_dict_post_hook(_after_loading)

    def begin_epoch(self, epoch: int, data: object) -> None:
        """Judges every modality that still learns on ``data.valid``; without data (None) all stays as it is."""
        super().begin_epoch(epoch, data)
        if epoch == 0 or data is None:
            return
        self._follow_model()
        logits, labels = validation_shares(self.model, data)
        self.check_kind(labels.dtype)
        losses = torch.stack([cross_entropy(z, labels) for z in logits.values()])
        self.smoothed.copy_(torch.where(self.smoothed.isinf(), losses, OLD * self.smoothed + NEW * losses))
        for i, m in enumerate(self.model.modalities):
            if m not in self._stopped:
                self._judge(i, m)
        self._read_stopped()

    @torch.no_grad()
    def forget(self) -> None:
        """Nothing is stopped or has been judged, and the best weights are those of now."""
        self.smoothed.fill_(math.inf)
        self.best_losses.fill_(math.inf)
        self.waited.zero_()
        self.stopped.zero_()
        for m in self.model.modalities:
            _copy(list(_tensors(self.model, m)), self._best(m))
        self._read_stopped()

    def losses(self, inputs: Inputs, labels: Tensor) -> tuple[Tensor, Logs]:
        """Joint cross-entropy; logs "stopped/m", 1 for a modality that learns no more."""
        with eval_mode(self._stopped_parts()):
            features = {m: self._encode(m, inputs[m]) for m in self.model.modalities}
            loss = cross_entropy(self.model.fuse(features), labels)
        flags = self.stopped.to(loss.dtype)
        return loss, {f"stopped/{m}": flag for m, flag in zip(self.model.modalities, flags, strict=True)}

    def backward(self, loss: Tensor) -> None:
        """As ever, unless all modalities are stopped and what they share is frozen: then there is no gradient."""
        if loss.requires_grad or not self._stopped:
            super().backward(loss)
        else:
            self.zero_grad()

    def edit_grads(self, logs: Logs) -> None:
        """Takes the gradients of stopped parts away; a zero would leave momentum and weight decay at work, while
        PyTorch's optimisers pass over a parameter that has none."""
        for p in self._stopped_parts().parameters():
            p.grad = None

    @torch.no_grad()
    def _judge(self, i: int, m: str) -> None:
        own, best = list(_tensors(self.model, m)), self._best(m)
        if self.smoothed[i] < self.best_losses[i]:
            self.best_losses[i], self.waited[i] = self.smoothed[i], 0
            _copy(own, best)
            return
        self.waited[i] += 1
        if self.waited[i].item() >= self.patience:
            self.stopped[i] = True
            _copy(best, own)

    def _best(self, m: str) -> list[Tensor]:
        return [self._buffers[f"best/{m}/{i}"] for i, _ in enumerate(_tensors(self.model, m))]

    def _encode(self, m: str, x: Tensor) -> Tensor:
        with torch.set_grad_enabled(m not in self._stopped and torch.is_grad_enabled()):
            return self.model.encoders[m](x)

    def _stopped_parts(self) -> nn.ModuleList:
        return nn.ModuleList(own_part(self.model, m) for m in self._stopped)

    def _read_stopped(self) -> None:
        self._stopped = tuple(m for m, flag in zip(self.model.modalities, self.stopped.tolist(), strict=True) if flag)


def _after_loading(method: MSES, _: object) -> None:
    method._read_stopped()


def _tensors(model: MultimodalModel, modality: str) -> Iterator[Tensor]:
    """Weights and running statistics of the modality's own part."""
    part = own_part(model, modality)
    yield from part.parameters()
    yield from part.buffers()


def _copy(source: list[Tensor], target: list[Tensor]) -> None:
    for there, here in zip(source, target, strict=True):
        here.copy_(there)
