"""A batch-norm subtracts the mean: no layer in front of one has a bias, which an optimiser would move for nothing."""

from collections import Counter

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmlib.models import ENCODERS, FUSIONS, build_encoder, build_model

SHAPES = {
    "mlp": (4,),
    "conv1d": (2, 16),
    "conv2d": (1, 16, 16),
    "resnet18": (1, 32, 32),
    "transformer": (5, 3),
}
KINDS = [*((kind, SHAPES[kind]) for kind in ENCODERS), ("resnet18", (1, 2, 32, 32)), ("transformer", (5,))]


def options_of(kind, shape):
    if kind == "transformer":
        return {"vocabulary": 7} if len(shape) == 1 else {}
    return {"norm": "batch"}


def inputs_of(shape, kind):
    return torch.randint(7, (6, *shape)) if kind == "transformer" and len(shape) == 1 else torch.randn(6, *shape)


def followers(module, run):
    """(layer, batch-norm) for every layer whose output a batch-norm reads as it is."""
    source, pairs, alive = {}, [], []
    hooks = []
    for layer in (m for m in module.modules() if not list(m.children())):
        if isinstance(layer, _BatchNorm):
            hooks.append(layer.register_forward_pre_hook(lambda n, x: pairs.append((source.get(id(x[0])), n))))

        def remember(layer, _, output):
            alive.append(output)  # so that no other tensor gets its id
            source[id(output)] = layer

        hooks.append(layer.register_forward_hook(remember))
    run()
    for hook in hooks:
        hook.remove()
    return pairs


def biased(pairs):
    return [layer for layer, _ in pairs if getattr(layer, "bias", None) is not None]


@pytest.mark.parametrize(("kind", "shape"), KINDS)
def test_no_layer_in_front_of_a_batch_norm_has_a_bias(kind, shape):
    encoder = build_encoder(kind, shape, **options_of(kind, shape))
    pairs = followers(encoder, lambda: encoder(inputs_of(shape, kind)))
    norms = [m for m in encoder.modules() if isinstance(m, _BatchNorm)]
    assert bool(norms) == (kind != "transformer")
    assert Counter(n for layer, n in pairs if layer is not None) == Counter(norms)  # all of them were looked at
    assert not biased(pairs)


@pytest.mark.parametrize("fusion", [*FUSIONS, "maxout"])
@pytest.mark.parametrize("kind", ["mlp", "conv1d", "conv2d", "resnet18"])
def test_nor_in_a_whole_network(kind, fusion):
    model = build_model({m: SHAPES[kind] for m in "av"}, 3, encoder=kind, fusion=fusion, norm="batch")
    assert not biased(followers(model, lambda: model({m: torch.randn(6, *SHAPES[kind]) for m in "av"})))


@pytest.mark.parametrize("kind", ["mlp", "conv1d", "conv2d", "resnet18"])
def test_without_a_batch_norm_every_layer_has_one(kind):
    encoder = build_encoder(kind, SHAPES[kind], norm="none")
    layers = [m for m in encoder.modules() if isinstance(m, (nn.Linear, nn.Conv1d, nn.Conv2d))]
    assert layers and all(layer.bias is not None for layer in layers)


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW])
@pytest.mark.parametrize("kind", ["mlp", "conv1d", "conv2d"])
def test_every_parameter_that_is_trained_changes_the_output(kind, optimizer):
    """What an optimiser moves is not idle: taken back alone, the loss is another one."""
    torch.manual_seed(0)
    encoder = build_encoder(kind, SHAPES[kind], norm="batch", width=6, depth=2).double()
    x = torch.randn(6, *SHAPES[kind], dtype=torch.double)
    before = {name: p.detach().clone() for name, p in encoder.named_parameters()}
    training = optimizer(encoder.parameters(), lr=0.1)
    encoder(x).square().mean().backward()
    training.step()
    moved = encoder(x).detach()
    for name, p in encoder.named_parameters():
        now = p.detach().clone()
        with torch.no_grad():
            p.copy_(before[name])
            assert (encoder(x) - moved).abs().max() > 1e-6, name
            p.copy_(now)


def test_the_hooks_find_a_bias_where_there_is_one():
    wrong = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU())
    assert biased(followers(wrong, lambda: wrong(torch.randn(6, 4)))) == [wrong[0]]
