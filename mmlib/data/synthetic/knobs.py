"""Checks of the knobs of the synthetic data."""

from collections.abc import Mapping, Sequence
from functools import partial

from mmlib import checks
from mmlib.data.synthetic.lift import LATENT
from mmlib.data.synthetic.linear import LinearProcess
from mmlib.data.synthetic.process import Process

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
    _whole_up_to("classes", classes, 2, LATENT // 2)  # every class needs two directions
    names = NAMES[:modalities]
    uniques = _uniques(names, unique, shared=shared, synergy=synergy)
    return Process(names, classes, shared, uniques, synergy, *_sizes(names, noise, signal))


def make_linear_process(
    modalities: int,
    shared: float,
    unique: float | Mapping[str, float] | None,
    noise: float | Mapping[str, float],
    signal: float | Mapping[str, float],
) -> LinearProcess:
    """The checked process; the arguments are those of synthetic_regression.load. Raises ValueError or TypeError."""
    _whole_up_to("modalities", modalities, 2, len(NAMES))
    names = NAMES[:modalities]
    return LinearProcess(names, shared, _uniques(names, unique, shared=shared), *_sizes(names, noise, signal))


def of_each(
    name: str, value: float | Mapping[str, float], modalities: Sequence[str], low: float, high: float
) -> tuple[float, ...]:
    """``value`` for each of ``modalities``, from one number for all or {modality: number} with every one."""
    each = checks.per_modality(name, value, modalities, partial(checks.number, low=low, high=high))
    return tuple(each.values())


def check_depths(depths: Sequence[float]) -> None:
    """Raises TypeError unless every depth is a whole number."""
    for depth in depths:
        checks.whole("depth", depth)


def _uniques(names: Sequence[str], unique: float | Mapping[str, float] | None, **others: float) -> tuple[float, ...]:
    """The share of each modality, from a knob that may be None (all that the ``others`` leave, evenly)."""
    left = 1.0
    for knob, share in others.items():
        checks.number(knob, share, 0, 1)
        left -= share
    if unique is None:
        uniques = (max(0.0, left) / len(names),) * len(names)
    else:
        uniques = of_each("unique", unique, names, 0, 1)
    shares = [*others.values(), *uniques]
    if sum(shares) > 1 + 1e-9:
        raise ValueError(
            f"{' + '.join(others)} + unique of each modality must be at most 1, got {sum(shares):g} "
            f"({' + '.join(f'{share:g}' for share in shares)}): lower one of them."
        )
    return uniques


def _sizes(
    names: Sequence[str], noise: float | Mapping[str, float], signal: float | Mapping[str, float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return of_each("noise", noise, names, 1e-3, 1e3), of_each("signal", signal, names, 0, 1e3)


def _whole_up_to(name: str, value: object, low: int, high: int) -> None:
    checks.whole(name, value, low)
    checks.number(name, value, low, high)
