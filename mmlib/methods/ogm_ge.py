"""OGM-GE: on-the-fly gradient modulation with generalisation enhancement (Peng et al., CVPR 2022)."""

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from mmlib import checks
from mmlib.methods.base import Inputs, Logs, Method
from mmlib.methods.losses import cross_entropy
from mmlib.methods.window import Window
from mmlib.models import MultimodalModel, eval_mode

LEAST_PROBABILITY = 1e-8  # of the others, so that rho stays finite


class OGMGE(Method):
    """Joint training in which the leading modality's encoder gradients are damped and all of them get noise.

    rho_m = sum_i p_m(y_i) / (mean over the others of sum_i p(y_i)), p_m = softmax(z_m), z_m the modality's share of the
    logits (eq. 4-5); k_m = 1 - tanh(alpha * rho_m) if rho_m > 1 else 1 (eq. 6);
    g <- k_m * g + N(0, std(g)^2) for the encoder's kernels (eq. 10).

    alpha: >= 0 (paper: 0.1 for VGGSound, 0.8 for CREMA-D); noise: False leaves out the second term (OGM);
    modulation_start, modulation_end: first and last epoch that are modulated (None: to the end).
    """

    takes_regression = False

    def __init__(
        self,
        model: MultimodalModel,
        alpha: float = 0.8,
        noise: bool = True,
        modulation_start: int = 0,
        modulation_end: int | None = None,
    ) -> None:
        super().__init__(model)
        checks.number("alpha", alpha, low=0)
        checks.flag("noise", noise)
        self.alpha = alpha
        self.noise = noise
        self.window = Window(modulation_start, modulation_end)

    def losses(self, inputs: Inputs, labels: Tensor) -> tuple[Tensor, Logs]:
        """Joint cross-entropy; logs "rho/m" and "k/m"."""
        features = self.model.encode(inputs)
        loss = cross_entropy(self.model.fuse(features), labels)
        # The shares may be extra passes through the fusion, which must not touch its running statistics.
        with torch.no_grad(), eval_mode(self.model.fusion):
            rho = discrepancy_ratios(self.model.fusion.modality_logits(features), labels)
        k = {m: torch.where(r > 1, 1 - torch.tanh(self.alpha * r), 1.0) for m, r in rho.items()}
        return loss, {f"rho/{m}": r for m, r in rho.items()} | {f"k/{m}": v for m, v in k.items()}

    def edit_grads(self, logs: Logs) -> None:
        """Damps and perturbs the encoders' kernels inside the window of epochs."""
        if self.epoch not in self.window:
            return
        for m, encoder in self.model.encoders.items():
            for weight in kernels(encoder):
                if weight.grad is not None:
                    self._modulate(weight.grad, logs[f"k/{m}"])

    def _modulate(self, grad: Tensor, k: Tensor) -> None:
        spread = grad.std()
        grad.mul_(k)
        if self.noise:
            grad.add_(torch.randn_like(grad) * spread)


def discrepancy_ratios(logits: dict[str, Tensor], labels: Tensor) -> dict[str, Tensor]:
    """rho_m (scalars) from unimodal logits {m: [B, C]}: the true class's probability under m over the others'."""
    p = {m: z.softmax(1).gather(1, labels[:, None]).sum() for m, z in logits.items()}
    total = sum(p.values())
    return {m: own * (len(p) - 1) / (total - own).clamp(min=LEAST_PROBABILITY) for m, own in p.items()}


def kernels(encoder: nn.Module) -> list[nn.Parameter]:
    """The weights that OGM-GE modulates: convolution kernels where there are any, weight matrices otherwise."""
    convolutions = [layer.weight for layer in encoder.modules() if isinstance(layer, _ConvNd)]
    return convolutions or [p for p in encoder.parameters() if p.ndim >= 2 and p.numel() > 1]
