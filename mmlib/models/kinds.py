"""Encoders and fusions by name: a further one is its file and one line here."""

from mmlib.models.affine_fusions import ConcatFusion, LinearFusion, SumFusion
from mmlib.models.conv import Conv1d, Conv2d
from mmlib.models.encoder import Encoder
from mmlib.models.fusion import Fusion
from mmlib.models.interaction_fusions import AttentionFusion, FiLMFusion, GatedFusion
from mmlib.models.mlp import MLP
from mmlib.models.resnet import ClipResNet18, ResNet18
from mmlib.models.transformer import Transformer

FUSIONS: dict[str, type[Fusion]] = {
    "concat": ConcatFusion,
    "sum": SumFusion,
    "linear": LinearFusion,
    "gated": GatedFusion,
    "film": FiLMFusion,
    "attention": AttentionFusion,
}
ADDITIVE_FUSIONS = ("concat", "sum", "linear")  # late: the logits are a sum over modalities
BUILDERS: dict[str, tuple[type[Encoder], ...]] = {
    "mlp": (MLP,),
    "conv1d": (Conv1d,),
    "conv2d": (Conv2d,),
    "resnet18": (ResNet18, ClipResNet18),  # of pictures, of clips
    "transformer": (Transformer,),
}
ENCODERS = tuple(BUILDERS)
