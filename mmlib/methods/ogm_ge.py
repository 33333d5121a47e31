"""OGM-GE: on-the-fly gradient modulation with generalisation enhancement (Peng et al., CVPR 2022; TPAMI 2024)."""

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.parameter import is_lazy

from mmlib import checks
from mmlib.methods._parts.modality_parts import check_own, own_parameters
from mmlib.methods._parts.precise_buffers import precise
from mmlib.methods._parts.window import Window
from mmlib.methods.base import Inputs, Logs, Method
from mmlib.methods.losses import cross_entropy
from mmlib.models import MultimodalModel, eval_mode
from mmlib.models.transformer import PositionedEmbedding

LEAST_PROBABILITY = 1e-8  # of the others, so that rho stays finite


class OGMGE(Method):
    """Joint training in which the leading modality's encoder gradients are damped and all of them get noise.

    rho_m = mean over the others n of S_m / S_n, S_m = sum_i p_m(y_i), p_m = softmax(z_m), z_m the modality's share of
    the logits (eq. 4-5; TPAMI, eq. 7); k_m = 1 - tanh(alpha * rho_m) if rho_m > 1 else 1 (eq. 6);
    g <- k_m * g + N(0, std(g)^2) for the encoder's kernels (eq. 10), std that of the undamped gradient.

    alpha: >= 0 (paper: 0.1 for VGGSound, 0.8 for CREMA-D); noise: False leaves out the second term (OGM);
    modulation_start, modulation_end: first and last epoch that are modulated (None: to the end).

    The paper has convolutional encoders and modulates their kernels alone; matrices elsewhere in such an encoder are
    left as they are. Our choices: of an encoder without convolutions all weight matrices are modulated, not its biases
    and norms; a table of vectors (an embedding, learned positions) gets noise only in the rows that have a gradient in
    this batch, of their spread, as the others were not looked at; a weight of one element gets no noise. What encoders
    share is left as it is, as it leads no more than it lags; an encoder that shares all its kernels is refused.
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
        checks.factor("alpha", alpha)
        checks.flag("noise", noise)
        check_own(model, "OGM-GE", {m: kernels(encoder) for m, encoder in model.encoders.items()})
        self.alpha = alpha
        self.noise = noise
        self.window = Window(modulation_start, modulation_end)

    def loss(self, inputs: Inputs, labels: Tensor) -> tuple[Tensor, Logs]:
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
        own = own_parameters(self.model)
        for m, encoder in self.model.encoders.items():
            looked_up, ids = tables(encoder), {id(p) for p in own[m]}
            for weight in kernels(encoder):
                if weight.grad is not None and id(weight) in ids:
                    self._modulate(weight.grad, logs[f"k/{m}"], by_rows=id(weight) in looked_up)

    def _modulate(self, grad: Tensor, k: Tensor, by_rows: bool) -> None:
        if not self.noise or grad.numel() == 1:
            grad.mul_(k)
            return
        spread = spread_of_used_rows(grad) if by_rows else grad.std()
        grad.mul_(k)
        grad.add_(torch.randn_like(grad) * spread)


def discrepancy_ratios(logits: dict[str, Tensor], labels: Tensor) -> dict[str, Tensor]:
    """rho_m (scalars) from unimodal logits {m: [B, C]}: the mean over the others n of S_m / S_n, S_m the sum over the
    rows of the true class's probability, at least 1e-8 below the line. In at least float32, without a gradient."""
    p = (precise(z.detach()).softmax(1).gather(1, labels[:, None]).sum() for z in logits.values())
    S = torch.stack(list(p))
    ratios = S[:, None] / S.clamp(min=LEAST_PROBABILITY)
    return dict(zip(logits, ratios.fill_diagonal_(0).sum(1) / (len(S) - 1), strict=True))


def spread_of_used_rows(grad: Tensor) -> Tensor:
    """[V, 1]: the standard deviation of all elements of the rows of ``grad`` [V, D] that are not zero, and 0 in those
    rows that are; 0 everywhere if they have only one element."""
    grad = precise(grad)
    used = (grad != 0).any(1, keepdim=True)
    count = used.sum() * grad.shape[1]
    mean = grad.sum() / count.clamp(min=1)
    variance = torch.where(used, (grad - mean).square(), 0.0).sum() / (count - 1).clamp(min=1)
    return variance.sqrt() * used


def kernels(encoder: nn.Module) -> list[nn.Parameter]:
    """The weights that OGM-GE modulates: convolution kernels where there are any, weight matrices otherwise."""
    convolutions = dict.fromkeys(layer.weight for layer in encoder.modules() if isinstance(layer, _ConvNd))
    # A lazy layer's weight and bias have no shape before the first pass, and no gradient either.
    return list(convolutions) or [p for p in encoder.parameters() if is_lazy(p) or p.ndim >= 2]


def tables(encoder: nn.Module) -> set[int]:
    """The ids of weights whose rows are looked up, so that a batch may leave some of them out."""
    embeddings = {id(layer.weight) for layer in encoder.modules() if isinstance(layer, (nn.Embedding, nn.EmbeddingBag))}
    return embeddings | {id(layer.positions) for layer in encoder.modules() if isinstance(layer, PositionedEmbedding)}
