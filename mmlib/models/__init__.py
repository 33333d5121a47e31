"""Encoders, fusions and the network that joins them."""

from mmlib.models.affine_fusions import ConcatFusion, LinearFusion, SumFusion
from mmlib.models.build import build_encoder, build_model
from mmlib.models.conv import Conv1d, Conv2d
from mmlib.models.encoder import Encoder
from mmlib.models.fusion import Fusion
from mmlib.models.interaction_fusions import AttentionFusion, FiLMFusion, GatedFusion
from mmlib.models.kinds import ADDITIVE_FUSIONS, ENCODERS, FUSIONS
from mmlib.models.maxout import MaxOut, maxout_head
from mmlib.models.mlp import MLP
from mmlib.models.model import MultimodalModel
from mmlib.models.modes import eval_mode, frozen, kept_statistics
from mmlib.models.resnet import ClipResNet18, ResNet18
from mmlib.models.transformer import Transformer

__all__ = [
    "ADDITIVE_FUSIONS",
    "ENCODERS",
    "FUSIONS",
    "MLP",
    "AttentionFusion",
    "ClipResNet18",
    "ConcatFusion",
    "Conv1d",
    "Conv2d",
    "Encoder",
    "FiLMFusion",
    "Fusion",
    "GatedFusion",
    "LinearFusion",
    "MaxOut",
    "MultimodalModel",
    "ResNet18",
    "SumFusion",
    "Transformer",
    "build_encoder",
    "build_model",
    "eval_mode",
    "frozen",
    "kept_statistics",
    "maxout_head",
]
