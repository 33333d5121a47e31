"""Multi-loss training: joint training with an extra classifier on each modality."""

from torch import Tensor

from mmlib.methods.base import Inputs, Logs, Method, cross_entropy, unimodal_heads
from mmlib.models import MultimodalModel


class MultiLoss(Method):
    """loss = CE(T, y) + sum_m CE(z_m, y), z_m = W_m f_m + b_m, all weights 1; the fused logits T decide."""

    def __init__(self, model: MultimodalModel) -> None:
        super().__init__(model)
        self.heads = unimodal_heads(model)

    def losses(self, inputs: Inputs, labels: Tensor) -> tuple[Tensor, Logs]:
        """Joint and unimodal cross-entropies added up; logs "loss/joint" and "loss/m"."""
        features = self.model.encode(inputs)
        each = {"loss/joint": cross_entropy(self.model.fuse(features), labels)}
        each |= {f"loss/{m}": cross_entropy(head(features[m]), labels) for m, head in self.heads.items()}
        return sum(each.values()), each
