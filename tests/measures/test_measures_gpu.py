"""Measures give the same numbers for a network on a CUDA device, with the rows on either device."""

import pytest
import torch

pytest.importorskip("sklearn", reason="the measures need scikit-learn, which this machine has not")

from mmlib.measures import (
    competition_of,
    depth_performance,
    depth_probes,
    depth_prototypes,
    gradient_share,
    linear_probe,
    masked_accuracy,
    monomodal_gap,
    response_accuracy,
    shapley_values,
    weak_channels,
)
from mmlib.methods import Unimodal
from mmlib.models import build_model

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]

READOUTS = [depth_probes, depth_prototypes, depth_performance, weak_channels]


def measured(model, alone, train, test):
    return [
        *masked_accuracy(model, test).values(),
        *response_accuracy(model, test).values(),
        *shapley_values(model, test, majority=train.labels).values(),
        *shapley_values(model, test, of="logit").values(),
        competition_of(model, alone, train, test),
        linear_probe(model, "a", train, test),
        monomodal_gap(model, alone, train, test),
        *(value for depths in gradient_share(model, test).values() for value in depths),
        *(value for readout in READOUTS for m in ("a", "b") for value in readout(model, m, train, test)),
    ]


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
