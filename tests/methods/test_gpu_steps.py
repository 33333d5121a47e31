"""A step of every method on a CUDA device against the same step on the CPU."""

from functools import lru_cache

import pytest
import torch

from mmlib.methods import METHODS

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, none found"),
]

ENCODERS = ("mlp", "conv1d", "conv2d", "resnet18", "transformer")
NORMS = [(e, norm) for e in ENCODERS[:-1] for norm in ("none", "batch")] + [("transformer", None)]
# Relative difference: of each log and state tensor to its largest element, of the gradient as one vector to its norm.
# Rounding differs between devices; a batch-norm over the few values of ResNet's last stage, and units near their kink,
# magnify it (float32 against float64 on one CPU: gradients differ by up to 2.4e-2 there, by 4e-6 without batch-norm).
TOLERANCES = {torch.float64: 1e-9, torch.float32: 1e-3}
ILL_CONDITIONED = {torch.float64: 1e-9, torch.float32: 1e-1}
OPTIONS = {  # noise would differ
    "ogm_ge": {"noise": False},
    "agm": {"alpha": 1.5, "cap": 5.0, "theta": 0.5},
    "mcr": {"mode": "no_same_label", "strategy": "independent", "lambda_ceb": 0.1, "K": 4},
}
DRAW = torch.rand


