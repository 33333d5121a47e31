"""MSLR: modality-specific learning rates (Yao and Mihalcea, Findings of ACL 2022)."""

from collections.abc import Mapping

import torch
from torch import Tensor

from mmlib import checks
from mmlib.methods._parts.modality_parts import check_own, own_parameters, validation_shares
from mmlib.methods.base import Inputs, Logs, Method
from mmlib.methods.losses import cross_entropy
from mmlib.models import MultimodalModel

LAST = 5  # validation accuracies that are averaged


class MSLR(Method):
    """Joint training in which every modality learns at a rate of its own, which follows its validation accuracy.

    g <- init_m * (acc_m / mean of the last 5 acc_m) * g for the parameters of modality m: its encoder and what the
    fusion keeps for it alone (``own_parameters``). This is the paper's dynamic strategy; its constant one is the same
    without data to measure on. What modalities share learns at the plain rate; one that shares all it has is refused.

    init: init_m >= 0, one number for all modalities or {m: number}; the paper tunes it, so the default 1 is not advice.
    factors [M], accuracies [5, M] (newest first) and measured hold the state.

    Our choices: acc_m is that of the modality's share of the logits, as the network has no unimodal predictions; it is
    read before every epoch but epoch 0, in which nothing is trained yet; the mean is over the newest one too, and over
    fewer than 5 at first, so the factor is init_m in epochs 0 and 1; where that mean is 0 the ratio is 1.
    An optimiser that divides by the size of the gradients (Adam) takes most of such a factor back: use SGD.
    """

    compared = False
    takes_regression = False

    def __init__(self, model: MultimodalModel, init: float | Mapping[str, float] = 1.0) -> None:
        super().__init__(model)
        check_own(model, "MSLR")
        self.init = checks.per_modality("init", init, model.modalities, checks.factor)
        device, dtype = model.anchor.device, model.anchor.dtype
        self.register_buffer("factors", torch.tensor(list(self.init.values()), device=device, dtype=dtype))
        self.register_buffer("accuracies", torch.zeros(LAST, len(self.init), device=device, dtype=dtype))
        self.register_buffer("measured", torch.zeros((), dtype=torch.long, device=device))

    def begin_epoch(self, epoch: int, data: object) -> None:
        """Measures acc_m on ``data.valid`` and sets the factors; without data (None) they stay as they are."""
        super().begin_epoch(epoch, data)
        if epoch == 0 or data is None:
            return
        self._follow_model()
        logits, labels = validation_shares(self.model, data)
        self.check_kind(labels.dtype)
        self._remember(torch.stack([(z.argmax(1) == labels).to(self.factors.dtype).mean() for z in logits.values()]))

    def forget(self) -> None:
        """No accuracy has been measured, and the factors are init."""
        self.accuracies.zero_()
        self.measured.zero_()
        self.factors.copy_(self.factors.new_tensor(list(self.init.values())))

    def loss(self, inputs: Inputs, labels: Tensor) -> tuple[Tensor, Logs]:
        """Joint cross-entropy; logs "factor/m"."""
        factors = {f"factor/{m}": f for m, f in zip(self.model.modalities, self.factors.clone(), strict=True)}
        return cross_entropy(self.model(inputs), labels), factors

    def edit_grads(self, logs: Logs) -> None:
        """Scales the gradients of every modality's own parameters."""
        for m, parameters in own_parameters(self.model).items():
            for p in parameters:
                if p.grad is not None:
                    p.grad.mul_(logs[f"factor/{m}"])

    def _remember(self, accuracy: Tensor) -> None:
        self.accuracies.copy_(torch.cat([accuracy[None], self.accuracies[:-1]]))
        self.measured += 1
        mean = self.accuracies.sum(0) / self.measured.clamp(max=LAST)
        ratio = torch.where(mean > 0, accuracy / mean, 1.0)
        self.factors.copy_(self.factors.new_tensor(list(self.init.values())) * ratio)
