"""What every fusion is: a map from the features of all modalities to logits, through one penultimate vector."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mmlib import checks
from mmlib.records.modality_names import check_modality

Features = Mapping[str, Tensor]


class Fusion(nn.Module):
    """Base of all fusions.

    widths: modality name -> length of its feature vector, in order; num_classes: C.
    Raises ValueError at construction if the fusion cannot join that many modalities or a name cannot be one.
    A fusion of one's own defines ``forward``, and whatever else its use asks for: a NotImplementedError says what.
    """

    takes = (2, 6)  # the smallest and the largest number of modalities

    def __init__(self, widths: dict[str, int], num_classes: int) -> None:
        super().__init__()
        least, most = self.takes
        if not least <= len(widths) <= most:
            count = f"exactly {least}" if least == most else f"{least} to {most}"
            raise ValueError(f"{type(self).__name__} takes {count} modalities, got {len(widths)}: {list(widths)}.")
        for m, width in widths.items():
            check_modality(m)
            checks.whole(f"width of modality {m!r}", width, 1)
        checks.whole("num_classes", num_classes, 1)
        self.widths = dict(widths)
        self.num_classes = num_classes

    def fused(self, features: Features) -> Tensor:
        """The penultimate vector [B, D]: everything before the last linear map to logits."""
        raise _lacks(
            self,
            "fused",
            "competition strength reads, and Unimodal with through_fusion=True",
            "def fused(self, features)",
            "the vector [B, D] that the last linear map reads",
        )

    def forward(self, features: Features) -> Tensor:
        """Logits [B, C] from features {m: [B, widths[m]]}."""
        raise _lacks(
            self, "forward", "every method calls", "def forward(self, features)", "logits [B, C] from {m: [B, width]}"
        )

    @property
    def last_weights(self) -> list[nn.Parameter]:
        """Weights of the last linear map to logits: one, or one per modality."""
        raise _lacks(
            self,
            "last_weights",
            "AGM with theta clips by",
            "@property def last_weights(self)",
            "the list of its parameters that are weights of the last linear map to logits",
        )

    @property
    def is_additive(self) -> bool:
        """Whether the logits are a sum over modalities and an offset, for any features."""
        return False

    @property
    def offset(self) -> Tensor:
        """What an additive fusion adds to the sum of its terms [C]."""
        raise _lacks(
            self,
            "offset",
            "AGM, MCR, OGM-GE, MSLR and MSES read of a fusion with is_additive = True",
            "@property def offset(self)",
            "the tensor [C] that is added to the sum of its terms",
        )

    def terms(self, features: Features) -> dict[str, Tensor]:
        """What each modality hands over to be joined: ``join(terms(features))`` are the logits.

        In an additive fusion this is W_m f_m, {m: [B, C]}, without any bias; in all others the features themselves.
        """
        if self.is_additive:
            raise _lacks(
                self,
                "terms",
                "AGM, MCR, OGM-GE, MSLR and MSES read of a fusion with is_additive = True",
                "def terms(self, features)",
                "{m: W_m f_m [B, C]}, each modality's part of the logits without any bias",
            )
        return {m: features[m] for m in self.widths}

    def join(self, terms: Features) -> Tensor:
        """Logits [B, C] from the terms of all modalities."""
        return sum(terms.values()) + self.offset if self.is_additive else self(terms)

    def modality_logits(self, features: Features) -> dict[str, Tensor]:
        """One modality's share of the logits, {m: [B, C]}: the fusion with the other modalities' features at zero.

        Additive fusions give the exact shares W_m f_m + offset / M instead (OGM-GE, eq. 4).
        """
        if self.is_additive:
            return {m: term + self.offset / len(self.widths) for m, term in self.terms(features).items()}
        zeros = {m: torch.zeros_like(f) for m, f in features.items()}
        return {m: self({**zeros, m: features[m]}) for m in self.widths}

    def concatenated(self, features: Features) -> Tensor:
        """All features side by side [B, sum of widths]."""
        return torch.cat([features[m] for m in self.widths], dim=1)


def _lacks(fusion: Fusion, member: str, needed_by: str, signature: str, returns: str) -> NotImplementedError:
    return NotImplementedError(
        f"{type(fusion).__name__} does not define {member!r}, which {needed_by}. "
        f"Write  {signature}  in the class, to return {returns}."
    )