@pytest.fixture(autouse=True)
def exact_convolutions():
    """Full float32 precision and repeatable algorithms on the GPU for the time of a test."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic = before


@lru_cache
def same_numbers(*shape, device):
    """In place of torch.rand, from which MCR draws: equal on all devices, and copied to each once."""
    return DRAW(shape, generator=torch.Generator().manual_seed(0)).to(device)


@pytest.fixture
def same_draws(monkeypatch):
    monkeypatch.setattr(torch, "rand", same_numbers)


def assert_near(ours, theirs, tolerance, what):
    ours = ours.cpu()
    scale = max(1.0, theirs.abs().max().item()) if theirs.is_floating_point() else 0
    torch.testing.assert_close(ours, theirs, rtol=0, atol=tolerance * scale, msg=lambda text: f"{what}: {text}")


def gradient_of(method):
    return torch.cat([p.grad.flatten().cpu() for p in method.parameters() if p.grad is not None])


def compare(problem, method_named, twin, name, dtype, device="cuda", tolerances=TOLERANCES, **network):
    """Steps on each device from one state: logs, gradients, weights and buffers must agree."""
    model, inputs, labels = problem(rows=8, dtype=dtype, **network)
    on_cpu = method_named(name, model, **OPTIONS.get(name, {}))
    on_gpu = twin(on_cpu).to(device)
    logs = []
    for method in (on_cpu, on_gpu):
        place = method.model.anchor.device
        optimizer = torch.optim.SGD(method.parameters(), lr=1e-3, momentum=0.9)
        batch = {m: x.to(place) for m, x in inputs.items()}
        for _ in range(2 if dtype == torch.float64 else 1):
            logs.append(method.step(batch, labels.to(place), optimizer))
        assert all(value.device == place for value in logs[-1].values())
    tolerance = tolerances[dtype]
    for key, value in logs[len(logs) // 2 - 1].items():
        assert_near(logs[-1][key], value, tolerance, key)
    ours, theirs = gradient_of(on_gpu), gradient_of(on_cpu)
    assert ours.shape == theirs.shape and (ours - theirs).norm() <= tolerance * theirs.norm()
    for key, value in on_cpu.state_dict().items():
        assert_near(on_gpu.state_dict()[key], value, tolerance, key)


@pytest.mark.usefixtures("same_draws")
@pytest.mark.parametrize("dtype", TOLERANCES, ids=["float64", "float32"])
@pytest.mark.parametrize(("encoder", "norm"), NORMS)
@pytest.mark.parametrize("name", METHODS)
def test_encoders(problem, method_named, twin, name, encoder, norm, dtype):
    tolerances = ILL_CONDITIONED if (encoder, norm) == ("resnet18", "batch") else TOLERANCES
    options = {} if norm is None else {"norm": norm}
    compare(problem, method_named, twin, name, dtype, tolerances=tolerances, encoder=encoder, **options)


@pytest.mark.usefixtures("same_draws")
@pytest.mark.parametrize("dtype", TOLERANCES, ids=["float64", "float32"])
@pytest.mark.parametrize("fusion", ["sum", "linear", "gated", "film", "attention", "maxout"])
@pytest.mark.parametrize("name", METHODS)
def test_fusions(problem, method_named, twin, name, fusion, dtype):
    compare(problem, method_named, twin, name, dtype, fusion=fusion, head_dropout=0.0)


@pytest.mark.parametrize("name", METHODS)
def test_own_state_follows_a_model_that_was_moved_alone(problem, method_named, name):
    model, inputs, labels = problem(dtype=torch.float32)
    method = method_named(name, model)
    model.cuda()
    method.check({m: x.cuda() for m, x in inputs.items()}, labels.cuda())
    assert all(t.device.type == "cuda" for t in (*method.parameters(), *method.buffers()))
    method.step({m: x.cuda() for m, x in inputs.items()}, labels.cuda(), torch.optim.SGD(method.parameters(), lr=0.1))


def assert_no_waiting(method, batch, labels):
    """The first step may set things up; the second must not ask the device for a value."""
    optimizer = torch.optim.SGD(method.parameters(), lr=0.01, momentum=0.9)
    method.step(batch, labels, optimizer)
    torch.cuda.set_sync_debug_mode("error")
    try:
        method.step(batch, labels, optimizer)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("name", METHODS)
def test_no_step_waits_for_the_device(problem, method_named, name):
    model, inputs, labels = problem(norm="batch", dropout=0.2, dtype=torch.float32)
    method = method_named(name, model).cuda()
    batch, labels = {m: x.cuda() for m, x in inputs.items()}, labels.cuda()
    assert_no_waiting(method, batch, labels)


@pytest.mark.usefixtures("same_draws")
@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("name", METHODS)
def test_a_captured_step_is_the_step(problem, method_named, twin, name, norm):
    """The whole step in a CUDA graph, replayed: the same numbers as steps run one by one."""
    model, inputs, labels = problem(dtype=torch.float32, norm=norm)
    eager = method_named(name, model, **OPTIONS.get(name, {})).cuda()
    captured = twin(eager)
    batch, labels = {m: x.cuda() for m, x in inputs.items()}, labels.cuda()
    plain, graphed = (torch.optim.SGD(m.parameters(), lr=0.05, momentum=0.9) for m in (eager, captured))
    for _ in range(6):
        logs = eager.step(batch, labels, plain)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            captured.step(batch, labels, graphed)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        replayed = captured.step(batch, labels, graphed)
    for _ in range(3):
        graph.replay()
    torch.cuda.synchronize()
    for key, value in logs.items():
        assert_near(replayed[key], value.cpu(), 1e-5, key)
    for key, value in eager.state_dict().items():
        assert_near(captured.state_dict()[key], value.cpu(), 1e-5, key)


@pytest.mark.parametrize("perturbation", ["permute", "zero_latent", "noise_latent", "zero_input", "noise_input"])
@pytest.mark.parametrize("mode", ["rand", "no_self", "no_same_label"])
def test_no_game_of_mcr_waits_for_the_device(problem, method_named, mode, perturbation):
    model, inputs, labels = problem(3, fusion="linear", norm="batch", dropout=0.2, dtype=torch.float32)
    batch, labels = {m: x.cuda() for m, x in inputs.items()}, labels.cuda()
    for strategy in ("greedy", "independent", "collaborative"):
        method = method_named("mcr", model, strategy=strategy, mode=mode, perturbation=perturbation).cuda()
        assert_no_waiting(method, batch, labels)
