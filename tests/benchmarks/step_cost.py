"""Cost of one training step of every method, over the plain joint step.

    python3 tests/benchmarks/step_cost.py [--config NAME ...] [--method NAME ...] [--limit METHOD=RATIO ...]
                                          [--rounds N] [--threads N] [--device auto|cpu|cuda]

mmlib/cost.py says how it is measured: all methods take turns in one process, joint among them, whichever are named.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmlib.cost import Cost, step_costs
from mmlib.device import resolve_device
from mmlib.methods import METHODS, Method
from mmlib.models import build_model

BASELINE = "joint"


@dataclass(frozen=True)
class Config:
    """shapes: {m: shape of one sample}; the network is one encoder per modality and a late fusion."""

    shapes: Mapping[str, tuple[int, ...]]
    encoder: str
    norm: str
    fusion: str = "concat"
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
    "resnet18_linear": Config(SMALL, "resnet18", "none", fusion="linear"),  # the default of MCR
}
DEFAULT = ("resnet18", "resnet18_bn")


def measure(
    config: Config,
    device: str = "auto",
    rounds: int | None = None,
    names: Iterable[str] = METHODS,
    seed: int = 0,
) -> dict[str, Cost]:
    """Step cost of the named methods by name, in the order of METHODS; the joint step is always among them.

    rounds: timed steps of each method, None for the configuration's own.
    """
    place = resolve_device(device)
    wanted = {BASELINE, *names}
    methods = {name: _method(name, config, seed).to(place) for name in METHODS if name in wanted}
    inputs = {m: torch.randn(config.batch, *shape, device=place) for m, shape in config.shapes.items()}
    labels = torch.randint(config.classes, (config.batch,), device=place)
    return step_costs(methods, inputs, labels, BASELINE, config.rounds if rounds is None else rounds)


def table(costs: Mapping[str, Cost]) -> str:
    """The costs as lines of text."""
    lines = [f"{'method':<12}{'step ms':>10}{'x joint':>9}{'quartiles':>16}{'extra params':>14}{'peak MiB':>10}"]
    for name, c in costs.items():
        peak = "-" if c.peak_mib is None else f"{c.peak_mib:.0f}"
        spread = f"{c.ratio_low:.2f} .. {c.ratio_high:.2f}"
        lines.append(f"{name:<12}{c.step_ms:>10.1f}{c.ratio:>9.2f}{spread:>16}{c.extra_parameters:>14,}{peak:>10}")
    return "\n".join(lines)


def _method(name: str, config: Config, seed: int) -> Method:
    torch.manual_seed(seed)
    options = {"norm": config.norm} if config.encoder != "transformer" else {}
    model = build_model(config.shapes, config.classes, config.encoder, config.fusion, **options)
    # Unimodal trains the first modality only, so it does less than the joint step.
    return METHODS[name](model, model.modalities[0]) if name == "unimodal" else METHODS[name](model)


def main(arguments: list[str] | None = None) -> None:
    """Prints one table per configuration."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", nargs="+", choices=CONFIGS, default=DEFAULT)
    parser.add_argument(
        "--method", nargs="+", choices=METHODS, default=list(METHODS), help="methods beside joint (default: all)"
    )
    parser.add_argument("--rounds", type=int, help="timed steps of each method (default: the configuration's)")
    parser.add_argument("--threads", type=int, help="CPU threads (default: PyTorch's own choice)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument(
        "--limit", nargs="+", type=_limit, default=[], metavar="METHOD=RATIO", help="end with 1 if a method costs more"
    )
    options = parser.parse_args(arguments)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    for name in options.config:
        config = CONFIGS[name]
        sizes = ", ".join(f"{m} {'x'.join(map(str, shape))}" for m, shape in config.shapes.items())
        network = f"{config.encoder}, norm {config.norm}, fusion {config.fusion}, batch {config.batch}, {sizes}"
        print(f"{name}: {network}, {torch.get_num_threads()} threads")
        costs = measure(config, options.device, options.rounds, options.method)
        print(table(costs), flush=True)
        over = [f"{m} {costs[m].ratio:.2f} > {ratio:g}" for m, ratio in options.limit if costs[m].ratio > ratio]
        if over:
            sys.exit(f"{name}: over the limit: {', '.join(over)}")


def _limit(text: str) -> tuple[str, float]:
    method, _, ratio = text.partition("=")
    if method not in METHODS or not ratio.replace(".", "", 1).isdigit():
        raise argparse.ArgumentTypeError(f"expected METHOD=RATIO such as mcr=1.35, got {text!r}")
    return method, float(ratio)


if __name__ == "__main__":
    main()
