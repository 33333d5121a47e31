"""Late ensemble of unimodal networks: no competition and no co-operation."""

from torch import Tensor

from mmlib.methods.base import Inputs, Logs, Method, cross_entropy, unimodal_heads
from mmlib.models import MultimodalModel


class Ensemble(Method):
    """Trains every modality alone and decides by the sum of their logits.

    loss = sum_m CE(z_m, y), z_m = W_m f_m + b_m. The networks share no parameter, so training them side by side is
    training them apart; only the best epoch is chosen for all of them together.
    """

    trains_fusion = False

    def __init__(self, model: MultimodalModel) -> None:
        super().__init__(model)
        self.heads = unimodal_heads(model)

    def losses(self, inputs: Inputs, labels: Tensor) -> tuple[Tensor, Logs]:
        """Sum of the unimodal cross-entropies; logs each as "loss/m"."""
        each = {f"loss/{m}": cross_entropy(z, labels) for m, z in self.unimodal_logits(inputs).items()}
        return sum(each.values()), each

    def unimodal_logits(self, inputs: Inputs) -> dict[str, Tensor]:
        """z_m [B, C] of every modality."""
        features = self.model.encode(inputs)
        return {m: head(features[m]) for m, head in self.heads.items()}

    def forward(self, inputs: Inputs) -> Tensor:
        """sum_m z_m [B, C]."""
        return sum(self.unimodal_logits(inputs).values())
