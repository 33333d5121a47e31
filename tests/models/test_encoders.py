"""Every encoder: shapes, blocks from shallow to deep, gradients everywhere, clear errors."""

import math

import pytest
import torch
from torch import nn

from mmlib.models import ENCODERS, MLP, Conv1d, Conv2d, Encoder, ResNet18, Transformer, build_encoder
from mmlib.models.modes import same_in_eval

# kind -> (shape of a sample, options, width, number of blocks)
CASES = {
    "mlp": ((3, 5), {"width": 7, "depth": 4}, 7, 4),
    "conv1d": ((2, 20), {"width": 6, "depth": 3}, 6, 3),
    "conv2d": ((3, 12, 10), {"width": 6, "depth": 2}, 6, 2),
    "resnet18": ((2, 32, 40), {}, 512, 5),
    "transformer": ((9, 3), {"width": 8, "depth": 2, "heads": 2, "feedforward": 16}, 8, 3),
}


def build(kind, **more):
    shape, options, width, depth = CASES[kind]
    torch.manual_seed(0)
    return build_encoder(kind, shape, **{**options, **more}), torch.randn(4, *shape), width, depth


@pytest.fixture(params=CASES)
def kind(request):
    return request.param


def test_every_encoder_is_tested():
    assert set(CASES) == set(ENCODERS)


def test_features_and_blocks(kind):
    encoder, x, width, depth = build(kind)
    assert isinstance(encoder, Encoder) and isinstance(encoder.blocks, nn.ModuleList)
    assert encoder(x).shape == (4, width) and encoder.width == width
    assert len(encoder.blocks) == depth


def test_blocks_in_order_give_the_features(kind):
    encoder, x, width, _ = build(kind)
    encoder.eval()
    h, depths = x, []
    for block in encoder.blocks:
        h = block(h)
        depths.append(encoder.pool(h))
    assert torch.equal(encoder.pool(h), encoder(x))
    assert all(d.ndim == 2 and len(d) == 4 for d in depths)


def test_every_parameter_is_in_exactly_one_block(kind):
    encoder, _, _, _ = build(kind)
    inside = [id(p) for block in encoder.blocks for p in block.parameters()]
    assert sorted(inside) == sorted(id(p) for p in encoder.parameters())
    assert all(list(block.parameters()) for block in encoder.blocks)


def test_the_gradient_reaches_every_parameter(kind):
    encoder, x, width, _ = build(kind)
    (encoder(x) * torch.randn(4, width)).sum().backward()
    for name, p in encoder.named_parameters():
        assert p.grad is not None and p.grad.abs().sum() > 0, name


@pytest.mark.parametrize("kind", ["mlp", "conv1d", "conv2d", "resnet18"])
def test_without_norm_training_and_evaluation_agree(kind):
    encoder, x, _, _ = build(kind, norm="none")
    assert same_in_eval(encoder)
    assert torch.equal(encoder.train()(x), encoder.eval()(x))
    with_norm, x, _, _ = build(kind, norm="batch")
    assert not same_in_eval(with_norm)
    assert not torch.allclose(with_norm.train()(x), with_norm.eval()(x), atol=1e-3)


def test_a_transformer_without_dropout_agrees_too():
    encoder, x, _, _ = build("transformer", dropout=0.0)
    assert same_in_eval(encoder)
    torch.testing.assert_close(encoder.train()(x), encoder.eval()(x))
    assert not same_in_eval(build("transformer", dropout=0.1)[0])


# 11,166,912 in convolutions and 9,600 scales and shifts: the usual 11,689,512 of a ResNet-18 less its classifier.
@pytest.mark.parametrize(
    ("channels", "count"), [(3, 11_176_512), (2, 11_176_512 - 49 * 64), (1, 11_176_512 - 2 * 49 * 64)]
)
def test_resnet18_has_the_usual_parameters(channels, count):
    assert sum(p.numel() for p in ResNet18(channels).parameters()) == count


def test_resnet18_without_norm_has_biases_instead():
    convolutions = sum(p.numel() for p in ResNet18(3).parameters() if p.ndim == 4)
    assert sum(p.numel() for p in ResNet18(3, norm="none").parameters()) == convolutions + 4800


def test_resnet18_shrinks_the_image_thirty_two_times():
    encoder, h = ResNet18(1), torch.randn(2, 1, 64, 96)
    shapes = []
    for block in encoder.blocks:
        h = block(h)
        shapes.append(tuple(h.shape[1:]))
    assert shapes == [(64, 16, 24), (64, 16, 24), (128, 8, 12), (256, 4, 6), (512, 2, 3)]


def test_resnet18_without_norm_keeps_a_usable_scale():
    torch.manual_seed(0)
    features = ResNet18(3, norm="none")(torch.randn(4, 3, 64, 64))
    assert torch.isfinite(features).all() and 1e-3 < features.std() < 1e3


