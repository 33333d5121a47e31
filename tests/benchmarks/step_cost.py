"""Cost of one training step of every method, over the plain joint step.

    python3 tests/benchmarks/step_cost.py [--config NAME ...] [--rounds N] [--threads N] [--device auto|cpu|cuda]

All methods take turns in one process, one step each per round, so that whatever slows the machine slows all; the
figure is the median over rounds of (step of the method / joint step of the same round).
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmlib.methods import METHODS, Method
from mmlib.models import build_model


@dataclass(frozen=True)
class Config:
    """shapes: {m: shape of one sample}; the network is one encoder per modality and a late (concat) fusion."""

    shapes: Mapping[str, tuple[int, ...]]
    encoder: str
    norm: str
    batch: int = 64
    classes: int = 10
    rounds: int = 7


SMALL = {"audio": (1, 56, 56), "image": (1, 28, 28)}
PAPER = {"audio": (1, 112, 112), "image": (1, 28, 28)}  # AV-MNIST, as the AGM paper trains on it
CONFIGS = {
    "resnet18": Config(SMALL, "resnet18", "none"),
    "resnet18_bn": Config(SMALL, "resnet18", "batch"),
    "resnet18_112": Config(PAPER, "resnet18", "none"),
    "resnet18_112_bn": Config(PAPER, "resnet18", "batch"),
}
DEFAULT = ("resnet18", "resnet18_bn")
WARM_UP = 2


@dataclass(frozen=True)
class Cost:
    """Milliseconds of a step (median), ratio to the joint step (median, quartiles), peak MiB on a GPU (else None)."""

    step_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float
    peak_mib: float | None


def measure(config: Config, device: str = "auto", rounds: int | None = None, seed: int = 0) -> dict[str, Cost]:
    """Step cost of every method in METHODS, by name."""
    place = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    steps = {name: _stepper(name, config, place, seed) for name in METHODS}
    for step in steps.values():
        for _ in range(WARM_UP):
            step()
    peaks = {name: _peak_mib(step, place) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(config.rounds if rounds is None else rounds):
        for name, step in steps.items():
            times[name].append(_milliseconds(step, place))
    return {name: _cost(times[name], times["joint"], peaks[name]) for name in times}


def table(costs: Mapping[str, Cost]) -> str:
    """The costs as lines of text."""
    lines = [f"{'method':<12}{'step ms':>10}{'x joint':>9}{'quartiles':>16}{'peak MiB':>10}"]
    for name, c in costs.items():
        peak = "-" if c.peak_mib is None else f"{c.peak_mib:.0f}"
        spread = f"{c.ratio_low:.2f} .. {c.ratio_high:.2f}"
        lines.append(f"{name:<12}{c.step_ms:>10.1f}{c.ratio:>9.2f}{spread:>16}{peak:>10}")
    return "\n".join(lines)


def _stepper(name: str, config: Config, device: torch.device, seed: int) -> Callable[[], object]:
    torch.manual_seed(seed)
    options = {"norm": config.norm} if config.encoder != "transformer" else {}
    model = build_model(config.shapes, config.classes, config.encoder, **options).to(device)
    method = _method(name, model)
    optimizer = torch.optim.SGD(method.parameters(), lr=1e-3, momentum=0.9)
    inputs = {m: torch.randn(config.batch, *shape, device=device) for m, shape in config.shapes.items()}
    labels: Tensor = torch.randint(config.classes, (config.batch,), device=device)
    return lambda: method.step(inputs, labels, optimizer)


def _method(name: str, model: torch.nn.Module) -> Method:
    # Unimodal trains the first modality only, so it does less than the joint step.
    return METHODS[name](model, model.modalities[0]) if name == "unimodal" else METHODS[name](model)


def _milliseconds(step: Callable[[], object], device: torch.device) -> float:
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


def _peak_mib(step: Callable[[], object], device: torch.device) -> float | None:
    """Memory one step needs beyond what was held before it."""
    if device.type != "cuda":
        return None
    torch.cuda.synchronize(device)
    held = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    step()
    torch.cuda.synchronize(device)
    return (torch.cuda.max_memory_allocated(device) - held) / 2**20


def _cost(times: list[float], joint: list[float], peak: float | None) -> Cost:
    ratios = [own / plain for own, plain in zip(times, joint, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    return Cost(statistics.median(times), middle, low, high, peak)


def main(arguments: list[str] | None = None) -> None:
    """Prints one table per configuration."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", nargs="+", choices=CONFIGS, default=DEFAULT)
    parser.add_argument("--rounds", type=int, help="timed steps of each method (default: the configuration's)")
    parser.add_argument("--threads", type=int, help="CPU threads (default: PyTorch's own choice)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    options = parser.parse_args(arguments)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    for name in options.config:
        config = CONFIGS[name]
        sizes = ", ".join(f"{m} {'x'.join(map(str, shape))}" for m, shape in config.shapes.items())
        network = f"{config.encoder}, norm {config.norm}, batch {config.batch}, {sizes}"
        print(f"{name}: {network}, {torch.get_num_threads()} threads")
        print(table(measure(config, options.device, options.rounds)), flush=True)


if __name__ == "__main__":
    main()
