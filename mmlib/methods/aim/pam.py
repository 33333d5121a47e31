"""PAM: what a modulated pass makes of a network, and what drives the under-optimised channels.

Stated in the AIM paper (arXiv 2508.19769): under-optimised parameters are decoupled into auxiliary blocks, on which
joint training is made to rely. Reconstruction: by which factors, and the loss of the channels. Gating a channel of a
block's output gates the parameters that make it.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mmlib.methods.aim.judgement import Judgement
from mmlib.methods.aim.performance import prototype_logits
from mmlib.methods.losses import cross_entropy
from mmlib.models import Encoder, MultimodalModel, kept_statistics


def auxiliary_logits(
    model: MultimodalModel,
    judgement: Judgement,
    outputs: Mapping[str, Sequence[Tensor]],
    features: Mapping[str, Tensor],
) -> Tensor:
    """Logits [B, K] of the auxiliary pass, in which every modality with some alpha > 0 takes its modulated features.

    outputs {m: one [B, C_d, ...] per block}, features {m: [B, width_m]}: of the ordinary pass. Batch-norm layers use
    the statistics of the batch, and their running ones stay as the ordinary pass has left them.
    """
    of = judgement.of
    with kept_statistics(model):
        modulated = {
            m: modulated_features(model.encoders[m], outputs[m], of("strength", m), of("masks", m), first)
            for m, first in judgement.first.items()
        }
        return model.fuse({**features, **modulated})


def modulated_features(
    encoder: Encoder, outputs: Sequence[Tensor], alpha: Sequence[Tensor], u: Sequence[Tensor], first: int
) -> Tensor:
    """Features [B, width] with the output of block d scaled by 1 - alpha_d (1 - u_d), without rescaling.

    outputs: of an ordinary pass, one per block; alpha: scalars; u: masks [C_d]; first: number of the first block with
    alpha > 0. Up to there both passes are one (dropout included), so the blocks up to it are not run again.
    """
    dtype = outputs[first].dtype
    factors = [(1 - a * (1 - mask)).to(dtype) for a, mask in zip(alpha, u, strict=True)]
    h = encoder.scale_channels(outputs[first], factors[first])
    return encoder.pool([h, *encoder.outputs(h, first + 1, factors)][-1])


def stimulation(
    model: MultimodalModel, judgement: Judgement, modality: str, outputs: Sequence[Tensor], labels: Tensor
) -> Tensor:
    """Mean over the blocks of CE(tau cos(u (h - c), u (P - c)), y): the under-optimised channels alone have to tell.

    outputs: of the modality's blocks in the ordinary pass, one [B, C_d, ...] each; labels [B].
    """
    pool, of = model.encoders[modality].pool, judgement.of
    blocks = zip(outputs, of("prototypes", modality), of("masks", modality), strict=True)
    return torch.stack([cross_entropy(prototype_logits(pool(h), P, u), labels) for h, P, u in blocks]).mean()
