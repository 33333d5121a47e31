"""The Shapley value against its definition by orders of arrival, and against cases known by hand."""

from itertools import permutations

import pytest
import torch

from mmlib.coalitions import shapley, subsets


def by_orders(value, players, empty=0.0):
    """Mean marginal contribution over all orders in which the players can arrive."""
    total = dict.fromkeys(players, 0.0)
    orders = list(permutations(players))
    for order in orders:
        before = empty
        for i, m in enumerate(order):
            after = value[tuple(p for p in players if p in order[: i + 1])]
            total[m] += (after - before) / len(orders)
            before = after
    return total


def game(players, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {s: torch.randn((), generator=generator, dtype=torch.double).item() for s in subsets(players)}


def test_subsets_are_in_order():
    assert subsets("abc") == [("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c")]


def exact(value, players, empty=0.0):
    """shapley of numbers: each as a float64 tensor, and back."""
    tensors = {s: torch.tensor(v, dtype=torch.double) for s, v in value.items()}
    return {m: phi.item() for m, phi in shapley(tensors, players, empty).items()}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("empty", [0.0, 0.7])
def test_equals_the_mean_over_orders(count, empty):
    players = "abcdef"[:count]
    value = game(players)
    phi, expected = exact(value, players, empty), by_orders(value, players, empty)
    assert phi == pytest.approx(expected, abs=1e-12)
    assert sum(phi.values()) == pytest.approx(value[tuple(players)] - empty, abs=1e-12)


def test_a_player_without_effect_gets_nothing_and_equals_share():
    value = {s: float("a" in s) for s in subsets("abc")}
    assert exact(value, "abc") == pytest.approx({"a": 1.0, "b": 0.0, "c": 0.0}, abs=1e-12)
    glove = {s: float(len(s) >= 2) for s in subsets("abc")}
    assert exact(glove, "abc") == pytest.approx(dict.fromkeys("abc", 1 / 3), abs=1e-12)


def test_tensors_are_taken_element_by_element():
    value = {s: torch.tensor([x, 2 * x]) for s, x in game("abc").items()}
    for m, phi in shapley(value, "abc").items():
        torch.testing.assert_close(phi[1], 2 * phi[0])
        assert phi[0].item() == pytest.approx(exact(game("abc"), "abc")[m], abs=1e-6)
