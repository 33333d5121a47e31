"""Logits of all coalitions at once, and the two halves of a fusion: terms and join."""

import pytest
import torch
from torch import nn

from mmlib.coalitions import mixed_logits, subsets
from mmlib.models import FUSIONS, ConcatFusion, maxout_head

NAMES = ("a", "v", "t")


def build(name, modalities):
    torch.manual_seed(0)
    widths = {m: 4 + i for i, m in enumerate(NAMES[:modalities])}
    if name == "maxout":
        return ConcatFusion(widths, 3, maxout_head(sum(widths.values()), 3, (8, 6))).eval(), widths
    return FUSIONS[name](widths, 3), widths


CASES = [(name, m) for name in (*FUSIONS, "maxout") for m in (2, 3) if m == 2 or name not in ("gated", "film")]


@pytest.mark.parametrize(("name", "modalities"), CASES)
def test_the_terms_joined_are_the_logits(name, modalities):
    fusion, widths = build(name, modalities)
    features = {m: torch.randn(5, width) for m, width in reversed(widths.items())}
    terms = fusion.terms(features)
    assert list(terms) == list(widths)  # the fusion's order, whatever the caller's
    torch.testing.assert_close(fusion.join(terms), fusion(features))
    if fusion.is_additive:
        assert all(term.shape == (5, 3) for term in terms.values())
        zero = fusion.terms({m: torch.zeros(1, width) for m, width in widths.items()})
        assert all(not term.any() for term in zero.values())  # no bias in them


@pytest.mark.parametrize(("name", "modalities"), CASES)
@pytest.mark.parametrize("outside_rows", [1, 5])
def test_every_coalition_is_mixed_as_if_by_hand(name, modalities, outside_rows):
    fusion, widths = build(name, modalities)
    inside = {m: torch.randn(5, width) for m, width in widths.items()}
    outside = {m: torch.randn(outside_rows, width) for m, width in widths.items()}
    logits = mixed_logits(fusion, fusion.terms(inside), fusion.terms(outside))
    coalitions = subsets(tuple(widths))[:-1]
    assert logits.shape == (len(coalitions), 5, 3)
    for found, s in zip(logits, coalitions, strict=True):
        features = {m: inside[m] if m in s else outside[m].expand(5, -1) for m in widths}
        torch.testing.assert_close(found, fusion(features))


class Tripled(nn.Linear):
    """A linear layer that is more than its weight and bias say."""

    def forward(self, x):
        return 3 * super().forward(x)


@pytest.mark.parametrize(
    ("head", "additive"), [(nn.Linear(9, 3, bias=False), True), (nn.Linear(9, 3), True), (Tripled(9, 3), False)]
)
def test_the_terms_of_any_head_joined_are_the_logits(head, additive):
    fusion = ConcatFusion({"a": 4, "v": 5}, 3, head)
    features = {"a": torch.randn(6, 4), "v": torch.randn(6, 5)}
    assert fusion.is_additive == additive
    torch.testing.assert_close(fusion.join(fusion.terms(features)), fusion(features))
