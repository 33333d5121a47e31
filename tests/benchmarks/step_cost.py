"""Cost of one training step of every method, over the plain joint step, and of what it does between epochs.

    python3 tests/benchmarks/step_cost.py [--config NAME ...] [--method NAME ...] [--limit METHOD=RATIO ...]
                                          [--rounds N] [--threads N] [--device auto|cpu|cuda]

mmlib/measures/cost/step.py says how a step is measured: all methods take turns in one process, joint among them,
whichever are named.
Before, each of them begins some epochs, so that AIM has judged the network. What its step costs depends on the modality
that leads; here it is the dearest case, in which both run their blocks again from as early on as two modalities can.
What it costs to begin an epoch is measured apart and spread over the steps of an epoch of the configuration's rows.
"""

import argparse
import math
import statistics
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmlib.data import MultimodalData, Split
from mmlib.device import resolve_device
from mmlib.measures.cost.step import Cost, milliseconds, step_costs
from mmlib.methods import AIM, METHODS, Method
from mmlib.models import build_model

BASELINE = "joint"
FIRST_EPOCH, TIMED_EPOCHS = 3, range(4, 7)  # AIM judges in epochs 3 and 6 by default, so one epoch in three


@dataclass(frozen=True)
class Config:
    """shapes: {m: shape of one sample}; rows: of an epoch; the network: one encoder per modality and a late fusion."""

    shapes: Mapping[str, tuple[int, ...]]
    encoder: str
    norm: str
    fusion: str = "concat"
    batch: int = 64
    classes: int = 10
    rounds: int = 7
    rows: int = 6698  # the training rows of CREMA-D, the smaller one of the AGM paper's audio-visual sets


@dataclass(frozen=True)
class EpochCost(Cost):
    """Cost of a step and of an epoch. begin_ms: mean milliseconds of ``begin_epoch``; epoch_ratio: ratio with them."""

    begin_ms: float
    epoch_ratio: float


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
) -> dict[str, EpochCost]:
    """Cost of the named methods by name, in the order of METHODS; the joint step is always among them.

    rounds: timed steps of each method, None for the configuration's own.
    """
    place = resolve_device(device)
    wanted = {BASELINE, *names}
    methods = {name: _method(name, config, seed).to(place) for name in METHODS if name in wanted}
    data = _data(config).to(place)
    begin_ms = {name: _begin_ms(method, data) for name, method in methods.items()}
    if "aim" in methods:
        _lead_in_turns(methods["aim"])
    inputs, labels = data.train.rows(torch.arange(config.batch, device=place))
    costs = step_costs(methods, inputs, labels, BASELINE, config.rounds if rounds is None else rounds)
    epoch_ms = math.ceil(config.rows / config.batch) * costs[BASELINE].step_ms
    return {
        name: EpochCost(**asdict(cost), begin_ms=begin_ms[name], epoch_ratio=cost.ratio + begin_ms[name] / epoch_ms)
        for name, cost in costs.items()
    }


def table(costs: Mapping[str, EpochCost]) -> str:
    """The costs as lines of text."""
    lines = [
        f"{'method':<12}{'step ms':>10}{'x joint':>9}{'quartiles':>16}{'begin ms':>10}{'epoch x joint':>15}"
        f"{'extra params':>14}{'peak MiB':>10}"
    ]
    for name, c in costs.items():
        peak = "-" if c.peak_mib is None else f"{c.peak_mib:.0f}"
        spread = f"{c.ratio_low:.2f} .. {c.ratio_high:.2f}"
        lines.append(
            f"{name:<12}{c.step_ms:>10.1f}{c.ratio:>9.2f}{spread:>16}{c.begin_ms:>10.0f}{c.epoch_ratio:>15.2f}"
            f"{c.extra_parameters:>14,}{peak:>10}"
        )
    return "\n".join(lines)


def _method(name: str, config: Config, seed: int) -> Method:
    torch.manual_seed(seed)
    options = {"norm": config.norm} if config.encoder != "transformer" else {}
    model = build_model(config.shapes, config.classes, config.encoder, config.fusion, **options)
    # Unimodal trains the first modality only, so it does less than the joint step.
    return METHODS[name](model, model.modalities[0]) if name == "unimodal" else METHODS[name](model)


def _data(config: Config) -> MultimodalData:
    """Random rows and labels, as many to train on as an epoch has, and a tenth of them to validate."""
    splits = {}
    for split, rows in {"train": config.rows, "valid": config.rows // 10, "test": 1}.items():
        inputs = {m: torch.randn(rows, *shape) for m, shape in config.shapes.items()}
        splits[split] = Split(inputs, torch.randint(config.classes, (rows,)))
    return MultimodalData("random", **splits, classes=tuple(map(str, range(config.classes))))


def _begin_ms(method: Method, data: MultimodalData) -> float:
    """Mean milliseconds of ``begin_epoch`` over the timed epochs; the method is then as in the middle of training."""
    method.begin_epoch(FIRST_EPOCH, data)
    device = method.model.anchor.device
    return statistics.mean(milliseconds(partial(method.begin_epoch, e, data), device) for e in TIMED_EPOCHS)


def _lead_in_turns(aim: AIM) -> None:
    """The first modality, the larger one here, leads in its first block and the other one from the second on."""
    first, second = aim.model.modalities
    leads = {
        block: block == f"{first}/1" or block.startswith(f"{second}/") for block, _ in aim.judgement.strength.items()
    }
    leads[f"{second}/1"] = False
    like = aim.model.anchor
    aim.judgement.take({"strength": {block: like.new_tensor(0.5 * ahead) for block, ahead in leads.items()}})


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
        "--limit",
        nargs="+",
        type=_limit,
        default=[],
        metavar="METHOD=RATIO",
        help="end with 1 if a method's epochs cost more",
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
        over = [
            f"{m} {costs[m].epoch_ratio:.2f} > {most:g}" for m, most in options.limit if costs[m].epoch_ratio > most
        ]
        if over:
            sys.exit(f"{name}: over the limit: {', '.join(over)}")


def _limit(text: str) -> tuple[str, float]:
    method, _, ratio = text.partition("=")
    if method not in METHODS or not ratio.replace(".", "", 1).isdigit():
        raise argparse.ArgumentTypeError(f"expected METHOD=RATIO such as mcr=1.35, got {text!r}")
    return method, float(ratio)


if __name__ == "__main__":
    main()
