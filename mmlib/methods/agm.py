"""AGM: adaptive gradient modulation (Li et al., ICCV 2023, arXiv 2308.07686)."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from mmlib import checks
from mmlib.checks import LARGEST
from mmlib.coalitions import masked_logits, shapley
from mmlib.methods._parts.precise_buffers import precise
from mmlib.methods._parts.window import Window
from mmlib.methods.base import Inputs, Logs, Method
from mmlib.methods.losses import cross_entropy
from mmlib.models import MultimodalModel

LEAST_PROBABILITY = 1e-8
LEAST_THETA = 1e-12  # clipping to 0 would stop all training


class AGM(Method):
    """Joint training in which the gradient through each modality's own response is scaled by how far it lags or leads.

    phi_m: Shapley value of modality m in the logits, f(empty) = 0 (eq. 2-4); s_m: mean of -log softmax(phi_m)[y];
    r_m = exp(mean over others(s) - s_m); tau_m: the same of the running means of s over all earlier steps;
    kappa_m = exp(alpha * min(tau_m - r_m, cap)), a constant for the gradient (eq. 5-9).
    The loss is CE(sum_m phi_m) = CE(T); the gradient that arrives at phi_m is multiplied by kappa_m. No parameter is
    scaled as such, so one that modalities share gets the sum of what comes through each of its uses.

    alpha: strength, >= 0 (paper: 2.5 AV-MNIST, 1.5 CREMA-D, 4.0 UR-Funny); cap: upper bound of tau_m - r_m (10 CREMA-D,
    7 UR-Funny, None or infinity: none); modulation_start, modulation_end: first and last epoch that are modulated
    (None: to the end); outside, kappa is 1; theta: if any gradient element of the last head weight is beyond
    +-theta, the global gradient norm is clipped to theta (1 AV-MNIST and CREMA-D, 5 UR-Funny, None: never).
    running_scores [M] and steps hold the running means and the number of earlier steps.
    """

    takes_regression = False
    divergence_hint = "Try a smaller lr or alpha, or bound kappa by cap (the paper has 10 for CREMA-D, 7 for UR-Funny)."

    def __init__(
        self,
        model: MultimodalModel,
        alpha: float = 1.5,
        cap: float | None = math.inf,
        modulation_start: int = 0,
        modulation_end: int | None = None,
        theta: float | None = None,
    ) -> None:
        super().__init__(model)
        checks.factor("alpha", alpha)
        cap = math.inf if cap is None else cap
        checks.number("cap", cap, low=0, finite=False)
        if theta is not None:
            checks.factor("theta", theta, low=LEAST_THETA)
        self.alpha, self.cap, self.theta = alpha, cap, theta
        self.window = Window(modulation_start, modulation_end)
        device, dtype = model.anchor.device, model.anchor.dtype
        self.register_buffer("running_scores", torch.zeros(len(model.modalities), device=device, dtype=dtype))
        self.register_buffer("steps_taken", torch.zeros((), dtype=torch.long, device=device))

    @property
    def steps(self) -> Tensor:
        """Number of steps taken so far, a scalar tensor; can be set from a number."""
        return self.steps_taken

    @steps.setter
    def steps(self, value: int | Tensor) -> None:
        self.steps_taken.fill_(value)

    def forget(self) -> None:
        """The running means and the number of steps are 0 again."""
        self.running_scores.zero_()
        self.steps_taken.zero_()

    def loss(self, inputs: Inputs, labels: Tensor) -> tuple[Tensor, Logs]:
        """CE(T), written so that its gradient is modulated; logs score/m, ratio/m, target/m and kappa/m."""
        active = self.epoch in self.window
        features = self.model.encode(inputs)
        full = self.model.fuse(features)
        # Where kappa is 1 the masked passes cancel in the gradient: only their values are needed.
        with torch.set_grad_enabled(active and torch.is_grad_enabled()):
            phi = responses(self.model, inputs, features, full)
        scores = torch.stack([score(precise(p.detach()), labels) for p in phi.values()])
        ratios, targets = relative(scores), relative(self.running_scores)
        cap = self.cap if self.cap <= LARGEST else math.inf  # no float32 number is larger
        kappa = torch.exp(self.alpha * (targets - ratios).clamp(max=cap)) if active else torch.ones_like(ratios)
        logits = sum(scale_gradient(p, k) for p, k in zip(phi.values(), kappa, strict=True)) if active else full
        self._remember(scores)
        return cross_entropy(logits, labels), self._logs(score=scores, ratio=ratios, target=targets, kappa=kappa)

    def edit_grads(self, logs: Logs) -> None:
        """The paper's gradient clipping, if theta is set."""
        if self.theta is None:
            return
        heads = [w.grad for w in self.model.fusion.last_weights if w.grad is not None]
        if not heads:
            return
        grads = [p.grad for p in self.parameters() if p.grad is not None]
        norm = torch.stack([grad.norm() for grad in grads]).norm()
        beyond = torch.stack([head.abs().amax() for head in heads]).amax() > self.theta
        factor = torch.where(beyond, (self.theta / norm).clamp(max=1), 1.0)
        for grad in grads:
            grad.mul_(factor)

    @torch.no_grad()
    def _remember(self, scores: Tensor) -> None:
        self.steps_taken += 1
        self.running_scores += (scores - self.running_scores) / self.steps_taken

    def _logs(self, **vectors: Tensor) -> Logs:
        return {f"{name}/{m}": v for name, vector in vectors.items() for m, v in zip(self.model.modalities, vector)}


def responses(
    model: MultimodalModel, inputs: Inputs, features: Mapping[str, Tensor], full: Tensor
) -> dict[str, Tensor]:
    """Mono-modal responses phi_m [B, C], which add up to the full logits T (eq. 2-4).

    features, full: what ``model.encode(inputs)`` and ``model.fuse(features)`` gave.
    """
    values = masked_logits(model, inputs, features) | {model.modalities: full}
    return shapley(values, model.modalities)


def score(phi: Tensor, labels: Tensor) -> Tensor:
    """s_m: batch mean of -log softmax(phi_m)[y], in nats, probabilities floored at 1e-8."""
    log_p = phi.log_softmax(1).gather(1, labels[:, None])
    return -log_p.clamp(min=math.log(LEAST_PROBABILITY)).mean()


def relative(scores: Tensor) -> Tensor:
    """exp(mean over the others - own) for each of the scores [M]: above 1, the modality is ahead (eq. 6)."""
    others = (scores.sum() - scores) / (len(scores) - 1)
    return torch.exp(others - scores)


def scale_gradient(x: Tensor, factor: Tensor) -> Tensor:
    """x itself, whose gradient arrives multiplied by ``factor``."""
    return x.detach() + factor * (x - x.detach())
