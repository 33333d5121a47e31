"""Two-modality networks and rows small enough to work out by hand."""

import pytest
import torch
from torch import nn

from mmlib.data import Split
from mmlib.models import MultimodalModel, SumFusion


@pytest.fixture
def additive():
    """Builds f(S) = sum over S of the raw inputs + 2 bias: identity encoders, identity heads with bias [C] each."""

    def build(names=("a", "b"), classes=2, bias=None):
        fusion = SumFusion({m: classes for m in names}, classes)
        for head in fusion.heads.values():
            head.weight.data = torch.eye(classes)
            head.bias.data = torch.zeros(classes) if bias is None else torch.tensor(bias)
        return MultimodalModel({m: nn.Identity() for m in names}, fusion)

    return build


@pytest.fixture
def four_rows():
    """Right of the four: a alone in 1, 2, 4; b alone in 3, 4; both together in 2, 3, 4. Three labels are 0."""
    a = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 1.0], [1.0, 0.0]])
    b = torch.tensor([[0.0, 3.0], [1.0, 0.0], [2.0, 0.0], [1.0, 0.0]])
    return Split({"a": a, "b": b}, torch.tensor([0, 1, 0, 0]))


@pytest.fixture
def one_informative():
    """Builds n rows of 10 classes: "a" is the label as one-hot (times 3), "b" is noise that knows nothing."""

    def build(n, seed=0):
        generator = torch.Generator().manual_seed(seed)
        labels = torch.randint(10, (n,), generator=generator)
        a = 3 * torch.nn.functional.one_hot(labels, 10).float()
        return Split({"a": a, "b": torch.randn(n, 10, generator=generator)}, labels)

    return build
