"""The cost of a step: who takes turns when, what is compared with what, and what is counted."""

import ctypes
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from mmlib.measures.cost import peak_memory
from mmlib.measures.cost import step as cost
from mmlib.measures.cost.peak_memory import peak_mib
from mmlib.measures.cost.step import extra_parameters, step_costs, take_turns
from mmlib.methods import AGM, Ensemble, Joint, Unimodal
from mmlib.models import build_model

CPU = torch.device("cpu")
SHAPES = {"a": (4,), "v": (6,)}
INPUTS = {m: torch.randn(5, *shape) for m, shape in SHAPES.items()}
LABELS = torch.tensor([0, 1, 2, 0, 1])
CLEAR = Path("/proc/self/clear_refs")
GLIBC = pytest.mark.skipif(
    not CLEAR.exists() or not hasattr(ctypes.CDLL(None), "mallopt"), reason="this system has another C library"
)
LINUX = pytest.mark.skipif(not CLEAR.exists(), reason="this system keeps no high-water mark")


def network(**options):
    return build_model(SHAPES, 3, width=8, depth=1, **options)


class Slow(Joint):
    def edit_grads(self, logs):
        time.sleep(0.01)


class Watched(Joint):
    """Joint training that notes its steps in a list shared with others."""

    def __init__(self, model, name, seen):
        super().__init__(model)
        self.note = lambda: seen.append((name, self.training, torch.rand(()).item()))

    def edit_grads(self, logs):
        self.note()


def costs(methods, **options):
    return step_costs(methods, INPUTS, LABELS, **options)


def test_a_method_that_sleeps_costs_more():
    found = costs({"joint": Joint(network()), "slow": Slow(network())}, rounds=5)
    assert list(found) == ["joint", "slow"]
    assert found["slow"].step_ms > 10
    assert found["slow"].ratio > 1.5 and found["slow"].ratio_low <= found["slow"].ratio <= found["slow"].ratio_high


def test_the_baseline_is_1_whatever_it_is_called():
    methods = {"slow": Slow(network()), "plain": Joint(network())}
    for baseline in methods:
        found = costs(methods, baseline=baseline, rounds=3)[baseline]
        assert found.ratio == found.ratio_low == found.ratio_high == 1
    assert costs(methods, baseline="slow", rounds=3)["plain"].ratio < 1


def test_steps_take_turns():
    seen = []
    step = lambda name, ms: (seen.append(name), time.sleep(ms / 1000))  # noqa: E731
    times = take_turns({"b": partial(step, "b", 4), "a": partial(step, "a", 0)}, 3, CPU)
    assert seen == ["b", "a"] * 3
    assert {name: len(values) for name, values in times.items()} == {"b": 3, "a": 3}
    assert min(times["b"]) >= 4


def test_ratios_are_taken_round_by_round():
    found = cost._cost([2.0, 30.0, 4.0], [1.0, 10.0, 4.0], 7, None)
    assert (found.step_ms, found.ratio, found.ratio_low, found.ratio_high) == (4.0, 2.0, 1.5, 2.5)
    assert (found.extra_parameters, found.peak_mib) == (7, None)
    assert cost._cost([6.0], [2.0], 0, 1.5).ratio_high == 3.0  # one round has no spread


def test_every_method_trains_with_an_optimiser_of_its_own():
    methods = {"joint": Joint(network()).eval(), "agm": AGM(network())}
    before = {name: [p.clone() for p in method.parameters()] for name, method in methods.items()}
    made = []

    def optimizer(parameters):
        made.append(torch.optim.Adam(parameters, lr=0.1))
        return made[-1]

    costs(methods, rounds=1, optimizer=optimizer)
    assert len(made) == 2
    for method, own in zip(methods.values(), made, strict=True):
        assert [p for group in own.param_groups for p in group["params"]] == list(method.parameters())
    for name, method in methods.items():
        assert not any(torch.equal(p, old) for p, old in zip(method.parameters(), before[name], strict=True))


def test_steps_are_in_training_mode_and_leave_the_callers_random_numbers_alone():
    seen = []
    methods = {name: Watched(network(), name, seen).eval() for name in ("joint", "other")}
    state = torch.get_rng_state()
    costs(methods, rounds=4)
    first = list(seen)
    assert all(training for _, training, _ in first)
    assert [name for name, _, _ in first[2 * cost.WARM_UP :][:8]] == ["joint", "other"] * 4
    assert torch.equal(state, torch.get_rng_state())
    seen.clear()
    costs(methods, rounds=4)
    assert seen == first, "the draws of the steps must be the same in every measurement"


