"""Numbers at the ends of what a float can hold: each is refused in a sentence, or does what it says."""

import inspect
import math
import re

import pytest
import torch

from mmlib import checks
from mmlib.checks import LARGEST
from mmlib.methods import AGM, METHODS, MSES
from mmlib.methods.mcr import contrastive

HUGE, TINY = (1e308, 1e39, 10**400), (1e-308, 1e-45)
OF_ALL = {"aim": {"warm_up": 0, "proto": "class_mean"}, "mcr": {"lambda_ceb": 0.1, "perturbation": "noise_latent"}}


def float_options():
    """(method, option) for every option that takes a float."""
    for name, method in METHODS.items():
        for option in inspect.signature(method).parameters.values():
            if "float" in str(option.annotation):
                yield name, option.name


OPTIONS = list(float_options())


def course(problem, method_named, as_data, name, **options):
    """Logs of the last of four steps in two epochs of a float32 network, and the weights behind it."""
    model, inputs, labels = problem(rows=12, dtype=torch.float32)
    method = method_named(name, model, **{**OF_ALL.get(name, {}), **options})
    optimizer = torch.optim.SGD(method.parameters(), lr=0.01)
    torch.manual_seed(0)
    for epoch in range(2):
        method.begin_epoch(epoch, as_data(inputs, labels))
        for _ in range(2):
            logs = method.step(inputs, labels, optimizer)
    return logs, torch.cat([p.detach().flatten() for p in method.parameters()])


def test_the_options_are_found():
    assert {("agm", "cap"), ("agm", "theta"), ("ogm_ge", "alpha"), ("mslr", "init"), ("aim", "gamma")} < set(OPTIONS)
    assert sum(name == "mcr" for name, _ in OPTIONS) == 6


@pytest.mark.parametrize("value", HUGE, ids=lambda v: f"{v:.0e}" if isinstance(v, float) else "10**400")
@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_what_float32_cannot_hold_is_refused(problem, method_named, as_data, name, option, value):
    if (name, option) == ("agm", "cap"):
        capped, free = (course(problem, method_named, as_data, "agm", cap=cap) for cap in (value, math.inf))
        assert capped[0] == free[0] and torch.equal(capped[1], free[1])
        return
    at_most = "a finite number" if option == "q" or value == 10**400 else f"at most {LARGEST:.5g}, the largest float32"
    with pytest.raises(ValueError, match=f"^{option} must be {re.escape(at_most)}.*, got 1"):
        method_named(name, problem()[0], **{option: value})


@pytest.mark.parametrize("value", TINY)
@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_next_to_nothing_is_refused_or_works(problem, method_named, as_data, name, option, value):
    try:
        logs, weights = course(problem, method_named, as_data, name, **{option: value})
    except ValueError as error:
        assert str(error).startswith(f"{option} must be a finite number") and option in ("theta", "temperature")
        return
    assert all(torch.isfinite(log) for log in logs.values()) and torch.isfinite(weights).all()


@pytest.mark.parametrize("name", ["joint", "agm", "ogm_ge", "mslr", "aim"])
def test_half_networks_take_any_cap_and_strength(problem, method_named, name):
    """A float16 number ends at 65,504; what a method computes of its own is float32."""
    options = {"agm": {"cap": 1e9}, "ogm_ge": {"alpha": 1e9}, "mslr": {"init": 1e-9}}.get(name, {})
    model, inputs, labels = problem(dtype=torch.float16)
    method = method_named(name, model, **options)
    logs = method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.0))
    assert all(torch.isfinite(log) for log in logs.values())


def test_the_plain_function_refuses_too():
    with pytest.raises(ValueError, match="^temperature must be at most 3"):
        contrastive({"a": torch.ones(2, 2)}, torch.tensor([0, 0]), temperature=1e308)


def test_a_cap_keeps_its_value_for_the_reader(problem):
    assert AGM(problem()[0], cap=1e308).cap == 1e308 and "cap=1e+308" in repr(AGM(problem()[0], cap=1e308))


def test_a_patience_without_end(problem, as_data):
    model, inputs, labels = problem(rows=12)
    method = MSES(model, patience=10**400)
    for epoch in range(4):
        method.begin_epoch(epoch, as_data(inputs, labels))
        method.smoothed.fill_(-1.0)  # never better again
    assert not method.stopped.any() and method.waited.all()


@pytest.mark.parametrize("value", [10**400, -(10**400)])
def test_a_whole_number_of_four_hundred_digits_is_no_finite_float(value):
    with pytest.raises(ValueError, match="^lr must be a finite number"):
        checks.number("lr", value)
