"""What a network does beside its weights for a while: running statistics kept, weights frozen, and all put back."""

import copy

import pytest
import torch
from torch import nn

from mmlib.models import frozen, kept_statistics

LAYERS = {
    "batch1d": (lambda: nn.BatchNorm1d(3), (6, 3)),
    "batch2d": (lambda: nn.BatchNorm2d(3), (6, 3, 4, 5)),
    "batch_average": (lambda: nn.BatchNorm1d(3, momentum=None), (6, 3)),
    "batch_untracked": (lambda: nn.BatchNorm1d(3, track_running_stats=False), (6, 3)),
    "instance": (lambda: nn.InstanceNorm1d(3), (6, 3, 5)),
    "instance_tracked": (lambda: nn.InstanceNorm2d(3, affine=True, track_running_stats=True), (6, 3, 4, 5)),
}


def network(kind):
    """(a normalisation between two other layers, a batch), statistics of some passes inside."""
    torch.manual_seed(0)
    layer, shape = LAYERS[kind]
    net = nn.Sequential(nn.Identity(), nn.Sequential(layer()), nn.ReLU())
    for _ in range(2):
        net(torch.randn(shape) + 3)
    return net, torch.randn(shape)


def state(net):
    return {name: value.clone() for name, value in net.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def tracking(net):
    return [getattr(m, "track_running_stats", None) for m in net.modules()]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", LAYERS)
def test_the_output_is_that_of_an_ordinary_pass_and_the_statistics_stay(kind, training):
    net, x = network(kind)
    net.train(training)
    expected, before, flags = copy.deepcopy(net)(x), state(net), tracking(net)
    with kept_statistics(net):
        assert torch.equal(net(x), expected)
    assert same(state(net), before)
    assert tracking(net) == flags


@pytest.mark.parametrize("kind", ["batch1d", "batch_average", "instance_tracked"])
def test_after_it_statistics_run_on(kind):
    net, x = network(kind)
    other = copy.deepcopy(net)
    with kept_statistics(net):
        net(x + 7)
    net(x), other(x)
    assert same(state(net), state(other))
    with kept_statistics(net):
        pass
    before = state(net)
    net(x)
    assert not same(state(net), before)


def test_a_layer_in_evaluation_mode_among_training_ones_uses_its_running_statistics():
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.BatchNorm1d(3), nn.BatchNorm1d(3)), torch.randn(6, 3) + 2
    net(x)
    net[1].eval()
    expected, before = copy.deepcopy(net)(x), state(net)
    with kept_statistics(net):
        assert torch.equal(net(x), expected)
    assert same(state(net), before)


def test_the_gradient_is_that_of_an_ordinary_pass():
    net, x = network("batch1d")
    copied = copy.deepcopy(net)
    with kept_statistics(net):
        net(x).square().sum().backward()
    copied(x).square().sum().backward()
    for ours, theirs in zip(net.parameters(), copied.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)


@pytest.mark.parametrize("kind", ["batch1d", "instance_tracked"])
def test_statistics_are_tracked_again_after_an_exception(kind):
    net, x = network(kind)
    flags, before = tracking(net), state(net)
    with pytest.raises(KeyError), kept_statistics(net):
        net(x)
        raise KeyError
    assert tracking(net) == flags and same(state(net), before)
    net(x)
    assert not same(state(net), before)


def flags_of(net):
    return [p.requires_grad for p in net.parameters()]


def test_frozen_weights_ask_for_no_gradient_and_those_frozen_before_stay_so():
    net, x = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2)), torch.randn(4, 3, requires_grad=True)
    net[0].bias.requires_grad_(False)
    before = flags_of(net)
    with frozen(net):
        assert flags_of(net) == [False] * 4
        net(x).sum().backward()
    assert flags_of(net) == before == [True, False, True, True]
    assert x.grad.any() and all(p.grad is None for p in net.parameters())


def test_weights_are_trained_again_after_an_exception():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    net[1].weight.requires_grad_(False)
    with pytest.raises(KeyError), frozen(net):
        raise KeyError
    assert flags_of(net) == [True, True, False, True]


def test_gradients_that_were_there_stay():
    net = nn.Linear(3, 2)
    net(torch.randn(4, 3)).sum().backward()
    before = net.weight.grad.clone()
    with frozen(net):
        pass
    assert torch.equal(net.weight.grad, before)
