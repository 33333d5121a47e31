"""MSES: modality-specific early stopping (Fujimori et al., ACPR 2019)."""

import math
from itertools import chain

import torch
from torch import Tensor, nn

from mmlib import checks
from mmlib.methods._parts.lazy_shapes import check_shapes
from mmlib.methods._parts.modality_parts import (
    check_own,
    own_buffers,
    own_modules,
    own_parameters,
    validation_shares,
)
from mmlib.methods.base import Inputs, Logs, Method
from mmlib.methods.losses import cross_entropy
from mmlib.models import MultimodalModel, eval_mode

OLD, NEW = 0.6, 0.4  # shares of the loss so far and of the newest one in the smoothed loss


class MSES(Method):
    """Joint training in which a modality that begins to overfit is stopped alone, and the others go on.

    Modality m is judged by its validation loss, smoothed: s <- 0.6 s + 0.4 l_m. Once s has not fallen below its lowest
    value ``patience`` epochs running, m gets back its weights of that lowest value and learns no more.
    What stops is the modality's encoder and what the fusion keeps for it alone (``own_parameters``). What modalities
    share is not reset and learns to the end, also when all are stopped; one that shares all it has is refused.

    patience: epochs, >= 1. smoothed, best_losses, waited and stopped [M], and "best/m/i", the i-th tensor of modality
    m's best weights and running statistics, hold the state.

    Our choices: l_m is the cross-entropy of the modality's share of the logits (the paper trains a classifier per
    modality beside the network; that gain is MultiLoss's, and would hide what the stopping does); it is read before
    every epoch but epoch 0, in which nothing is trained yet, so random weights are never the best; patience is 5; a
    stopped part runs in evaluation mode, the network that was judged best. The share of a modality that is learned
    late can lose at first, and is then stopped before its turn: look at "stopped/m" in the history.
    """

    compared = False
    takes_regression = False

    def __init__(self, model: MultimodalModel, patience: int = 5) -> None:
        super().__init__(model)
        checks.whole("patience", patience, 1)
        check_own(model, "MSES")
        self.patience = patience
        tensors_of, anchor, count = _tensors(model), model.anchor, len(model.modalities)
        check_shapes("MSES keeps the best weights of every modality", chain(*tensors_of.values(), [anchor]))
        self.register_buffer("smoothed", anchor.new_full((count,), math.inf))
        self.register_buffer("best_losses", anchor.new_full((count,), math.inf))
        self.register_buffer("waited", torch.zeros(count, dtype=torch.long, device=anchor.device))
        self.register_buffer("stopped", torch.zeros(count, dtype=torch.bool, device=anchor.device))
        for m, tensors in tensors_of.items():
            for i, tensor in enumerate(tensors):
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
        for m, tensors in _tensors(self.model).items():
            _copy(tensors, self._best(m, len(tensors)))
        self._read_stopped()

    def loss(self, inputs: Inputs, labels: Tensor) -> tuple[Tensor, Logs]:
        """Joint cross-entropy; logs "stopped/m", 1 for a modality that learns no more."""
        modules = own_modules(self.model) if self._stopped else {}
        with eval_mode([module for m in self._stopped for module in modules[m]]):
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
        own = own_parameters(self.model) if self._stopped else {}
        for m in self._stopped:
            for p in own[m]:
                p.grad = None

    @torch.no_grad()
    def _judge(self, i: int, m: str) -> None:
        own = _tensors(self.model)[m]
        best = self._best(m, len(own))
        if self.smoothed[i] < self.best_losses[i]:
            self.best_losses[i], self.waited[i] = self.smoothed[i], 0
            _copy(own, best)
            return
        self.waited[i] += 1
        if self.waited[i].item() >= self.patience:
            self.stopped[i] = True
            _copy(best, own)

    def _best(self, m: str, count: int) -> list[Tensor]:
        return [self._buffers[f"best/{m}/{i}"] for i in range(count)]

    def _encode(self, m: str, x: Tensor) -> Tensor:
        encoder = self.model.encoders[m]
        learns = m not in self._stopped or self._shares(m, encoder)
        with torch.set_grad_enabled(learns and torch.is_grad_enabled()):
            return encoder(x)

    def _shares(self, m: str, encoder: nn.Module) -> bool:
        return not {id(p) for p in encoder.parameters()} <= {id(p) for p in own_parameters(self.model)[m]}

    def _read_stopped(self) -> None:
        self._stopped = tuple(m for m, flag in zip(self.model.modalities, self.stopped.tolist(), strict=True) if flag)


def _after_loading(method: MSES, _: object) -> None:
    method._read_stopped()


def _tensors(model: MultimodalModel) -> dict[str, list[Tensor]]:
    """Weights and running statistics {m: list} of each modality alone."""
    buffers = own_buffers(model)
    return {m: [*parameters, *buffers[m]] for m, parameters in own_parameters(model).items()}


def _copy(source: list[Tensor], target: list[Tensor]) -> None:
    for there, here in zip(source, target, strict=True):
        here.copy_(there)
