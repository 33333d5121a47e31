"""Small networks and batches on which the methods are tested."""

import copy

import pytest
import torch
from torch import nn

from mmlib.data import MultimodalData, Split
from mmlib.methods import AIM, METHODS
from mmlib.models import FUSIONS, ConcatFusion, MultimodalModel, build_encoder, maxout_head

NAMES = ("a", "v", "t", "x", "y", "z")
SHAPES = {"mlp": (4,), "conv1d": (2, 16), "conv2d": (1, 8, 8), "resnet18": (1, 32, 32), "transformer": (5, 3)}
SMALL = {
    "mlp": {"width": 6, "depth": 2},
    "conv1d": {"width": 6, "depth": 2, "norm": "none"},
    "conv2d": {"width": 6, "depth": 2, "norm": "none"},
    "resnet18": {"norm": "none"},
    "transformer": {"width": 8, "depth": 1, "heads": 2, "feedforward": 8, "dropout": 0.0},
}


def make_problem(
    modalities=2,
    encoder="mlp",
    fusion="concat",
    rows=5,
    classes=3,
    dtype=torch.float64,
    seed=0,
    head_dropout=0.3,
    **options,
):
    """(model, inputs, labels): the same numbers for the same arguments; fusion may also be "maxout" (early fusion)."""
    torch.manual_seed(seed)
    names = NAMES[:modalities]
    encoders = {m: build_encoder(encoder, SHAPES[encoder], **{**SMALL[encoder], **options}) for m in names}
    widths = {m: e.width for m, e in encoders.items()}
    if fusion == "maxout":
        joint = ConcatFusion(widths, classes, maxout_head(sum(widths.values()), classes, (8, 6), head_dropout))
    else:
        joint = FUSIONS[fusion](widths, classes)
    model = MultimodalModel(encoders, joint).to(dtype)
    inputs = {m: torch.randn(rows, *SHAPES[encoder], dtype=dtype) for m in names}
    return model, inputs, torch.randint(classes, (rows,))


def make_method(name, model, **options):
    """A method by its name; Unimodal trains the first modality."""
    return METHODS[name](model, **({"modality": model.modalities[0]} if name == "unimodal" else {}), **options)


def train(method, inputs, labels, steps=3, **sgd):
    """``steps`` steps of SGD with momentum; step i draws the same numbers for every method. Returns the last logs."""
    optimizer = torch.optim.SGD(method.parameters(), lr=0.1, momentum=0.9, **sgd)
    for i in range(steps):
        torch.manual_seed(100 + i)
        logs = method.step(inputs, labels, optimizer)
    return logs


def gradients(method, inputs, labels):
    """Gradients of one step {parameter name: tensor}, with None for the parameters that got none."""
    torch.manual_seed(100)
    method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.0))
    return {name: p.grad if p.grad is None else p.grad.clone() for name, p in method.named_parameters()}


def random_game(fusion="linear", modalities=2, rows=4, draws=3, classes=3):
    """(fusion in training mode, latents, donors, keep): random weights, biases and running statistics."""
    torch.manual_seed(modalities)
    widths = dict(zip("avtx"[:modalities], (4, 3, 5, 2)))
    if fusion == "maxout":
        joint = ConcatFusion(widths, classes, maxout_head(sum(widths.values()), classes, (5, 4)))
    else:
        joint = FUSIONS[fusion](widths, classes)
    joint = joint.double()
    with torch.no_grad():
        for p in (*joint.parameters(), *(b for b in joint.buffers() if b.is_floating_point())):
            p.copy_(torch.rand_like(p) + 0.1 if p.ndim == 1 else 2 * torch.rand_like(p) - 1)  # variances stay positive
    latents = {m: torch.randn(rows, w, dtype=torch.double).requires_grad_() for m, w in widths.items()}
    donors = {m: torch.rand(draws, rows).argsort(-1).flatten() for m in widths}
    return joint, latents, donors, torch.arange(rows).repeat(draws)


@pytest.fixture(scope="session")
def problem():
    return make_problem


@pytest.fixture(scope="session")
def method_named():
    return make_method


@pytest.fixture(scope="session")
def trained():
    return train


@pytest.fixture(scope="session")
def gradients_of():
    return gradients


@pytest.fixture(scope="session")
def twin():
    """A second network with the same weights and buffers."""
    return copy.deepcopy


@pytest.fixture(scope="session")
def assert_same_state():
    """Asserts that two modules have equal parameters and buffers, to a tolerance (0: bit for bit)."""

    def check(one: nn.Module, other: nn.Module, atol=0.0):
        ours, theirs = one.state_dict(), other.state_dict()
        assert ours.keys() == theirs.keys()
        for name in ours:
            torch.testing.assert_close(
                ours[name], theirs[name], rtol=0, atol=atol, msg=lambda text, n=name: f"{n}: {text}"
            )

    return check


@pytest.fixture(scope="session")
def make_game():
    """A fusion, latents, donors and keep, as MCR's plain functions take them."""
    return random_game


def rows_as_data(inputs, labels, classes=3):
    """A MultimodalData whose three splits are these rows."""
    split = Split(dict(inputs), labels)
    return MultimodalData("toy", split, split, split, classes=tuple("xyzuvw"[:classes]))


@pytest.fixture(scope="session")
def as_data():
    """The rows of a problem as a MultimodalData."""
    return rows_as_data


@pytest.fixture(scope="session")
def judged():
    """An AIM that has judged its network on the rows, by class means unless the options say otherwise."""

    def judge(model, inputs, labels, **options):
        method = AIM(model, **{"proto": "class_mean", "warm_up": 0, **options})
        method.begin_epoch(0, rows_as_data(inputs, labels, model.num_classes))
        return method

    return judge
