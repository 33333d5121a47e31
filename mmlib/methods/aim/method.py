"""AIM: adaptive intra-network modulation (Shen, Chen, Zhang, 2025, arXiv 2508.19769), a reconstruction.

Reconstructed from the published description: there is no released program, and the equations of its modulation could
not be read. Below, [S] marks what the paper states and [R] what we filled in, with options where we built alternatives.
"""

import torch
from torch import Tensor

from mmlib import checks
from mmlib.methods.aim.dam import DAMS
from mmlib.methods.aim.dap import OBJECTIVES
from mmlib.methods.aim.judge import CALIBRATIONS, PROTOTYPES, SELECTIONS, judge
from mmlib.methods.aim.judgement import Judgement
from mmlib.methods.aim.pam import auxiliary_logits, stimulation
from mmlib.methods.base import Inputs, Logs, Method
from mmlib.methods.losses import cross_entropy
from mmlib.models import MultimodalModel
from mmlib.models.encoder import check_blocks

CHOICES = {
    "proto": PROTOTYPES,
    "objective": OBJECTIVES,
    "calibration": CALIBRATIONS,
    "select": SELECTIONS,
    "dam": DAMS,
    "stim": ("all", "dominant", "none"),
    "path": ("dual", "aux_only"),
}
JUDGING_SEED = 1_000_003  # times the epoch: every judgement draws other numbers, also where training draws none
JUDGED_BY = ("proto", "objective", "calibration", "select", "dam", "q", "gamma")


