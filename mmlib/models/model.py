"""A multimodal network: one encoder per modality and a fusion."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmlib.models._input_types import check_types
from mmlib.models.fusion import Features, Fusion
from mmlib.records.modality_names import check_modality


class MultimodalModel(nn.Module):
    """encoders: modality name -> module [B, ...] -> [B, fusion.widths[m]]; fusion: features -> logits [B, C].

    Raises TypeError for a fusion that is not a Fusion, ValueError if encoders and fusion name different modalities or
    a name cannot be one.
    """

    def __init__(self, encoders: dict[str, nn.Module], fusion: Fusion) -> None:
        super().__init__()
        if not isinstance(fusion, Fusion):
            raise TypeError(f"fusion must be a mmlib.models Fusion, got {type(fusion).__name__}.")
        if set(encoders) != set(fusion.widths):
            raise ValueError(
                f"encoders are for {list(encoders)}, the fusion is for {list(fusion.widths)}: "
                "they must name the same modalities."
            )
        for m in encoders:
            check_modality(m)
        self.encoders = nn.ModuleDict(encoders)
        self.fusion = fusion

    @property
    def modalities(self) -> tuple[str, ...]:
        """Modality names in order."""
        return tuple(self.encoders)

    @property
    def num_classes(self) -> int:
        """Number of logits C."""
        return self.fusion.num_classes

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Logits [B, C] of a batch {m: [B, ...]}."""
        return self.fuse(self.encode(inputs))

    def encode(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Features {m: [B, width_m]}. Raises ValueError if a modality is missing, unknown or has another batch size."""
        self.check(inputs)
        return {m: encoder(inputs[m]) for m, encoder in self.encoders.items()}

    def fuse(self, features: Features) -> Tensor:
        """Logits [B, C]. Raises ValueError if a feature has not the width the fusion was built for."""
        if set(features) != set(self.modalities):
            raise ValueError(f"features must be of {list(self.modalities)}, got {list(features)}.")
        for m, width in self.fusion.widths.items():
            if features[m].ndim != 2 or features[m].shape[1] != width:
                raise ValueError(f"features of {m!r} must be [B, {width}], got {tuple(features[m].shape)}.")
        return self.fusion(features)

    def check(self, inputs: Mapping[str, Tensor]) -> None:
        """Raises ValueError if the batch is not one tensor per modality with equal numbers of rows, TypeError for a
        dtype that an encoder cannot read."""
        if not isinstance(inputs, Mapping) or not all(isinstance(x, Tensor) for x in inputs.values()):
            raise TypeError(f"inputs must be a dict of modality names and tensors, got {type(inputs).__name__}.")
        missing = [m for m in self.modalities if m not in inputs]
        unknown = [m for m in inputs if m not in self.encoders]
        if missing or unknown:
            raise ValueError(
                f"inputs must hold exactly the modalities {list(self.modalities)}, got {list(inputs)}"
                f" (missing {missing}, unknown {unknown})."
            )
        rows = {m: len(x) for m, x in inputs.items()}
        if len(set(rows.values())) != 1:
            raise ValueError(f"all modalities of a batch must have the same number of rows, got {rows}.")
        check_types(self.encoders, inputs)

    def groups(self) -> dict[str, list[list[nn.Parameter]]]:
        """Encoder parameters by modality and by depth, shallow to deep.

        An encoder with ``blocks`` gives one group per block, and a last one for parameters outside the blocks if there
        are any; an encoder without blocks is one group.
        """
        return {m: _by_depth(encoder) for m, encoder in self.encoders.items()}

    @property
    def anchor(self) -> torch.Tensor:
        """A parameter, whose dtype and device say where the model lives."""
        return next(self.parameters())


def _by_depth(encoder: nn.Module) -> list[list[nn.Parameter]]:
    blocks = getattr(encoder, "blocks", [])
    depths = [list(block.parameters()) for block in blocks]
    inside = {id(p) for group in depths for p in group}
    outside = [p for p in encoder.parameters() if id(p) not in inside]
    return depths + ([outside] if outside else [])
