"""Ranks of a process group end with other weights if each takes its own steps: they are refused."""

import pytest
import torch
from torch import distributed

from mmlib.methods import Joint


@pytest.fixture
def step(problem):
    """Takes one step of a method on a small network."""

    def take(kind=Joint):
        model, inputs, labels = problem()
        method = kind(model)
        return method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.1))

    return take


def in_a_group(monkeypatch, ranks):
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: ranks)


def test_a_step_in_a_group_of_several_processes_is_refused(step, monkeypatch):
    in_a_group(monkeypatch, 4)
    with pytest.raises(RuntimeError, match="a step of Joint in a process group of 4 processes would leave each with"):
        step()


def test_one_process_alone_takes_its_step(step, monkeypatch):
    in_a_group(monkeypatch, 1)
    assert step()["loss"].isfinite()


def test_a_method_that_brings_the_ranks_together_takes_its_step(step, monkeypatch):
    class Reduced(Joint):
        synchronises = True

    in_a_group(monkeypatch, 4)
    assert step(Reduced)["loss"].isfinite()
