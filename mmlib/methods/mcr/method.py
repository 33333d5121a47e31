"""MCR: the multimodal competition regulariser (Kontras et al., NeurIPS 2025, arXiv 2411.07335)."""

import torch
from torch import Tensor

from mmlib import checks
from mmlib.coalitions.subsets import Coalition
from mmlib.methods._parts.heads import unimodal_heads
from mmlib.methods.base import Inputs, Logs, Method
from mmlib.methods.losses import task_loss
from mmlib.methods.mcr.ablations import ABLATIONS, replaced
from mmlib.methods.mcr.distances import jensen_shannon, squared_difference
from mmlib.methods.mcr.game import STRATEGIES, divergences, play, regulariser
from mmlib.methods.mcr.perturb import MODES, draw_pairs
from mmlib.methods.mcr.terms import LEAST_TEMPERATURE, Bottleneck, contrastive
from mmlib.models import MultimodalModel, eval_mode

__all__ = ["MCR", "contrastive", "divergences", "regulariser"]

MOST_DRAWS = 1_000_000  # of a step; one of them is a whole batch
PERTURBATIONS = ("permute", *ABLATIONS)


class MCR(Method):
    """Joint training in which every modality plays for its own influence on the prediction.

    L = CE(f, y) + lambda_uni sum_m CE(u_m(z_m), y) + lambda_mi R + lambda_con L_con + lambda_ceb L_ceb. For real
    targets CE becomes L1 and J the mean squared difference. Player m owns encoder m, W_m and the unimodal head u_m;
    J_S says how far the prediction moves when the latents of the modalities in S are perturbed, and R is what the
    players make of it (mcr_game.py); an encoder that two players share gets the sum of their pulls at its latents.

    strategy: greedy, independent or collaborative; lambda_*: weights, >= 0 (defaults: CREMA-D in the paper);
    K: permutations of the batch drawn in a step, at most a million (paper: 32); mode: which pairs of rows they keep
    (rand, no_self, no_same_label); perturbation: "permute", or, for the ablation, "zero_latent", "zero_input" (one row
    for all), "noise_latent", "noise_input" (K draws, of ``sigma`` standard deviations of the batch); temperature: of
    L_con; second_pass: latents for J from a second pass through the encoders, in evaluation mode, as in the released
    program; detach_reference: no gradient through the clean prediction; pretrain_epochs: the first epochs train
    encoders and heads u_m on the unimodal losses alone.
    A step goes through (2^M - 2) K B C logits, twice for M > 2. Where these are many they are cut into pieces, which
    bounds the memory, not the time: six modalities, 1,000 classes, batch 64 and K = 32 take 8 s and 1.1 GB (PyTorch's
    own 0.3 GB among them) on two CPU cores. A smaller K is cheaper in proportion.
    With real targets, two samples rarely have equal labels: L_con then pairs the latents of one sample, and
    no_same_label is close to no_self. Raises TypeError or ValueError for an option that is unknown or out of range, for
    second_pass beside an input perturbation (which looks at evaluation mode anyway), for features of several widths
    with L_con.
    """

    # J has no upper bound where it is a squared difference, and only the greedy game holds it down.
    divergence_hint = "Try a smaller lr or lambda_mi, or, for real targets, strategy='greedy'."

    def __init__(
        self,
        model: MultimodalModel,
        strategy: str = "greedy",
        lambda_uni: float = 0.01,
        lambda_mi: float = 0.1,
        lambda_con: float = 1.0,
        lambda_ceb: float = 0.0,
        K: int = 32,
        mode: str = "rand",
        perturbation: str = "permute",
        sigma: float = 1.0,
        temperature: float = 0.5,
        second_pass: bool = False,
        detach_reference: bool = False,
        pretrain_epochs: int = 0,
    ) -> None:
        super().__init__(model)
        for name, value, known in (
            ("strategy", strategy, STRATEGIES),
            ("mode", mode, MODES),
            ("perturbation", perturbation, PERTURBATIONS),
        ):
            checks.one_of(name, value, known)
        for name, value in (("uni", lambda_uni), ("mi", lambda_mi), ("con", lambda_con), ("ceb", lambda_ceb)):
            checks.factor(f"lambda_{name}", value)
        checks.whole("K", K, 1, MOST_DRAWS)
        checks.whole("pretrain_epochs", pretrain_epochs)
        checks.factor("sigma", sigma)
        checks.factor("temperature", temperature, low=LEAST_TEMPERATURE)
        checks.flag("second_pass", second_pass)
        checks.flag("detach_reference", detach_reference)
        if second_pass and perturbation.endswith("input"):
            raise ValueError(f"second_pass changes nothing with perturbation={perturbation!r}: leave one of them out.")
        _check_widths(model.fusion.widths, lambda_con)
        self.strategy, self.mode, self.perturbation, self.K, self.sigma = strategy, mode, perturbation, K, sigma
        self.lambda_uni, self.lambda_mi = lambda_uni, lambda_mi
        self.lambda_con, self.lambda_ceb = lambda_con, lambda_ceb
        self.temperature, self.pretrain_epochs = temperature, pretrain_epochs
        self.second_pass, self.detach_reference = second_pass, detach_reference
        self.heads = unimodal_heads(model)
        if lambda_ceb > 0:
            self.bottleneck = Bottleneck(model.fusion.widths, model.num_classes).to(model.anchor)

    def loss(self, inputs: Inputs, labels: Tensor) -> tuple[Tensor, Logs]:
        """L; logs "loss/joint", "loss/m", "J/S" (not R, which is 0 in the greedy game), "loss/con" and "loss/ceb"."""
        features = self.model.encode(inputs)
        logits = self.model.fuse(features)
        logs = {f"loss/{m}": task_loss(head(features[m]), labels) for m, head in self.heads.items()}
        unimodal = sum(logs.values())
        if self.epoch < self.pretrain_epochs:
            return unimodal, logs
        logs["loss/joint"] = task_loss(logits, labels)
        total = logs["loss/joint"] + self.lambda_uni * unimodal
        # A term without weight is not computed: an ablation shows its cost too.
        if self.lambda_mi > 0:
            r, js = self._game(inputs, features, labels)
            total = total + self.lambda_mi * r
            logs |= {f"J/{'+'.join(s)}": j for s, j in js.items()}
        if self.lambda_con > 0:
            logs["loss/con"] = contrastive(features, labels, self.temperature)
            total = total + self.lambda_con * logs["loss/con"]
        if self.lambda_ceb > 0:
            logs["loss/ceb"] = self.bottleneck(features, logits)
            total = total + self.lambda_ceb * logs["loss/ceb"]
        return total, logs

    def check_epochs(self, epochs: int) -> None:
        """Raises ValueError if pretraining leaves no epoch in which the fusion learns."""
        if self.pretrain_epochs >= epochs:
            raise ValueError(
                f"pretrain_epochs = {self.pretrain_epochs} leaves none of {epochs} epochs for the fusion: lower it, or "
                "train longer."
            )

    def _game(
        self, inputs: Inputs, features: dict[str, Tensor], labels: Tensor
    ) -> tuple[Tensor, dict[Coalition, Tensor]]:
        """R and the J_S of the batch."""
        fusion, factor = self.model.fusion, 1.0
        latents = self._second_pass(inputs) if self.second_pass else features
        if self.perturbation == "permute":
            donors, keep, factor = draw_pairs(labels, self.model.modalities, self.K, self.mode)
            factor = factor.to(self.model.anchor.dtype)
            terms = fusion.terms(latents)
            perturbed = {m: term[donors[m]] for m, term in terms.items()}
        else:
            clean, others = replaced(self.perturbation, self.model, inputs, latents, self.K, self.sigma)
            terms, perturbed = fusion.terms(clean), fusion.terms(others)
            rows = max(len(labels), *(len(term) for term in perturbed.values()))
            keep = torch.arange(rows, device=labels.device) % len(labels)
        distance = squared_difference if labels.is_floating_point() else jensen_shannon
        r, js = play(fusion, terms, perturbed, keep, self.strategy, self.detach_reference, distance)
        return factor * r, {s: factor * j for s, j in js.items()}

    def _second_pass(self, inputs: Inputs) -> dict[str, Tensor]:
        with eval_mode(self.model):
            return self.model.encode(inputs)


def _check_widths(widths: dict[str, int], lambda_con: float) -> None:
    if lambda_con > 0 and len(set(widths.values())) != 1:
        raise ValueError(
            f"L_con compares features across modalities, so the encoders need one width, got {widths}: "
            "make them equal, or leave the term out with lambda_con=0."
        )
