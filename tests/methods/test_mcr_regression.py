"""MCR on real targets: L1 in place of cross-entropy, J a mean squared difference."""

import pytest
import torch

from mmlib.data import load
from mmlib.methods import MCR
from mmlib.methods.mcr import contrastive, regulariser
from mmlib.methods.mcr.distances import squared_difference
from mmlib.methods.mcr.game import STRATEGIES
from mmlib.methods.mcr.method import PERTURBATIONS
from mmlib.methods.mcr.perturb import MODES, draw_pairs
from mmlib.models import build_model
from mmlib.training import evaluate, fit

OPTIONS = {"K": 4, "lambda_uni": 0.3, "lambda_mi": 0.2, "lambda_con": 0.1}


def real_problem(problem, modalities=2, **options):
    model, inputs, labels = problem(modalities, classes=1, **{"fusion": "linear", **options})
    return model, inputs, torch.tensor([0.5, -1.0, 2.0, 0.5, 0.25], dtype=torch.float64)[: len(labels)]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("modalities", [2, 3])
def test_the_total_by_hand(problem, modalities, mode, strategy):
    model, inputs, targets = real_problem(problem, modalities)
    method = MCR(model, strategy, mode=mode, **OPTIONS)
    torch.manual_seed(5)
    total, logs = method.loss(inputs, targets)
    torch.manual_seed(5)
    donors, keep, factor = draw_pairs(targets, model.modalities, 4, mode)
    features = model.encode(inputs)
    r = regulariser(model.fusion, features, donors, keep, strategy, distance=squared_difference)
    heads = {m: (head(features[m])[:, 0] - targets).abs().mean() for m, head in method.heads.items()}
    joint = (model(inputs)[:, 0] - targets).abs().mean()
    expected = joint + 0.3 * sum(heads.values()) + 0.2 * (factor * r) + 0.1 * contrastive(features, targets)
    torch.testing.assert_close(total, expected, rtol=0, atol=1e-12)
    parameters = list(method.parameters())
    ours, theirs = (torch.autograd.grad(value, parameters) for value in (total, expected))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    torch.testing.assert_close({m: logs[f"loss/{m}"] for m in heads}, heads, rtol=0, atol=1e-14)


def test_j_is_the_mean_squared_difference_of_predictions(problem, monkeypatch):
    model, inputs, targets = real_problem(problem)
    donors, keep = dict.fromkeys("av", torch.tensor([4, 3, 1, 0, 2])), torch.arange(5)
    monkeypatch.setattr("mmlib.methods.mcr.method.draw_pairs", lambda *_: (donors, keep, torch.ones(())))
    _, logs = MCR(model).loss(inputs, targets)
    for m in model.modalities:
        moved = model({n: x[donors[m]] if n == m else x for n, x in inputs.items()}) - model(inputs)
        assert logs[f"J/{m}"].item() == pytest.approx((moved**2).mean().item(), abs=1e-13)


@pytest.mark.parametrize("perturbation", PERTURBATIONS)
def test_every_perturbation_trains(problem, trained, perturbation):
    model, inputs, targets = real_problem(problem, 3, fusion="attention", norm="batch")
    logs = trained(MCR(model, perturbation=perturbation, K=4, lambda_ceb=0.1), inputs, targets)
    assert all(torch.isfinite(value) for value in logs.values()) and logs["J/a"] > 0


def test_a_batch_of_one_row(problem, trained):
    model, inputs, targets = real_problem(problem, rows=1)
    for mode in MODES:
        logs = trained(MCR(model, mode=mode), inputs, targets, steps=1)
        assert logs["J/a"] == 0 and logs["loss/con"] == 0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_it_learns(strategy):
    data = load("synthetic_regression", samples=(300, 100, 300))
    torch.manual_seed(0)
    model = build_model({m: (100,) for m in "ab"}, 1, width=8, depth=1, fusion="linear")
    method = MCR(model, strategy, lambda_mi=0.01, lambda_con=0.1)
    before = evaluate(method, data.test)["mae"]
    fit(method, data, epochs=8, lr=0.02, device="cpu")
    constant = (data.test.labels - data.train.labels.median()).abs().mean()
    after = evaluate(method, data.test)["mae"]
    assert after < 0.9 * min(before, constant)
