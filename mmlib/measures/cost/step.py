"""What a training step of each method costs: time over a baseline's step, memory, extra parameters."""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.optim import Optimizer

from mmlib import checks
from mmlib.measures.cost.peak_memory import peak_mib
from mmlib.methods import Method
from mmlib.training.state import own_random_numbers

WARM_UP = 2
SGD = partial(torch.optim.SGD, lr=1e-3, momentum=0.9)


@dataclass(frozen=True)
class Cost:
    """Cost of one method's training step.

    step_ms: median over the rounds, in milliseconds; ratio, ratio_low, ratio_high: median and quartiles over the rounds
    of (own step / baseline's step of the same round); extra_parameters: trained numbers beside those of the model;
    peak_mib: MiB that a step holds at its peak beyond what was held before it, None where it cannot be read.
    """

    step_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float
    extra_parameters: int
    peak_mib: float | None


def step_costs(
    methods: Mapping[str, Method],
    inputs: Mapping[str, Tensor],
    labels: Tensor,
    baseline: str = "joint",
    rounds: int = 7,
    optimizer: Callable[[Iterable[Tensor]], Optimizer] = SGD,
) -> dict[str, Cost]:
    """Cost of a step on the batch ``inputs`` {m: [B, ...]}, ``labels`` [B] for every method, by name.

    In each round every method takes one step, in the order given, so that what slows the machine slows all of them.
    Further steps warm up before and read the memory after. optimizer: parameters -> the optimiser of one method (SGD
    with momentum if none is named). The caller's random numbers stay as they are, but the methods are trained: pass
    ones that nothing else needs, each on a network of its own and all on the device of the batch.
    peak_mib: on CUDA of PyTorch's tensors, on a CPU under Linux of the process (see peak_memory.py); elsewhere,
    and where the kernel keeps no such mark, None.
    Raises ValueError for an unknown baseline, rounds below 1, a shared network or another device.
    """
    checks.of_type("methods", methods, Mapping, "a dict of names and methods")
    checks.one_of("baseline", baseline, methods)
    checks.whole("rounds", rounds, 1)
    _check_apart(methods, labels.device)
    steps = {name: _stepper(method, inputs, labels, optimizer) for name, method in methods.items()}
    with own_random_numbers(seed=0):
        for step in steps.values():
            for _ in range(WARM_UP):
                step()
        times = take_turns(steps, rounds, labels.device)
        peaks = {name: peak_mib(step, labels.device) for name, step in steps.items()}
    extra = {name: extra_parameters(method) for name, method in methods.items()}
    return {name: _cost(times[name], times[baseline], extra[name], peaks[name]) for name in methods}


def take_turns(steps: Mapping[str, Callable[[], object]], rounds: int, device: torch.device) -> dict[str, list[float]]:
    """Milliseconds of each step, one per round; in a round every step is taken once, in the order given."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(milliseconds(step, device))
    return times


def extra_parameters(method: Method) -> int:
    """How many numbers the method trains beside the parameters of its model."""
    of_model = {id(p) for p in method.model.parameters()}
    return sum(p.numel() for p in method.parameters() if id(p) not in of_model)


def _check_apart(methods: Mapping[str, Method], device: torch.device) -> None:
    owners: dict[int, str] = {}
    for name, method in methods.items():
        if owners.setdefault(id(method.model), name) != name:
            raise ValueError(f"{owners[id(method.model)]!r} and {name!r} share a network: give each one of its own.")
        if method.model.anchor.device != device:
            raise ValueError(f"the batch is on {device}, {name!r} on {method.model.anchor.device}: move one of them.")


def _stepper(
    method: Method,
    inputs: Mapping[str, Tensor],
    labels: Tensor,
    optimizer: Callable[[Iterable[Tensor]], Optimizer],
) -> Callable[[], object]:
    method.train()
    return partial(method.step, inputs, labels, optimizer(method.parameters()))


def milliseconds(step: Callable[[], object], device: torch.device) -> float:
    """Time of one call, until the device is done with it."""
    if device.type == "cuda":
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize(device)
        start.record()
        step()
        end.record()
        torch.cuda.synchronize(device)
        return start.elapsed_time(end)
    start = time.perf_counter()
    step()
    return 1e3 * (time.perf_counter() - start)


def _cost(times: list[float], baseline: list[float], extra: int, peak: float | None) -> Cost:
    ratios = [own / plain for own, plain in zip(times, baseline, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    return Cost(statistics.median(times), middle, low, high, extra, peak)
