"""The strength of every block from the performances, by hand."""

from math import tanh

import pytest
import torch

from mmlib.methods.aim.dam import DAMS, strengths


def of(performance, gamma=1.0, dam="ratio"):
    given = {m: torch.tensor(g, dtype=torch.double) for m, g in performance.items()}
    return {m: a.tolist() for m, a in strengths(given, gamma, dam).items()}


def close(found, expected):
    assert found.keys() == expected.keys()
    for m in found:
        assert found[m] == pytest.approx(expected[m], abs=1e-14), m


TWO = {"a": [0.6, 0.3], "v": [0.4, 0.6]}


def test_ratio():
    close(of(TWO), {"a": [tanh(0.5), 0], "v": [0, tanh(1.0)]})
    close(of(TWO, gamma=3.0), {"a": [tanh(1.5), 0], "v": [0, tanh(3.0)]})


def test_gap():
    close(of(TWO, 2.0, "gap"), {"a": [tanh(0.4), 0], "v": [0, tanh(0.6)]})


def test_const_is_the_mean_of_the_ratios_strengths():
    close(of(TWO, dam="const"), {"a": [tanh(0.5) / 2] * 2, "v": [tanh(1.0) / 2] * 2})


def test_last_is_the_ratio_at_the_last_depth_alone():
    close(of(TWO, dam="last"), {"a": [0, 0], "v": [0, tanh(1.0)]})


def test_three_modalities_are_compared_with_the_mean_of_the_others():
    three = {"a": [0.9], "v": [0.5], "t": [0.1]}
    close(of(three), {"a": [tanh(0.9 / 0.3 - 1)], "v": [0], "t": [0]})
    close(of(three, dam="gap"), {"a": [tanh(0.6)], "v": [0], "t": [0]})
    two_ahead = {"a": [0.9], "v": [0.8], "t": [0.1]}
    close(of(two_ahead), {"a": [tanh(1.0)], "v": [tanh(0.8 / 0.5 - 1)], "t": [0]})


def test_encoders_of_other_depth_are_compared_at_the_same_relative_depth():
    """Depths 1, 2, 3 of a with 1, 2, 2 of v; depths 1, 2 of v with 2, 3 of a."""
    found = of({"a": [0.4, 0.6, 0.9], "v": [0.2, 0.3]})
    close(found, {"a": [tanh(1.0), tanh(1.0), tanh(2.0)], "v": [0, 0]})
    close(of({"a": [0.4, 0.2, 0.1], "v": [0.3, 0.3]}), {"a": [tanh(1 / 3), 0, 0], "v": [tanh(0.5), tanh(2.0)]})
    close(of({"a": [0.9, 0.8, 0.4], "v": [0.2]}), {"a": [tanh(3.5), tanh(3.0), tanh(1.0)], "v": [0]})


@pytest.mark.parametrize("dam", DAMS)
def test_without_gamma_there_is_none(dam):
    assert set(sum(of(TWO, 0.0, dam).values(), [])) == {0.0}


@pytest.mark.parametrize("dam", DAMS)
def test_equals_are_not_modulated(dam):
    assert set(sum(of({"a": [0.5, 0.1], "v": [0.5, 0.1], "t": [0.5, 0.1]}, dam=dam).values(), [])) == {0.0}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_performance_of_nought(dtype):
    """Nobody knows anything: no strength. Only the rivals do not: the full one. Never NaN."""
    g = {"a": torch.tensor([0.0, 0.5], dtype=dtype), "v": torch.zeros(2, dtype=dtype)}
    found = strengths(g, 1.0, "ratio")
    assert found["a"].tolist() == [0, 1] and found["v"].tolist() == [0, 0]
    assert found["a"].dtype == dtype


@pytest.mark.parametrize("modalities", range(2, 7))
@pytest.mark.parametrize("dam", DAMS)
def test_the_weakest_is_never_modulated_and_all_strengths_are_shares(modalities, dam):
    torch.manual_seed(modalities)
    g = {m: torch.rand(4).double() for m in "avtxyz"[:modalities]}
    found = strengths(g, 2.0, dam)
    stacked, alpha = torch.stack(list(g.values())), torch.stack(list(found.values()))
    assert ((0 <= alpha) & (alpha <= 1)).all() and alpha.any()
    if dam in ("ratio", "gap"):
        assert (alpha.gather(0, stacked.argmin(0)[None]) == 0).all()
        assert (alpha.gather(0, stacked.argmax(0)[None]) > 0).all()


def test_the_strengths_of_const_share_no_memory():
    alpha = strengths({"a": torch.rand(3), "v": torch.rand(3)}, 1.0, "const")["a"]
    alpha[0] = 7.0
    assert alpha.tolist()[1:] != [7.0, 7.0]
