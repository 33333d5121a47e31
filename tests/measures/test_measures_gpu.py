"""Measures give the same numbers for a network on a CUDA device, with the rows on either device."""

import pytest
import torch

pytest.importorskip("sklearn", reason="the measures need scikit-learn, which this machine has not")

from every_measure import EVERY_MEASURE

from mmlib.methods import Unimodal
from mmlib.models import build_model

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]


def numbers(measured):
    """All numbers in a measure's dicts and lists, in their order."""
    if isinstance(measured, dict):
        measured = list(measured.values())
    return [n for part in measured for n in numbers(part)] if isinstance(measured, list) else [measured]


def measured(*arguments):
    return numbers([measure(*arguments, m) for measure in EVERY_MEASURE.values() for m in ("a", "b")])


@pytest.mark.parametrize("rows_on", ["cpu", "cuda"])
def test_the_device_does_not_change_a_measure(rows_on, one_informative):
    torch.manual_seed(0)
    model, other = (build_model({"a": (10,), "b": (10,)}, 10, norm="batch", width=8).double() for _ in range(2))
    alone = Unimodal(other, "a")
    train, test = (one_informative(1100, seed=s) for s in (0, 1))
    for split in (train, test):
        split.inputs.update({m: x.double() for m, x in split.inputs.items()})
    on_cpu = measured(model, alone, train, test)
    on_cuda = measured(model.cuda(), alone.cuda(), train.to(rows_on), test.to(rows_on))
    assert on_cuda == pytest.approx(on_cpu, abs=1e-9)
