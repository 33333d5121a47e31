"""Multi-loss training: joint training with an extra head on each modality."""

from torch import Tensor

from mmlib.methods._parts.heads import unimodal_heads
from mmlib.methods.base import Inputs, Logs, Method
from mmlib.methods.losses import task_loss
from mmlib.models import MultimodalModel


class MultiLoss(Method):
    """loss = l(T, y) + sum_m l(z_m, y), z_m = W_m f_m + b_m, all weights 1; the fused outputs T decide.

    l: the task's loss, cross-entropy or, for real targets, mean absolute error.
    """

    def __init__(self, model: MultimodalModel) -> None:
        super().__init__(model)
        self.heads = unimodal_heads(model)

    def loss(self, inputs: Inputs, labels: Tensor) -> tuple[Tensor, Logs]:
        """Joint and unimodal losses added up; logs "loss/joint" and "loss/m"."""
        features = self.model.encode(inputs)
        each = {"loss/joint": task_loss(self.model.fuse(features), labels)}
        each |= {f"loss/{m}": task_loss(head(features[m]), labels) for m, head in self.heads.items()}
        return sum(each.values()), each