class AIM(Method):
    """Joint training beside a second pass that has to rely on the under-optimised channels of whatever leads.

    After ``warm_up`` epochs of joint training [R], and then every ``every`` epochs [R], the network is judged: DAP [S]
    gives prototypes P of the classes for every modality m and depth d; g_d^m [R] is the performance of the block, r_c
    [R] what a channel contributes to it, u = 1 for the floor(q C) lowest [R]; DAM [S] sets the strength of the block,
    alpha_d^m = tanh(gamma max(0, g_d^m / mean of the others - 1)) [R]. A step minimises [R]

        (CE(full) + lambda_aux CE(aux)) / (1 + lambda_aux)
            + beta sum_m 1/D_m sum_d CE(tau cos(u (h - c), u (P - c)), y)

    with h the pooled output of a block and c the mean of P. PAM [S]: in CE(aux) the output of every block is scaled by
    1 - alpha_d^m (1 - u), with shared weights [R]; a modality without any alpha > 0 takes its full features. Inference
    is the ordinary network [S].

    proto: "learned" or "class_mean" of up to 1,024 training rows; objective: of learning, "split" or "joint" (the
    paper's); calibration: g and r from up to 1,024 rows of "train" or "valid"; select: u for the "worst" channels,
    "random" ones, or "anti", the best; dam: "ratio", "gap", "const" or "last" (aim_strength.py); stim: the last sum
    over "all" modalities, the "dominant" ones (some alpha > 0) or "none"; path: "dual", or "aux_only", CE(aux) alone;
    q: in 0..1; beta, gamma, lambda_aux: >= 0, 0 leaves a part out. judgement: what the last one found, by block.
    Encoders are mmlib.models.Encoder of any kind, whose blocks are the depths; a block that modalities share is judged
    and modulated in each of its uses, and gets the sum of their gradients. Raises TypeError or ValueError for an
    option that is unknown or out of range, an encoder without blocks, or fewer than two classes.
    """

    takes_regression = False
    divergence_hint = "Try a smaller lr, beta or gamma."

    def __init__(
        self,
        model: MultimodalModel,
        proto: str = "learned",
        objective: str = "split",
        calibration: str = "train",
        select: str = "worst",
        dam: str = "ratio",
        stim: str = "all",
        path: str = "dual",
        q: float = 0.2,
        beta: float = 0.2,
        gamma: float = 1.0,
        lambda_aux: float = 1.0,
        warm_up: int = 3,
        every: int = 3,
    ) -> None:
        super().__init__(model)
        self.proto, self.objective, self.calibration = proto, objective, calibration
        self.select, self.dam, self.stim, self.path = select, dam, stim, path
        self.q, self.beta, self.gamma, self.lambda_aux = q, beta, gamma, lambda_aux
        self.warm_up, self.every = warm_up, every
        self._check_options()
        _check_network(model)
        self.judgement = Judgement()

    def begin_epoch(self, epoch: int, data: object) -> None:
        """Judges the network on the data when it is time. Raises TypeError without data, and what ``judge`` raises."""
        super().begin_epoch(epoch, data)
        since = epoch - self.warm_up
        if since <= 0:
            self.forget()
        if since < 0 or (self.judgement and since % self.every):
            return
        if not hasattr(data, "valid"):
            raise TypeError(
                f"AIM judges the network on rows of a MultimodalData, begin_epoch got {type(data).__name__}."
            )
        self.check_kind(data.train.labels.dtype)
        self._follow_model()
        with torch.random.fork_rng(devices=[]):  # training draws on as if nobody had drawn here
            torch.default_generator.manual_seed((torch.initial_seed() + JUDGING_SEED * (epoch + 1)) % 2**63)
            learned, options = dict(self.judgement.learned.items()), {name: getattr(self, name) for name in JUDGED_BY}
            self.judgement.take(judge(self.model, data, learned, **options))

    def forget(self) -> None:
        """No judgement is left."""
        self.judgement.forget()

    def loss(self, inputs: Inputs, labels: Tensor) -> tuple[Tensor, Logs]:
        """The loss; logs "loss/full", "loss/aux", "loss/stim" and of every block "performance/m/d", "strength/m/d" and
        "weak/m/d". Before the first judgement it is that of joint training, without logs."""
        if not self.judgement:
            return cross_entropy(self.model(inputs), labels), {}
        outputs = {m: encoder.outputs(inputs[m]) for m, encoder in self.model.encoders.items()}
        features = {m: self.model.encoders[m].pool(blocks[-1]) for m, blocks in outputs.items()}
        total = full = cross_entropy(self.model.fuse(features), labels)
        logs = {"loss/full": full}
        # A part without weight is not computed: an ablation shows its cost too. CE(full) is always logged.
        if self.judgement.first and (self.lambda_aux > 0 or self.path == "aux_only"):
            aux = logs["loss/aux"] = cross_entropy(
                auxiliary_logits(self.model, self.judgement, outputs, features), labels
            )
            total = aux if self.path == "aux_only" else (full + self.lambda_aux * aux) / (1 + self.lambda_aux)
        stimulated = {"all": self.model.modalities, "dominant": tuple(self.judgement.first), "none": ()}[self.stim]
        if self.beta > 0 and stimulated:
            logs["loss/stim"] = sum(stimulation(self.model, self.judgement, m, outputs[m], labels) for m in stimulated)
            total = total + self.beta * logs["loss/stim"]
        return total, logs | self.judgement.logs()

    def check_epochs(self, epochs: int) -> None:
        """Raises ValueError if the warm-up leaves no epoch for AIM."""
        if self.warm_up >= epochs:
            raise ValueError(
                f"warm_up = {self.warm_up} leaves none of {epochs} epochs for AIM: lower it, or train longer."
            )

    def _check_options(self) -> None:
        for name, known in CHOICES.items():
            checks.one_of(name, getattr(self, name), known)
        checks.number("q", self.q, 0, 1)
        for name in ("beta", "gamma", "lambda_aux"):
            checks.factor(name, getattr(self, name))
        checks.whole("warm_up", self.warm_up)
        checks.whole("every", self.every, 1)


def _check_network(model: MultimodalModel) -> None:
    if model.num_classes < 2:
        raise ValueError(f"AIM compares classes and needs two or more, the model has {model.num_classes}.")
    for m, encoder in model.encoders.items():
        check_blocks(m, encoder)
