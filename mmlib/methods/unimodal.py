"""Training on one modality alone: what that modality can do without competition."""

from itertools import chain

import torch
from torch import Tensor

from mmlib import checks
from mmlib.methods._parts.heads import unimodal_heads
from mmlib.methods._parts.lazy_shapes import check_shapes
from mmlib.methods.base import Inputs, Logs, Method
from mmlib.methods.losses import task_loss
from mmlib.models import MultimodalModel


class Unimodal(Method):
    """loss = l(z_m, y) for one modality m, l cross-entropy or, for real targets, mean absolute error.

    modality: name of m; through_fusion: False trains encoder m with a linear head of its own (the mono-modal network of
    late fusion); True trains the whole fused network with the other inputs at zero (early fusion; AGM, section 3.3).
    """

    compared = False
    trains_fusion = False

    def __init__(self, model: MultimodalModel, modality: str, through_fusion: bool = False) -> None:
        super().__init__(model)
        checks.one_of("modality", modality, model.modalities)
        checks.flag("through_fusion", through_fusion)
        self.modality = modality
        self.through_fusion = through_fusion
        if not through_fusion:
            unused = [model.fusion, *(encoder for m, encoder in model.encoders.items() if m != modality)]
            check_shapes("Unimodal never runs the rest of the network", chain(*(part.parameters() for part in unused)))
            self.head = unimodal_heads(model)[modality]

    def loss(self, inputs: Inputs, labels: Tensor) -> tuple[Tensor, Logs]:
        """The task's loss of the modality's outputs; no further logs."""
        return task_loss(self(inputs), labels), {}

    def forward(self, inputs: Inputs) -> Tensor:
        """The modality's outputs z_m [B, C]; the values of the other inputs are never looked at."""
        if self.through_fusion:
            return self.model(self._others_zero(inputs))
        return self.head(self.model.encoders[self.modality](inputs[self.modality]))

    def penultimate(self, inputs: Inputs) -> Tensor:
        """The vector [B, D] before the last linear map: the mono-modal concept of competition strength."""
        if self.through_fusion:
            return self.model.fusion.fused(self.model.encode(self._others_zero(inputs)))
        return self.model.encoders[self.modality](inputs[self.modality])

    def _others_zero(self, inputs: Inputs) -> dict[str, Tensor]:
        return {m: x if m == self.modality else torch.zeros_like(x) for m, x in inputs.items()}
