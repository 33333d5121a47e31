"""A step of a judged AIM reads no tensor on the host, so that no GPU has to wait for it."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

HOST_READS = {"_local_scalar_dense", "item", "is_nonzero", "nonzero", "equal", "masked_select", "unique"}
OPTIONS = [{}, {"stim": "dominant"}, {"path": "aux_only"}, {"dam": "last"}, {"gamma": 0.0}, {"q": 0.0}]


class ForbidHostReads(TorchDispatchMode):
    """Raises when an operator hands a tensor's value to Python, or makes a shape depend on one."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in HOST_READS:
            raise AssertionError(f"{func} reads a tensor's value on the host")
        return func(*args, **(kwargs or {}))


def judged_problem(problem, judged, options, **more):
    model, inputs, labels = problem(norm="batch", rows=20, **more)
    inputs["a"][:, 0] += 3 * labels
    return judged(model, inputs, labels, **options).train(), inputs, labels


@pytest.mark.parametrize("fusion", ["concat", "maxout"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_step_waits_for_nothing(problem, judged, options, fusion):
    method, inputs, labels = judged_problem(problem, judged, options, fusion=fusion)
    optimizer = torch.optim.SGD(method.parameters(), lr=0.1, momentum=0.9)
    with ForbidHostReads():
        logs = method.step(inputs, labels, optimizer)
    assert ("loss/aux" in logs) == (options.get("gamma") != 0.0)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_step_runs_on_tensors_without_values(problem, judged, options):
    """Meta tensors have shapes and no values, so any way of reading one raises, tolist() and numpy() too."""
    method, inputs, labels = judged_problem(problem, judged, options, dtype=torch.float32)
    method.to("meta")
    inputs, labels = {m: x.to("meta") for m, x in inputs.items()}, labels.to("meta")
    logs = method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.1))
    assert {value.device.type for value in logs.values()} == {"meta"}
