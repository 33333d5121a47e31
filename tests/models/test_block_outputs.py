"""Outputs of every block of an encoder, with or without factors on their channels."""

import pytest
import torch

from mmlib.models import ENCODERS, Encoder, build_encoder
from mmlib.models.encoder import check_blocks

# kind -> (shape of a sample, options)
CASES = {
    "mlp": ((3, 5), {"width": 7, "depth": 3}),
    "conv1d": ((2, 20), {"width": 6, "depth": 3}),
    "conv2d": ((3, 12, 10), {"width": 6, "depth": 2}),
    "resnet18": ((2, 32, 40), {}),
    "transformer": ((9, 3), {"width": 8, "depth": 2, "heads": 2, "feedforward": 16}),
    "transformer_first": ((9, 3), {"width": 8, "depth": 2, "heads": 2, "feedforward": 16, "pool": "first"}),
    "tokens": ((9,), {"width": 8, "depth": 2, "heads": 2, "feedforward": 16}),
}


def build(case):
    """(an encoder, a batch of 4, the axis of the channels in a block's output)."""
    torch.manual_seed(0)
    shape, options = CASES[case]
    kind = case.partition("_")[0]
    if kind == "tokens":
        encoder = build_encoder("transformer", (9, 1), **options).eval()
        encoder.blocks[0].embed = torch.nn.Embedding(11, 8)
        return encoder, torch.randint(11, (4, *shape)), -1
    return build_encoder(kind, shape, **options).eval(), torch.randn(4, *shape), -1 if kind == "transformer" else 1


@pytest.fixture(params=CASES)
def case(request):
    return build(request.param)


def test_every_encoder_is_tested():
    assert {name.partition("_")[0] for name in CASES} == {*ENCODERS, "tokens"}


def test_the_last_output_pooled_is_what_forward_gives(case):
    encoder, x, _ = case
    outputs = encoder.outputs(x)
    assert len(outputs) == len(encoder.blocks)
    assert torch.equal(encoder.pool(outputs[-1]), encoder(x))
    h = x
    for block, output in zip(encoder.blocks, outputs, strict=True):
        h = block(h)
        assert torch.equal(h, output)


def test_from_a_later_block_on(case):
    encoder, x, _ = case
    outputs = encoder.outputs(x)
    for start in range(1, len(outputs)):
        rest = encoder.outputs(outputs[start - 1], start)
        assert len(rest) == len(outputs) - start
        assert all(torch.equal(one, other) for one, other in zip(rest, outputs[start:], strict=True))
    assert encoder.outputs(outputs[-1], len(outputs)) == []


def scaled_by_hand(h, factors, axis):
    channels = [h.select(axis, c) * f for c, f in enumerate(factors)]
    return torch.stack(channels, axis)


@pytest.mark.parametrize("start", [0, 1])
def test_factors_scale_every_output_before_it_goes_on(case, start):
    encoder, x, axis = case
    plain = encoder.outputs(x)
    factors = [torch.rand(h.shape[axis]) for h in plain]
    h = x if start == 0 else plain[0]
    for d, output in enumerate(encoder.outputs(h, start, factors), start):
        h = scaled_by_hand(encoder.blocks[d](h), factors[d], axis)
        assert torch.equal(h, output)
    assert torch.equal(h, encoder.scale_channels(encoder.outputs(x if start == 0 else plain[0], start, [
        *factors[:-1], torch.ones_like(factors[-1])])[-1], factors[-1]))  # fmt: skip


def test_scaling_changes_no_shape_and_ones_change_nothing(case):
    encoder, x, axis = case
    for h in encoder.outputs(x):
        assert torch.equal(encoder.scale_channels(h, torch.ones(h.shape[axis])), h)
        factors = torch.rand(h.shape[axis])
        torch.testing.assert_close(encoder.pool(encoder.scale_channels(h, factors)), encoder.pool(h) * factors)


class InPlaceFirst(torch.nn.Sequential):
    """A block that begins by overwriting what it is given."""

    def __init__(self, width):
        super().__init__(torch.nn.ReLU(inplace=True), torch.nn.Linear(width, width))


def test_a_block_that_overwrites_the_output_before_it_is_named():
    encoder = Encoder([torch.nn.Linear(4, 6), InPlaceFirst(6)], width=6)
    with pytest.raises(RuntimeError, match="block 2 changes the output of block 1 in place: use inplace=False"):
        encoder.outputs(torch.randn(3, 4))


def test_a_block_may_overwrite_what_nobody_else_reads():
    encoder = Encoder([InPlaceFirst(4), torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(inplace=True))], 4)
    assert len(encoder.outputs(torch.randn(3, 4))) == 2
    with torch.inference_mode():
        assert len(encoder.outputs(torch.randn(3, 4))) == 2


class Negated(Encoder):
    """Does what outputs do not show."""

    def forward(self, x):
        return -super().forward(x)


class Shown(Negated):
    def outputs(self, x, start=0, factors=None):
        return [-h for h in super().outputs(x, start, factors)]


def test_an_encoder_whose_outputs_do_not_go_with_its_forward_is_named():
    blocks = [torch.nn.Linear(4, 4)]
    with pytest.raises(ValueError, match=r"the encoder of 'a' \(Negated\) has a forward of its own: override outputs"):
        check_blocks("a", Negated(blocks, 4))
    check_blocks("a", Shown(blocks, 4))
    check_blocks("a", Encoder(blocks, 4))
