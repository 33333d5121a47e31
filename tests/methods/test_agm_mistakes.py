"""Mistakes seen in other programs of AGM (agm.md): one test for each, which fails when the mistake is made here."""

import math

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mmlib.methods import AGM, Joint
from mmlib.methods.agm import relative, responses, score
from mmlib.models import ConcatFusion, MultimodalModel


def one_step(method, inputs, labels):
    return method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.0))


def informative_and_blind(dtype=torch.float64, scale=4.0):
    """Modality a shows the label, modality v is constant: a leads."""
    labels = torch.tensor([0, 1, 2, 0, 1, 0])
    inputs = {"a": nn.functional.one_hot(labels, 3).to(dtype), "v": torch.ones(6, 3, dtype=dtype)}
    head = nn.Linear(6, 3, bias=False)
    with torch.no_grad():
        head.weight.copy_(scale * torch.eye(3).repeat(1, 2))
    model = MultimodalModel(
        {m: nn.Linear(3, 3, bias=False) for m in inputs}, ConcatFusion({"a": 3, "v": 3}, 3, head=head)
    )
    with torch.no_grad():
        for encoder in model.encoders.values():
            encoder.weight.copy_(torch.eye(3))
    return model.to(dtype), inputs, labels


def test_the_leading_modality_is_held_back():
    """Fails if the score's sign is reversed or kappa_a and kappa_v are swapped."""
    model, inputs, labels = informative_and_blind()
    agm = AGM(model, alpha=1.0)
    logs = one_step(agm, inputs, labels)
    assert logs["score/a"] < logs["score/v"]
    assert logs["ratio/a"] > 1 > logs["ratio/v"]
    assert logs["kappa/a"] < 1 < logs["kappa/v"]
    plain = Joint(informative_and_blind()[0])
    one_step(plain, inputs, labels)
    for m in ("a", "v"):
        ours, theirs = (method.model.encoders[m].weight.grad for method in (agm, plain))
        torch.testing.assert_close(ours, logs[f"kappa/{m}"] * theirs, rtol=0, atol=1e-12)


def test_the_solo_term_is_part_of_the_response(problem):
    """Fails if f(a) is dropped from phi_a: phi_a = (T - f(v) + f(a)) / 2."""
    model, inputs, _ = problem(fusion="film")
    features = model.encode(inputs)
    full = model.fuse(features)
    zeros = {m: torch.zeros_like(x) for m, x in inputs.items()}
    alone = {m: model({**zeros, m: inputs[m]}) for m in ("a", "v")}
    phi = responses(model, inputs, features, full)
    torch.testing.assert_close(phi["a"], (full - alone["v"] + alone["a"]) / 2, rtol=0, atol=1e-12)
    torch.testing.assert_close(phi["v"], (full - alone["a"] + alone["v"]) / 2, rtol=0, atol=1e-12)


def test_the_inputs_are_zeroed_and_not_the_features(problem):
    """Fails if f(a) takes zero features for v: an encoder says something of a zero input, by its biases."""
    model, inputs, _ = problem()
    features = model.encode(inputs)
    full = model.fuse(features)
    phi = responses(model, inputs, features, full)
    at_zero_features = (
        full - model.fuse({**features, "a": 0 * features["a"]}) + model.fuse({**features, "v": 0 * features["v"]})
    ) / 2
    assert (phi["a"] - at_zero_features).abs().max() > 1e-3


def test_kappa_is_one_after_the_window(problem, twin):
    """Fails if the last kappa inside the window stays in force after it."""
    model, inputs, labels = problem()
    agm = AGM(model, alpha=3.0, modulation_end=1)
    agm.begin_epoch(1, None)
    assert one_step(agm, inputs, labels)["kappa/a"] != 1
    agm.begin_epoch(2, None)
    agm.running_scores.copy_(torch.tensor([0.3, 2.0]))  # far from this batch's scores: kappa would not be 1
    logs = one_step(agm, inputs, labels)
    assert logs["kappa/a"] == logs["kappa/v"] == 1
    plain = Joint(twin(model))
    one_step(plain, inputs, labels)
    for ours, theirs in zip(agm.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)