def test_a_convolution_halves_every_axis():
    assert Conv1d(2, width=4, depth=1).blocks[0](torch.randn(3, 2, 16)).shape == (3, 4, 8)
    assert Conv2d(2, width=4, depth=1).blocks[0](torch.randn(3, 2, 16, 12)).shape == (3, 4, 8, 6)


def test_transformer_of_tokens():
    encoder = Transformer(vocabulary=11, length=6, width=8, heads=2, depth=1, dropout=0.0)
    tokens = torch.randint(11, (3, 6))
    assert encoder(tokens).shape == (3, 8)
    assert not torch.allclose(encoder(tokens), encoder(tokens.flip(1)), atol=1e-4)  # positions matter


@pytest.mark.parametrize("wrong", [11, -1])
def test_a_token_id_outside_the_vocabulary_is_named(wrong):
    encoder = Transformer(vocabulary=11, length=6, width=8, heads=2, depth=1)
    with pytest.raises(ValueError, match=rf"token ids are from {min(wrong, 4)} to .*for 0 to 10: .* the vocabulary of"):
        encoder(torch.tensor([[4, wrong, 5]]))


def test_samples_of_one_axis_are_numbers_of_words_for_a_transformer():
    encoder = build_encoder("transformer", (6,), vocabulary=11, width=8, heads=2, dropout=0.0)
    assert encoder(torch.randint(11, (3, 6))).shape == (3, 8)
    assert encoder.blocks[0].embed.weight.shape == (11, 8) and encoder.blocks[0].positions.shape == (6, 8)
    with pytest.raises(ValueError, match=r"shape \(6,\) for numbers of words: give it the option vocabulary"):
        build_encoder("transformer", (6,))
    with pytest.raises(ValueError, match="unknown option of encoder 'transformer' 'vocabular'.*mean 'vocabulary'"):
        build_encoder("transformer", (6,), vocabulary=11, vocabular=11)
    with pytest.raises(ValueError, match="either in_features .* or vocabulary"):
        build_encoder("transformer", (6, 3), vocabulary=11)


def test_transformer_pools_the_mean_or_the_first_step():
    mean, x, _, _ = build("transformer", dropout=0.0)
    first, _, _, _ = build("transformer", dropout=0.0, pool="first")
    h = x
    for block in first.blocks:
        h = block(h)
    torch.testing.assert_close(first(x), h[:, 0])
    torch.testing.assert_close(mean(x), h.mean(1))


def test_transformer_says_when_a_sequence_is_too_long():
    with pytest.raises(ValueError, match="sequences have 9 steps, this Transformer was built for at most 8"):
        build("transformer", length=8)[0](torch.randn(1, 9, 3))


BAD = [
    (MLP, {"in_features": 0}, "in_features"),
    (MLP, {"in_features": 3, "width": -1}, "width"),
    (MLP, {"in_features": 3, "depth": 0}, "depth"),
    (MLP, {"in_features": 3, "dropout": -0.1}, "dropout"),
    (MLP, {"in_features": 3, "dropout": math.nan}, "dropout"),
    (MLP, {"in_features": 3, "norm": "layer"}, "norm"),
    (Conv1d, {"channels": 0}, "channels"),
    (Conv1d, {"channels": 2, "width": math.nan}, "width"),
    (Conv1d, {"channels": 2, "depth": -1}, "depth"),
    (Conv2d, {"channels": 1.5}, "channels"),
    (Conv2d, {"channels": 2, "norm": "nan"}, "norm"),
    (ResNet18, {"in_channels": 4}, "in_channels"),
    (ResNet18, {"in_channels": math.nan}, "in_channels"),
    (ResNet18, {"norm": None}, "norm"),
    (Transformer, {"in_features": -1}, "in_features"),
    (Transformer, {"vocabulary": 0}, "vocabulary"),
    (Transformer, {"in_features": 3, "length": 0}, "length"),
    (Transformer, {"in_features": 3, "width": math.nan}, "width"),
    (Transformer, {"in_features": 3, "depth": 0}, "depth"),
    (Transformer, {"in_features": 3, "heads": -2}, "heads"),
    (Transformer, {"in_features": 3, "width": 10, "heads": 4}, "heads"),
    (Transformer, {"in_features": 3, "feedforward": -1}, "feedforward"),
    (Transformer, {"in_features": 3, "dropout": 1.5}, "dropout"),
    (Transformer, {"in_features": 3, "pool": "last"}, "pool"),
]


@pytest.mark.parametrize(("encoder", "options", "name"), BAD)
def test_bad_options_raise_and_name_the_option(encoder, options, name):
    with pytest.raises((TypeError, ValueError), match=rf"^(unknown )?{name} "):
        encoder(**options)


@pytest.mark.parametrize("options", [{}, {"in_features": 3, "vocabulary": 5}])
def test_a_transformer_takes_vectors_or_tokens(options):
    with pytest.raises(ValueError, match="either in_features .* or vocabulary"):
        Transformer(**options)


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_sample_without_an_axis_is_refused_in_words(kind):
    with pytest.raises(ValueError, match=r"shape \(\) is a single number: give the rows an axis, \[N, 1\]"):
        build_encoder(kind, ())
