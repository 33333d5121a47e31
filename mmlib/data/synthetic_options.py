"""Checks of the knobs of the synthetic data."""

from collections.abc import Mapping, Sequence

from mmlib import checks
from mmlib.data.synthetic_process import LATENT, Process

NAMES = ("a", "b", "c", "d", "e", "f")


def make_process(
    modalities: int,
    classes: int,
    shared: float,
    unique: float | Mapping[str, float] | None,
    synergy: float,
    noise: float | Mapping[str, float],
    signal: float | Mapping[str, float],
) -> Process:
    """The checked process; the arguments are those of synthetic.load. Raises ValueError or TypeError."""
    _whole_up_to("modalities", modalities, 2, len(NAMES))
    _whole_up_to("classes", classes, 2, LATENT // 2)
    names = NAMES[:modalities]
    checks.number("shared", shared, 0, 1)
    checks.number("synergy", synergy, 0, 1)
    left = max(0.0, 1.0 - shared - synergy)
    uniques = (left / modalities,) * modalities if unique is None else per_modality("unique", unique, names, 0, 1)
    total = shared + sum(uniques) + synergy
    if total > 1 + 1e-9:
        raise ValueError(
            f"shared + unique of each modality + synergy must be at most 1, got {total:g} ({shared:g} + "
            f"{' + '.join(f'{share:g}' for share in uniques)} + {synergy:g}): lower one of them."
        )
    noises = per_modality("noise", noise, names, 1e-3, 1e3)
    signals = per_modality("signal", signal, names, 0, 1e3)
    return Process(names, classes, shared, uniques, synergy, noises, signals)


def per_modality(
    knob: str, value: float | Mapping[str, float], names: Sequence[str], low: float, high: float
) -> tuple[float, ...]:
    """``value`` for each of ``names``, from one number for all or {name: number} with every name."""
    if not isinstance(value, Mapping):
        checks.number(knob, value, low, high)
        return (value,) * len(names)
    for name in value:
        checks.one_of(f"modality in {knob}", name, names)
    missing = [name for name in names if name not in value]
    if missing:
        raise ValueError(f"{knob} must name every modality or be one number for all, it lacks {', '.join(missing)}.")
    for name in names:
        checks.number(f"{knob} of {name!r}", value[name], low, high)
    return tuple(value[name] for name in names)


def check_depths(depths: Sequence[float]) -> None:
    """Raises TypeError unless every depth is a whole number."""
    for depth in depths:
        checks.whole("depth", depth)


def check_samples(samples: Sequence[int]) -> None:
    """Raises TypeError or ValueError unless ``samples`` are three whole numbers of at least 2."""
    if isinstance(samples, str) or not isinstance(samples, Sequence) or len(samples) != 3:
        raise ValueError(f"samples must be three whole numbers, the rows of train, valid and test, got {samples!r}.")
    for split, count in zip(("train", "valid", "test"), samples, strict=True):
        checks.whole(f"samples of {split}", count, 2)


def _whole_up_to(name: str, value: object, low: int, high: int) -> None:
    checks.whole(name, value, low)
    checks.number(name, value, low, high)
