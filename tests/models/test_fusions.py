"""Every fusion: how many modalities it takes, its penultimate vector, and each modality's share of the logits."""

import math

import pytest
import torch
from torch import nn

from mmlib.models import (
    FUSIONS,
    AttentionFusion,
    ConcatFusion,
    FiLMFusion,
    GatedFusion,
    LinearFusion,
    SumFusion,
    maxout_head,
)
from mmlib.models.fusion import Fusion

AFFINE = ("concat", "sum", "linear")
PAIRS = ("gated", "film")


def build(name, modalities=2, classes=3, **options):
    torch.manual_seed(0)
    widths = {m: 4 + i for i, m in enumerate("avtxyzw"[:modalities])}
    fusion = FUSIONS[name](widths, classes, **options)
    return fusion, {m: torch.randn(5, width) for m, width in widths.items()}


@pytest.mark.parametrize("modalities", range(2, 7))
@pytest.mark.parametrize("name", sorted(set(FUSIONS) - set(PAIRS)))
def test_two_to_six_modalities(name, modalities):
    fusion, features = build(name, modalities)
    assert fusion(features).shape == (5, 3)
    assert list(fusion.modality_logits(features)) == list(features)


@pytest.mark.parametrize("modalities", [1, 7])
@pytest.mark.parametrize("name", sorted(set(FUSIONS) - set(PAIRS)))
def test_one_or_seven_modalities_raise(name, modalities):
    with pytest.raises(ValueError, match=f"takes 2 to 6 modalities, got {modalities}: "):
        build(name, modalities)


@pytest.mark.parametrize("modalities", [1, 3, 6])
@pytest.mark.parametrize("name", PAIRS)
def test_fusions_of_pairs_say_so(name, modalities):
    with pytest.raises(ValueError, match=f"takes exactly 2 modalities, got {modalities}: "):
        build(name, modalities)


@pytest.mark.parametrize("name", FUSIONS)
def test_the_last_linear_map_follows_the_fused_vector(name):
    """logits - W fused is the bias, the same for every row; W is the last weight (of all modalities together)."""
    fusion, features = build(name)
    weight = torch.cat(list(fusion.last_weights), 1)
    rest = fusion(features) - fusion.fused(features) @ weight.T
    torch.testing.assert_close(rest, rest[:1].expand(5, 3))
    assert all(any(w is p for p in fusion.parameters()) for w in fusion.last_weights)


@pytest.mark.parametrize("name", FUSIONS)
def test_the_gradient_reaches_every_parameter(name):
    fusion, features = build(name)
    (fusion(features) * torch.randn(5, 3)).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in fusion.parameters())


@pytest.mark.parametrize("modalities", [2, 3, 6])
@pytest.mark.parametrize("name", AFFINE)
def test_shares_of_affine_fusions_add_up(name, modalities):
    fusion, features = build(name, modalities)
    with torch.no_grad():
        for p in fusion.parameters():
            p.normal_()
    shares = fusion.modality_logits(features)
    torch.testing.assert_close(sum(shares.values()), fusion(features))
    changed = fusion.modality_logits({**features, "a": features["a"] + 1})
    assert not torch.allclose(shares["a"], changed["a"])
    assert all(torch.equal(shares[m], changed[m]) for m in shares if m != "a")


@pytest.mark.parametrize("name", [*PAIRS, "attention"])
def test_shares_of_other_fusions_have_the_others_at_zero(name):
    fusion, features = build(name)
    shares = fusion.modality_logits(features)
    for m in features:
        alone = {n: f if n == m else torch.zeros_like(f) for n, f in features.items()}
        torch.testing.assert_close(shares[m], fusion(alone), rtol=0, atol=0)


def test_concat_by_hand():
    fusion, f = build("concat", 3)
    joined = torch.cat([f["a"], f["v"], f["t"]], 1)
    torch.testing.assert_close(fusion(f), joined @ fusion.head.weight.T + fusion.head.bias)
    assert torch.equal(fusion.fused(f), joined)
    assert torch.equal(fusion.fused(dict(reversed(f.items()))), joined)  # in the order of widths


def test_sum_and_linear_by_hand():
    fusion, f = build("sum")
    heads = fusion.heads
    expected = f["a"] @ heads["a"].weight.T + heads["a"].bias + f["v"] @ heads["v"].weight.T + heads["v"].bias
    torch.testing.assert_close(fusion(f), expected)
    fusion, f = build("linear")
    nn.init.normal_(fusion.bias)
    expected = f["a"] @ fusion.projections["a"].weight.T + f["v"] @ fusion.projections["v"].weight.T + fusion.bias
    torch.testing.assert_close(fusion(f), expected)
    assert all(p.bias is None for p in fusion.projections.values())


def test_gated_and_film_by_hand():
    fusion, f = build("gated")
    gate = torch.sigmoid(f["a"] @ fusion.gate.weight.T + fusion.gate.bias)
    expected = gate * (f["v"] @ fusion.value.weight.T + fusion.value.bias)
    torch.testing.assert_close(fusion.fused(f), expected)
    fusion, f = build("film")
    gamma, beta = (f["a"] @ layer.weight.T + layer.bias for layer in (fusion.gamma, fusion.beta))
    torch.testing.assert_close(fusion.fused(f), gamma * f["v"] + beta)
    torch.testing.assert_close(fusion(f), fusion.output(fusion.fused(f)))


