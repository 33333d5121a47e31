"""Late ensemble of unimodal networks: no competition and no co-operation."""

from itertools import combinations

from torch import Tensor

from mmlib.methods._parts.heads import unimodal_heads
from mmlib.methods._parts.lazy_shapes import check_shapes
from mmlib.methods.base import Inputs, Logs, Method
from mmlib.methods.losses import task_loss
from mmlib.models import MultimodalModel


class Ensemble(Method):
    """Trains every modality alone and decides by the sum of their logits, or by the mean of their real estimates.

    loss = sum_m l(z_m, y), z_m = W_m f_m + b_m, l cross-entropy or, for real targets, mean absolute error. The networks
    share no parameter that is trained, so training them side by side is training them apart; only the best epoch is
    chosen for all of them together. Raises ValueError for encoders that do share one.
    """

    trains_fusion = False

    def __init__(self, model: MultimodalModel) -> None:
        super().__init__(model)
        _check_apart(model)
        check_shapes("Ensemble never runs the fusion", model.fusion.parameters())
        self.heads = unimodal_heads(model)

    def loss(self, inputs: Inputs, labels: Tensor) -> tuple[Tensor, Logs]:
        """Sum of the unimodal losses; logs each as "loss/m"."""
        each = {f"loss/{m}": task_loss(z, labels) for m, z in self.unimodal_logits(inputs).items()}
        return sum(each.values()), each

    def unimodal_logits(self, inputs: Inputs) -> dict[str, Tensor]:
        """z_m [B, C] of every modality."""
        features = self.model.encode(inputs)
        return {m: head(features[m]) for m, head in self.heads.items()}

    def forward(self, inputs: Inputs) -> Tensor:
        """sum_m z_m [B, C]; for one output the mean, as every z_m is an estimate of the whole target."""
        total = sum(self.unimodal_logits(inputs).values())
        return total / len(self.heads) if self.model.num_classes == 1 else total


def _check_apart(model: MultimodalModel) -> None:
    trained = {m: {id(p) for p in encoder.parameters() if p.requires_grad} for m, encoder in model.encoders.items()}
    for one, other in combinations(trained, 2):
        if trained[one] & trained[other]:
            raise ValueError(
                f"Ensemble trains every modality's network apart, and the encoders of {one!r} and {other!r} share "
                "parameters: give each its own, as copy.deepcopy(encoder) does, freeze what they share "
                "(requires_grad_(False)), or take MultiLoss, which trains them together."
            )