def test_gradients_flow_through_the_masked_passes():
    """Fails if they are under no_grad: then every gradient is scaled by the same number, and nothing is modulated."""
    model, inputs, labels = informative_and_blind(scale=1.0)
    agm, plain = AGM(model, alpha=1.0), Joint(informative_and_blind(scale=1.0)[0])
    one_step(agm, inputs, labels)
    one_step(plain, inputs, labels)
    scale = {
        m: agm.model.encoders[m].weight.grad.norm() / plain.model.encoders[m].weight.grad.norm() for m in ("a", "v")
    }
    assert scale["a"] < 0.9 and scale["v"] > 1.1


class CountCalls(TorchDispatchMode):
    """Counts the operators that are called, forward and backward."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.calls += 1
        return func(*args, **(kwargs or {}))


def test_no_loop_over_samples(problem):
    """Fails if any part of the step loops over the batch: the number of operator calls must not depend on its size."""

    def calls(rows):
        model, inputs, labels = problem(3, rows=rows, norm="batch", dropout=0.2)
        method = AGM(model, theta=1.0)
        optimizer = torch.optim.SGD(method.parameters(), lr=0.1)
        with CountCalls() as counted:
            method.step(inputs, labels, optimizer)
        return counted.calls

    assert calls(4) == calls(33)


def lagging_beyond_the_exponential(dtype):
    """A step in which tau_a - r_a is huge: a was far ahead in all earlier steps and is not in this one."""
    model, inputs, labels = informative_and_blind(dtype)
    method = AGM(model, alpha=50.0)
    method.running_scores.copy_(torch.tensor([0.0, 18.0]))
    method.steps = 100
    return method, inputs, labels


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_without_a_cap_an_overflow_cannot_be_missed(dtype):
    """kappa overflows to inf, and inf * 0 makes the loss NaN: the run stops, it does not go on with a huge gradient."""
    method, inputs, labels = lagging_beyond_the_exponential(dtype)
    logs = one_step(method, inputs, labels)
    assert logs["kappa/a"] == math.inf
    assert not torch.isfinite(logs["loss"])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_with_a_cap_kappa_stays_finite(dtype):
    method, inputs, labels = lagging_beyond_the_exponential(dtype)
    method.alpha, method.cap = 1.5, 10.0
    logs = one_step(method, inputs, labels)
    assert logs["kappa/a"].item() == pytest.approx(math.exp(15), rel=1e-5)
    assert all(torch.isfinite(value) for value in logs.values())
    assert all(torch.isfinite(p.grad).all() for p in method.parameters())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1e2, 1e4])
def test_extreme_logits_with_a_cap(dtype, scale):
    model, inputs, labels = informative_and_blind(dtype, scale)
    method = AGM(model, alpha=1.5, cap=10.0)
    for wrong in (labels, labels.roll(1), labels):  # sure and right, sure and wrong, right again
        logs = one_step(method, inputs, wrong)
        assert all(torch.isfinite(value) for value in logs.values())
        assert all(logs[f"kappa/{m}"] <= math.exp(15) * (1 + 1e-5) for m in ("a", "v"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_probability_of_zero_scores_18_42(dtype):
    """Fails without the floor of 1e-8, where the score is infinite or the logits' gap."""
    labels = torch.tensor([0, 0])
    for gap in (1e3, 1e30, math.inf):
        phi = torch.tensor([[-gap, 0.0], [-gap, 0.0]], dtype=dtype)
        assert score(phi, labels).item() == pytest.approx(-math.log(1e-8), abs=1e-5)
    half = torch.tensor([[-1e3, 0.0], [0.0, -1e3]], dtype=dtype)
    assert score(half, labels).item() == pytest.approx(-math.log(1e-8) / 2, abs=1e-5)


def test_ratio_is_of_the_mean_of_the_others():
    scores = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)
    expected = torch.tensor([math.exp(2.0), math.exp(0.5), math.exp(-2.5)], dtype=torch.float64)
    torch.testing.assert_close(relative(scores), expected, rtol=0, atol=1e-12)
