"""Wrong options and batches of MCR: one sentence that names what was expected and what came."""

import math

import pytest
import torch

from mmlib.methods import MCR
from mmlib.models import FUSIONS, MLP, MultimodalModel

BAD = {
    "strategy": (
        {"strategy": "gredy"},
        r"unknown strategy 'gredy': .* greedy, independent, collaborative\. Did",
    ),
    "mode": ({"mode": "no_selves"}, r"unknown mode 'no_selves': .* rand, no_self, no_same_label\. Did you mean"),
    "perturbation": (
        {"perturbation": "zeros"},
        "unknown perturbation 'zeros': .* permute, zero_latent, noise_latent, zero_input, noise_input",
    ),
    "no draws": ({"K": 0}, "K must be at least 1, got 0"),
    "draws without end": ({"K": 10**30}, "K must be at most 1,000,000, got 1000000000000000000000000000000"),
    "a draw too many": ({"K": 1_000_001}, "K must be at most 1,000,000, got 1000001"),
    "half a draw": ({"K": 1.5}, "K must be a whole number, got 1.5"),
    "half an epoch": ({"pretrain_epochs": 0.5}, "pretrain_epochs must be a whole number, got 0.5"),
    "epochs below 0": ({"pretrain_epochs": -1}, "pretrain_epochs must be at least 0, got -1"),
    "temperature": ({"temperature": 0.0}, "temperature must be a finite number >= 0.001, got 0.0"),
    "sigma": ({"sigma": -1.0}, "sigma must be a finite number >= 0, got -1.0"),
    "a text for a flag": ({"second_pass": "no"}, "second_pass must be True or False, got 'no'"),
    "a second pass that changes nothing": (
        {"second_pass": True, "perturbation": "zero_input"},
        "second_pass changes nothing with perturbation='zero_input'",
    ),
    "a number for a flag": ({"detach_reference": 1}, "detach_reference must be True or False, got 1"),
}
LAMBDAS = ("lambda_uni", "lambda_mi", "lambda_con", "lambda_ceb")
BAD |= {f"{n} {v}": ({n: v}, f"{n} must be a finite number >= 0, got {v}") for n in LAMBDAS for v in (-0.1, math.inf)}


@pytest.mark.parametrize(("options", "words"), BAD.values(), ids=BAD)
def test_bad_options(problem, options, words):
    with pytest.raises((TypeError, ValueError), match=f"^{words}"):
        MCR(problem()[0], **options)


def unequal():
    encoders = {"a": MLP(4, 5, 1), "v": MLP(3, 6, 1)}
    model = MultimodalModel(encoders, FUSIONS["linear"]({"a": 5, "v": 6}, 3))
    return model, {"a": torch.randn(4, 4), "v": torch.randn(4, 3)}, torch.tensor([0, 1, 2, 1])


def test_the_contrastive_term_needs_equal_widths():
    with pytest.raises(ValueError, match=r"one width, got {'a': 5, 'v': 6}: make them equal.* lambda_con=0"):
        MCR(unequal()[0])


def test_without_it_widths_may_differ(trained):
    model, inputs, labels = unequal()
    method = MCR(model, lambda_con=0.0, lambda_ceb=1.0)
    logs = trained(method, inputs, labels)
    assert all(torch.isfinite(value) for value in logs.values())
    assert method.bottleneck.h1.weight.shape == (6, 3) and method.bottleneck.h2.weight.shape == (11, 6)


def test_real_targets_for_several_outputs(problem, trained):
    model, inputs, labels = problem()
    with pytest.raises(ValueError, match=r"labels must be class numbers of type torch\.int64, got torch\.float64"):
        trained(MCR(model), inputs, labels.double())


@pytest.mark.parametrize("label", [-1, 3])
def test_labels_out_of_range(problem, trained, label):
    model, inputs, labels = problem()
    with pytest.raises(ValueError, match=f"labels run from .*{label}.*; with 3 classes they must lie in 0..2"):
        trained(MCR(model), inputs, torch.full_like(labels, label))
