"""A step of MCR never asks for a tensor's value, on which a GPU's queue would run dry.

The step runs on PyTorch's "meta" device, where tensors have shapes and no values: reading one fails.
"""

import pytest
import torch

from mmlib.methods import MCR
from mmlib.methods.mcr.game import STRATEGIES
from mmlib.methods.mcr.method import PERTURBATIONS
from mmlib.methods.mcr.perturb import MODES, draw_pairs


def step(problem, modalities=2, **options):
    """A step without values; its logs and gradients have the right shapes all the same."""
    model, inputs, labels = problem(modalities, fusion="linear", norm="batch", dropout=0.2)
    method = MCR(model, K=3, lambda_ceb=0.1, **options).to("meta")
    optimizer = torch.optim.SGD(method.parameters(), lr=0.1, momentum=0.9)
    logs = method.step({m: x.to("meta") for m, x in inputs.items()}, labels.to("meta"), optimizer)
    assert all(value.is_meta and value.shape == () for value in logs.values())
    assert all(p.grad.shape == p.shape for p in method.parameters())


WAYS = [(p, second) for p in PERTURBATIONS for second in (False, True) if not (second and p.endswith("input"))]


@pytest.mark.parametrize("modalities", [2, 3])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategies_and_modes(problem, strategy, mode, modalities):
    step(problem, modalities, strategy=strategy, mode=mode)


@pytest.mark.parametrize(("perturbation", "second_pass"), WAYS)
def test_perturbations(problem, perturbation, second_pass):
    step(problem, perturbation=perturbation, second_pass=second_pass, detach_reference=True)


def reads_a_value(*args):
    return draw_pairs(*args) if args[0].max() < 9 else None


def reads_a_size(*args):
    donors, keep, factor = draw_pairs(*args)
    left = donors["a"] != keep
    return {m: d[left] for m, d in donors.items()}, keep[left], factor


@pytest.mark.parametrize("bad", [reads_a_value, reads_a_size])
def test_reading_is_noticed(problem, monkeypatch, bad):
    monkeypatch.setattr("mmlib.methods.mcr.method.draw_pairs", bad)
    with pytest.raises((RuntimeError, NotImplementedError), match="[Mm]eta"):
        step(problem)
