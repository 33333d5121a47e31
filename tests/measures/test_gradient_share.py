"""The gradient of the fused loss by every block, against plain autograd and against a network worked out by hand."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmlib.data import Split
from mmlib.measures import gradient_share
from mmlib.models import ENCODERS, ConcatFusion, Encoder, MultimodalModel, SumFusion, Transformer, build_encoder

KINDS = {
    "mlp": ((3, 4), {"width": 6, "depth": 3, "norm": "batch", "dropout": 0.5}),
    "conv1d": ((2, 16), {"width": 5, "depth": 2}),
    "conv2d": ((1, 8, 8), {"width": 5, "depth": 2}),
    "resnet18": ((1, 32, 32), {}),
    "transformer": ((5, 3), {"width": 8, "depth": 2, "heads": 2, "feedforward": 8}),
    "tokens": ((5,), {"vocabulary": 11, "width": 8, "depth": 1, "heads": 2}),
}


def of_kind(kind, rows=20, **options):
    """(a double network with that encoder for "a" and an MLP for "b", rows), in training mode, statistics not new."""
    torch.manual_seed(0)
    shape, usual = KINDS[kind]
    encoder = Transformer(**usual) if kind == "tokens" else build_encoder(kind, shape, **{**usual, **options})
    other = build_encoder("mlp", (3,), width=4, depth=2)
    fusion = ConcatFusion({"a": encoder.width, "b": 4}, 3)
    model = MultimodalModel({"a": encoder, "b": other}, fusion).double().train()
    a = torch.randint(11, (rows, *shape)) if kind == "tokens" else torch.randn(rows, *shape).double()
    split = Split({"a": a, "b": torch.randn(rows, 3).double()}, torch.randint(3, (rows,)))
    with torch.no_grad():
        model(split.inputs)
    return model, split


def norm(tensors):
    return sum((t.double() ** 2).sum() for t in tensors).sqrt().item()


def by_backward(model, split):
    """The shares of a copy of the network, by backward of the whole split's mean loss in evaluation mode."""
    model = copy.deepcopy(model).eval()
    F.cross_entropy(model(split.inputs), split.labels).backward()
    return {
        m: [norm(p.grad for p in b.parameters()) / norm(b.parameters()) for b in encoder.blocks]
        for m, encoder in model.encoders.items()
    }


def assert_shares(measured, expected):
    assert measured.keys() == expected.keys()
    for m, values in expected.items():
        assert measured[m] == pytest.approx(values, rel=1e-9, abs=1e-15), m


@pytest.mark.parametrize("kind", KINDS)
def test_shares_are_norms_of_plain_gradients_over_norms_of_weights(kind):
    model, split = of_kind(kind)
    assert_shares(gradient_share(model, split), by_backward(model, split))


def test_every_encoder_is_tested():
    assert set(KINDS) == {*ENCODERS, "tokens"}


def test_batches_add_up_to_the_gradient_of_the_whole_split():
    seen = []
    model, split = of_kind("mlp", rows=2500)
    model.encoders["a"].blocks[0].register_forward_hook(lambda block, x, y: seen.append(len(y)))
    measured = gradient_share(model, split)
    assert seen == [1024, 1024, 452]
    assert_shares(measured, by_backward(model, split))


def linear(weight):
    layer = nn.Linear(2, 2, bias=False)
    layer.weight.data = torch.tensor(weight)
    return layer


def diagonal(fixed=(), **scales):
    """Logits: the sum over m of scale_1 scale_2 ... x_m; each block a diagonal linear map. fixed: modalities frozen."""
    fusion = SumFusion(dict.fromkeys(scales, 2), 2)
    for head in fusion.heads.values():
        head.weight.data, head.bias.data = torch.eye(2), torch.zeros(2)
    encoders = {m: Encoder([linear([[s, 0.0], [0.0, s]]) for s in listed], 2) for m, listed in scales.items()}
    for m in fixed:
        encoders[m].requires_grad_(False)
    return MultimodalModel(encoders, fusion)


def one_row():
    """x_a = (1, 0) of class 0, x_b = (0, 0)."""
    return Split({"a": torch.tensor([[1.0, 0.0]]), "b": torch.zeros(1, 2)}, torch.tensor([0]))


def test_a_network_worked_out_by_hand():
    # Logits (6, 0): the loss's derivatives by them are -q and q, q = 1 / (1 + e^6). By the first block's weights, they
    # are those by its output, 3 (-q, q), in the column of x: norm 3 q sqrt 2, over 2 sqrt 2. The second: 2 q / 3.
    q = torch.tensor(6.0, dtype=torch.double).neg().sigmoid().item()
    measured = gradient_share(diagonal(a=[2.0, 3.0], b=[1.0]), one_row())
    assert measured == {"a": pytest.approx([3 * q / 2, 2 * q / 3], rel=1e-4), "b": [0.0]}


