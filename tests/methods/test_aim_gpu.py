"""A judged AIM on a CUDA device against the same on the CPU, and what a step must not wait for."""

import pytest
import torch

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, none found"),
]

DEVICE = "cuda"
NETWORKS = [("mlp", "batch"), ("conv1d", "batch"), ("conv2d", "none"), ("resnet18", "none"), ("transformer", None)]


def scene(problem, encoder="mlp", norm="batch", dtype=torch.float64, **more):
    """A network whose modality a is ahead, and its rows."""
    model, inputs, labels = problem(encoder=encoder, rows=12, dtype=dtype, **({"norm": norm} if norm else {}), **more)
    inputs["a"] += labels.view(-1, *[1] * (inputs["a"].ndim - 1))
    return model, inputs, labels


def moved(inputs, labels):
    return {m: x.to(DEVICE) for m, x in inputs.items()}, labels.to(DEVICE)


def assert_near(ours, theirs, what):
    torch.testing.assert_close(ours.cpu(), theirs, rtol=1e-8, atol=1e-8, msg=lambda text: f"{what}: {text}")


@pytest.mark.parametrize(("encoder", "norm"), NETWORKS)
def test_judging_there_finds_what_it_finds_here(problem, judged, twin, encoder, norm):
    """The rows may lie on either device: fit moves them, a caller may not."""
    model, inputs, labels = scene(problem, encoder, norm)
    here = judged(twin(model), inputs, labels).judgement.state_dict()
    for rows in (moved(inputs, labels), (inputs, labels)):
        method = judged(twin(model).to(DEVICE), *rows)
        there = method.judgement.state_dict()
        assert there.keys() == here.keys()
        for name, value in here.items():
            assert there[name].device.type == DEVICE
            assert_near(there[name], value, name)


@pytest.mark.parametrize(("encoder", "norm"), NETWORKS)
def test_a_step_there_is_the_step_here(problem, judged, twin, encoder, norm):
    model, inputs, labels = scene(problem, encoder, norm)
    here = judged(model, inputs, labels)
    there = twin(here).to(DEVICE)
    ours, theirs = (
        method.step(*rows, torch.optim.SGD(method.parameters(), lr=1e-3))
        for method, rows in ((there, moved(inputs, labels)), (here, (inputs, labels)))
    )
    assert "loss/aux" in theirs
    for name, value in theirs.items():
        assert_near(ours[name], value, name)
    for (name, p), q in zip(here.named_parameters(), there.parameters(), strict=True):
        assert_near(q.grad, p.grad, name)


def test_prototypes_are_learned_there(problem, judged):
    model, inputs, labels = scene(problem, dtype=torch.float32)
    method = judged(model.to(DEVICE), *moved(inputs, labels), proto="learned")
    assert all(x.device.type == DEVICE and torch.isfinite(x).all() for x in method.judgement.buffers())


def test_no_judged_step_waits_for_the_device(problem, judged):
    model, inputs, labels = scene(problem, dtype=torch.float32)
    method = judged(model.to(DEVICE), *moved(inputs, labels)).train()
    rows, optimizer = moved(inputs, labels), torch.optim.SGD(method.parameters(), lr=0.01, momentum=0.9)
    method.step(*rows, optimizer)
    torch.cuda.set_sync_debug_mode("error")
    try:
        assert "loss/aux" in method.step(*rows, optimizer)
    finally:
        torch.cuda.set_sync_debug_mode("default")
