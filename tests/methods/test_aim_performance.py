"""Performance and contributions on numbers small enough to be worked out by hand."""

import math

import pytest
import torch

from mmlib.methods.aim.performance import TAU, class_means, contributions, performance, prototype_logits

# Two classes; their mean is (1, 1), the centred prototypes are (1, 0) and (-1, 0).
P = torch.tensor([[2.0, 1.0], [0.0, 1.0]], dtype=torch.double)
# Centred: (3, 0), (0, 2), (-1, 1): cosines with the first prototype 1, 0, -1/sqrt 2.
H = torch.tensor([[4.0, 1.0], [1.0, 3.0], [0.0, 2.0]], dtype=torch.double)
S = 1 / math.sqrt(2)


def close(found, expected):
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.double), rtol=0, atol=1e-14)


def test_tau():
    assert TAU == 10


def test_logits_are_scaled_cosines_of_centred_vectors():
    close(prototype_logits(H, P), [[10.0, -10.0], [0.0, 0.0], [-10 * S, 10 * S]])


def test_a_mask_leaves_the_other_channels_out_of_both_vectors():
    close(prototype_logits(H, P, torch.tensor([1.0, 0.0]).double()), [[10.0, -10.0], [0.0, 0.0], [-10.0, 10.0]])
    close(prototype_logits(H, P, torch.tensor([0.0, 1.0]).double()), [[0.0, 0.0]] * 3)
    close(prototype_logits(H, P, torch.zeros(2).double()), [[0.0, 0.0]] * 3)


def test_logits_do_not_depend_on_where_the_origin_is_nor_on_the_scale():
    shift = torch.tensor([5.0, -3.0]).double()
    torch.testing.assert_close(prototype_logits(4 * (H + shift), 4 * (P + shift)), prototype_logits(H, P))


def test_performance_is_the_mean_probability_of_the_true_class():
    sure, unsure = 1 / (1 + math.exp(-20)), 1 / (1 + math.exp(-20 * S))
    close(performance(H, P, torch.tensor([0, 1, 1])), (sure + 0.5 + unsure) / 3)
    close(performance(H, P, torch.tensor([1, 0, 0])), (1 - sure + 0.5 + 1 - unsure) / 3)


def test_contributions():
    """Row 1: h (1, 0), true minus other (2, 0); row 2: h (0, 1), (-2, 0); row 3: h (-s, s), (-2, 0)."""
    close(contributions(H, P, torch.tensor([0, 1, 1])), [(2 + 0 + 2 * S) / 3, 0.0])


def test_contributions_with_three_classes_take_the_mean_of_the_others():
    P3 = torch.tensor([[3.0, 0.0], [0.0, 3.0], [0.0, 0.0]]).double()  # mean (1, 1)
    p = [(2 / math.sqrt(5), -1 / math.sqrt(5)), (-1 / math.sqrt(5), 2 / math.sqrt(5)), (-S, -S)]
    h = torch.tensor([[1.0, 3.0]]).double()  # centred and normalised (0, 1)
    close(contributions(h, P3, torch.tensor([1])), [0.0, p[1][1] - (p[0][1] + p[2][1]) / 2])


def test_contributions_add_up_to_the_difference_of_the_cosines():
    torch.manual_seed(0)
    h, P3, y = torch.randn(6, 4).double(), torch.randn(3, 4).double(), torch.arange(6) % 3
    cosines = prototype_logits(h, P3) / TAU
    true = cosines[torch.arange(6), y]
    expected = (true - (cosines.sum(1) - true) / 2).mean()
    torch.testing.assert_close(contributions(h, P3, y).sum(), expected)


def test_class_means():
    h = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]]).double()
    close(class_means(h, torch.tensor([1, 0, 1]), 2), [[3.0, 4.0], [3.0, 5.5]])


@pytest.mark.parametrize(("labels", "missing"), [([0, 0, 2], [1]), ([1, 1, 1], [0, 2]), ([0, 1, 0], [2])])
def test_a_class_without_rows_has_no_mean(labels, missing):
    message = f"a class mean needs rows of every class, of 3 classes \\{missing}".replace("]", "\\]")
    with pytest.raises(ValueError, match=message):
        class_means(torch.ones(3, 2), torch.tensor(labels), 3)


def test_the_type_of_the_numbers_stays():
    for dtype in (torch.float32, torch.float64):
        h, y = torch.randn(6, 4, dtype=dtype), torch.arange(6) % 3
        means = class_means(h, y, 3)
        for value in (means, performance(h, means, y), contributions(h, means, y), prototype_logits(h, means)):
            assert value.dtype == dtype