def test_extra_parameters_are_counted_exactly():
    assert extra_parameters(Joint(network())) == extra_parameters(AGM(network())) == 0
    assert extra_parameters(Unimodal(network(), "a")) == 8 * 3 + 3
    assert extra_parameters(Ensemble(network())) == 2 * (8 * 3 + 3)
    found = costs({"joint": Joint(network()), "ensemble": Ensemble(network())}, rounds=1)
    assert {name: c.extra_parameters for name, c in found.items()} == {"joint": 0, "ensemble": 54}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baseline": "Joint"}, "unknown baseline 'Joint'.* Did you mean 'joint'"),
        ({"rounds": 0}, "rounds must be at least 1"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        costs({"joint": Joint(network())}, **options)


def test_networks_that_cannot_be_compared_are_named():
    model = network()
    with pytest.raises(ValueError, match="'joint' and 'agm' share a network"):
        costs({"joint": Joint(model), "agm": AGM(model)})
    with pytest.raises(ValueError, match="the batch is on cpu, 'agm' on meta"):
        costs({"joint": Joint(network()), "agm": AGM(network()).to("meta")})


def allocate(mib, kept=()):
    """Touches that many MiB and frees them; ``kept`` are held meanwhile."""
    return torch.ones(mib * 2**18).sum() + len(kept)


@LINUX
def test_the_peak_on_a_cpu_is_what_a_step_holds_at_once():
    kept = torch.ones(64 * 2**18)  # held before: does not count

    def step():
        allocate(20)
        allocate(40, kept)

    holes = [torch.ones(2**18) for _ in range(100)]
    del holes[::2]  # what earlier work has freed does not count either
    assert peak_mib(step, CPU) == pytest.approx(40, abs=4)
    assert peak_mib(lambda: (torch.ones(20 * 2**18), torch.ones(40 * 2**18)), CPU) == pytest.approx(60, abs=4)


@GLIBC
def test_freed_memory_that_the_c_library_would_keep_is_not_counted():
    def step():
        first = torch.ones(20 * 2**18)
        behind = torch.ones(2**18)  # so that the first block's place is not at the end of the heap
        del first
        return behind, torch.ones(25 * 2**18)

    torch.ones(30 * 2**18)  # freed, it makes glibc keep blocks up to its size
    assert peak_mib(step, CPU) == pytest.approx(26, abs=4)


@GLIBC
def test_afterwards_freed_memory_is_kept_again():
    import resource

    ctypes.CDLL(None).mallopt(peak_memory.TRIM_THRESHOLD, 128 * 2**10)  # where a process starts
    peak_mib(lambda: None, CPU)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(16 * 2**18)  # 4096 pages
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 20 * 4096 / 4


@LINUX
def test_a_larger_batch_has_a_larger_peak():
    def peak(rows):
        inputs = {m: torch.randn(rows, *shape) for m, shape in SHAPES.items()}
        labels = torch.zeros(rows, dtype=torch.long)
        return step_costs({"joint": Joint(network())}, inputs, labels, rounds=1)["joint"].peak_mib

    assert peak(200_000) > peak(20_000) + 5


@LINUX
def test_an_error_of_the_step_comes_through():
    with pytest.raises(ZeroDivisionError):
        peak_mib(lambda: 1 / 0, CPU)


def test_without_a_high_water_mark_there_is_no_peak(monkeypatch, tmp_path):
    monkeypatch.setattr(peak_memory, "CLEAR", tmp_path / "none" / "clear_refs")
    assert peak_mib(lambda: None, CPU) is None
    assert costs({"joint": Joint(network())}, rounds=1)["joint"].peak_mib is None


def test_a_status_without_the_field_gives_no_peak(monkeypatch, tmp_path):
    (tmp_path / "status").write_text("Name:\tpython\nVmRSS:\t  100 kB\n")
    monkeypatch.setattr(peak_memory, "CLEAR", tmp_path / "clear_refs")
    monkeypatch.setattr(peak_memory, "STATUS", tmp_path / "status")
    assert peak_mib(lambda: None, CPU) is None
    assert peak_mib(lambda: None, torch.device("meta")) is None