def test_weights_twice_as_large_with_the_same_gradient_have_half_the_share():
    # Input times 1/2 and weight times 2 leave the logits alone and halve the gradient; the norm doubles too.
    whole, half = one_row(), one_row()
    half.inputs["a"] /= 2
    once, twice = (gradient_share(diagonal(a=[s], b=[1.0]), x)["a"][0] for s, x in ((2.0, whole), (4.0, half)))
    assert twice == pytest.approx(once / 4, rel=1e-5)


class Passes(nn.Module):
    """A block without parameters."""

    def forward(self, x):
        return x


def test_blocks_that_are_not_trained_have_share_0_and_change_no_other():
    model, split = diagonal(a=[2.0, 3.0], b=[1.0]), one_row()
    first, second = gradient_share(model, split)["a"]
    model.encoders["a"].blocks[0].requires_grad_(False)
    assert gradient_share(model, split)["a"] == [0.0, second]
    model.encoders["a"].blocks.append(Passes())
    assert gradient_share(model, split)["a"] == [0.0, second, 0.0]
    assert gradient_share(diagonal(fixed=["a", "b"], a=[2.0], b=[1.0]), split) == {"a": [0.0], "b": [0.0]}
    model.requires_grad_(False)
    assert gradient_share(model, split) == {"a": [0.0, 0.0, 0.0], "b": [0.0]}
    assert first > 0 and second > 0


def test_frozen_parameters_of_a_block_count_neither_above_nor_below():
    model, split = of_kind("mlp")
    kept, *trained = model.encoders["a"].blocks[1].parameters()
    kept.requires_grad_(False)
    twin = copy.deepcopy(model).eval()
    F.cross_entropy(twin(split.inputs), split.labels).backward()
    gradients = [p.grad for p in twin.encoders["a"].blocks[1].parameters() if p.grad is not None]
    assert len(gradients) == len(trained) >= 1
    assert gradient_share(model, split)["a"][1] == pytest.approx(norm(gradients) / norm(trained), rel=1e-9)


class Idle(nn.Linear):
    """A layer whose weights the loss does not depend on."""

    def forward(self, x):
        return x


def test_a_block_without_influence_has_share_0_and_other_parameters_come_last():
    model, split = diagonal(a=[2.0], b=[1.0]), one_row()
    model.encoders["a"].blocks.append(Idle(2, 2))
    model.encoders["b"].scale = nn.Parameter(torch.ones(2))
    measured = gradient_share(model, split)
    assert measured["a"][0] > 0 and measured["a"][1] == 0.0
    assert measured["b"] == [0.0, 0.0]


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_a_caller_may_have_switched_gradients_off(off):
    model, split = of_kind("mlp")
    expected = gradient_share(model, split)
    with off():
        assert gradient_share(model, split) == expected


def test_nothing_of_the_network_is_changed():
    model, split = of_kind("mlp")
    model.encoders["b"].eval()
    model.encoders["b"].blocks[0].requires_grad_(False)
    kept = model.encoders["a"].blocks[0][1].weight
    kept.grad = torch.full_like(kept, 7.0)
    state = {name: v.clone() for name, v in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    asked = [p.requires_grad for p in model.parameters()]
    gradient_share(model, split)
    assert all(torch.equal(v, state[name]) for name, v in model.state_dict().items())
    assert modes == [module.training for module in model.modules()]
    assert asked == [p.requires_grad for p in model.parameters()]
    assert torch.equal(kept.grad, torch.full_like(kept, 7.0))
    assert all(p.grad is None for p in model.parameters() if p is not kept)


def test_wrong_use_is_named():
    model, split = diagonal(a=[2.0, 3.0], b=[1.0]), one_row()
    with pytest.raises(ValueError, match=r"missing \['b'\]"):
        gradient_share(model, Split({"a": split.inputs["a"]}, split.labels))
    with pytest.raises(ValueError, match="needs class labels, the split has real targets"):
        gradient_share(model, Split(split.inputs, torch.zeros(1)))
    with pytest.raises(ValueError, match="labels run from 2 to 2"):
        gradient_share(model, Split(split.inputs, torch.tensor([2])))
    with pytest.raises(ValueError, match="needs at least one row"):
        gradient_share(model, Split({m: torch.zeros(0, 2) for m in "ab"}, torch.zeros(0, dtype=torch.long)))
    with pytest.raises(ValueError, match="all weights of block 2 of 'a' are 0"):
        gradient_share(diagonal(a=[2.0, 0.0], b=[1.0]), split)
    with pytest.raises(ValueError, match="NaN or infinite values and cannot be measured"):
        gradient_share(diagonal(a=[2.0, float("nan")], b=[1.0]), split)
    model.encoders["b"] = nn.Identity()
    with pytest.raises(ValueError, match=r"encoder of 'b' \(Identity\) has no blocks to look at"):
        gradient_share(model, split)