def test_attention_by_hand():
    fusion, f = build("attention", 3, width=8, heads=2)
    x = torch.stack([fusion.tokens[m](f[m]) for m in f], 1)
    q, k, v = (x @ fusion.attention.in_proj_weight.T + fusion.attention.in_proj_bias).chunk(3, -1)
    heads = []
    for h in range(2):
        part = slice(4 * h, 4 * h + 4)
        weights = (q[..., part] @ k[..., part].transpose(1, 2) / math.sqrt(4)).softmax(-1)
        heads.append(weights @ v[..., part])
    asked = fusion.attention.out_proj(torch.cat(heads, -1))
    torch.testing.assert_close(fusion.fused(f), fusion.norm(x + asked).flatten(1))


@pytest.mark.parametrize(("least", "heads", "width"), [(4, 4, 4), (11, 4, 8), (3, 4, 4)])
def test_attention_chooses_a_width_its_heads_divide(least, heads, width):
    assert AttentionFusion({"a": least, "v": 64}, 3, heads=heads).norm.normalized_shape == (width,)


def test_concat_with_an_early_head():
    head = maxout_head(9, 3, (8, 6))
    fusion = ConcatFusion({"a": 4, "v": 5}, 3, head=head).eval()
    f = {"a": torch.randn(5, 4), "v": torch.randn(5, 5)}
    joined = torch.cat([f["a"], f["v"]], 1)
    torch.testing.assert_close(fusion(f), head(joined))
    assert fusion.fused(f).shape == (5, 6)
    assert fusion.last_weights[0] is head[-1].weight
    alone = {"a": f["a"], "v": torch.zeros(5, 5)}
    torch.testing.assert_close(fusion.modality_logits(f)["a"], fusion(alone))


def test_maxout_keeps_the_largest_of_each_pair():
    head = maxout_head(4, 3, (6, 5)).eval()
    x = torch.randn(7, 4)
    candidates = head[1].linear(x)
    torch.testing.assert_close(head[1](x), torch.maximum(candidates[:, 0::2], candidates[:, 1::2]))
    assert [type(layer).__name__ for layer in head] == [
        "BatchNorm1d", "MaxOut", "BatchNorm1d", "Dropout", "MaxOut", "BatchNorm1d", "Dropout", "Linear",
    ]  # fmt: skip
    assert head[0].eps == 1e-4
    assert [p.out_features for p in (head[1].linear, head[4].linear)] == [12, 10]


@pytest.mark.parametrize("head", [nn.ReLU(), nn.Sequential(), nn.Conv1d(8, 3, 1)])
def test_a_head_must_hold_a_linear_map(head):
    with pytest.raises(TypeError, match="head must hold an nn.Linear, the map to logits"):
        ConcatFusion({"a": 4, "v": 4}, 3, head=head)


class OwnHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.output = nn.Linear(8, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.output(self.hidden(x).relu())


def test_a_head_can_be_any_module():
    fusion = ConcatFusion({"a": 4, "v": 4}, 3, head=OwnHead())
    f = {"a": torch.randn(5, 4), "v": torch.randn(5, 4)}
    torch.testing.assert_close(fusion(f), fusion.head.output(fusion.fused(f)))
    assert fusion.fused(f).shape == (5, 6) and not fusion.is_additive


@pytest.mark.parametrize("name", ["type", "items", "a.b", ""])
def test_names_that_pytorch_needs_itself_are_refused(name):
    with pytest.raises(ValueError, match="a modality cannot be named"):
        ConcatFusion({name: 4, "v": 4}, 3)


def test_a_head_must_fit():
    with pytest.raises(ValueError, match="head gives 4 logits, expected num_classes = 3"):
        ConcatFusion({"a": 4, "v": 4}, 3, head=nn.Linear(8, 4))
    with pytest.raises(ValueError, match="head reads 7 features, expected 8"):
        ConcatFusion({"a": 4, "v": 4}, 3, head=nn.Linear(7, 3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SumFusion({"a": 0, "v": 3}, 2), "width of modality 'a' must be at least 1"),
        (lambda: LinearFusion({"a": 2, "v": 3}, 0), "num_classes must be at least 1"),
        (lambda: FiLMFusion({"a": 2, "v": 3}, math.nan), "num_classes must be a whole number"),
        (lambda: GatedFusion({"a": 2, "v": 3}, 2, width=-1), "width must be at least 1"),
        (lambda: AttentionFusion({"a": 2, "v": 3}, 2, heads=0), "heads must be at least 1"),
        (lambda: AttentionFusion({"a": 2, "v": 3}, 2, width=-4), "width must be at least 1"),
        (
            lambda: AttentionFusion({"a": 2, "v": 3}, 2, width=6, heads=4),
            "heads must divide width, got 4 heads for width 6",
        ),
        (lambda: maxout_head(4, 3, dropout=math.nan), "dropout must be"),
        (lambda: maxout_head(4, 3, widths=(0, 3)), "width must be at least 1"),
    ],
)
def test_bad_options_raise_and_name_the_option(make, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        make()


def test_every_fusion_is_documented():
    assert all(issubclass(fusion, Fusion) and fusion.__doc__ for fusion in FUSIONS.values())
