"""What a method keeps from step to step has at least float32, whatever the network's type, and is cast unrounded."""

import pytest
import torch
from torch import nn

from mmlib.methods import AGM, METHODS, OGMGE, Joint
from mmlib.methods._parts.late_buffers import LateBuffers
from mmlib.methods._parts.precise_buffers import PreciseBuffers, at_least_single

SHORT = (torch.bfloat16, torch.float16)
STEPS = 4000
THIRD = 1 / 3  # has no end in binary


def own_buffers(method):
    """Buffers of the method that are not the network's."""
    return {name: b for name, b in method.named_buffers() if not name.startswith("model.") and b.is_floating_point()}


def judged_method(problem, method_named, as_data, name, dtype, **options):
    """A method in the middle of training: epoch 1 has begun, with data to judge on."""
    model, inputs, labels = problem(rows=12, dtype=torch.float32, **options)
    method = method_named(name, model, **({"warm_up": 0} if name == "aim" else {}))
    inputs = {m: x.to(dtype) for m, x in inputs.items()}
    method.to(dtype)
    for epoch in range(2):
        method.begin_epoch(epoch, as_data(inputs, labels))
        logs = method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.01))
    assert all(torch.isfinite(value) for value in logs.values())
    return method, inputs, labels


@pytest.fixture(autouse=True)
def short_judgement(monkeypatch):
    monkeypatch.setattr("mmlib.methods.aim.judge.FIRST_STEPS", 6)
    monkeypatch.setattr("mmlib.methods.aim.judge.FURTHER_STEPS", 3)


@pytest.mark.parametrize("dtype", [*SHORT, torch.float32, torch.float64])
@pytest.mark.parametrize("name", METHODS)
def test_own_state_is_at_least_float32(problem, method_named, as_data, name, dtype):
    method, inputs, labels = judged_method(problem, method_named, as_data, name, dtype)
    wanted = torch.float64 if dtype == torch.float64 else torch.float32
    assert {b.dtype for b in own_buffers(method).values()} <= {wanted}
    assert {p.dtype for p in method.parameters()} == {dtype}
    assert bool(own_buffers(method)) == (name in ("agm", "aim", "mslr", "mses"))


@pytest.mark.parametrize("cast", [lambda m: m.to(torch.bfloat16), lambda m: m.half(), lambda m: m.model.bfloat16()])
@pytest.mark.parametrize("name", METHODS)
def test_a_cast_leaves_what_own_state_holds(problem, method_named, as_data, name, cast):
    method, inputs, labels = judged_method(problem, method_named, as_data, name, torch.float32)
    before = {}
    for key, buffer in own_buffers(method).items():
        buffer.fill_(THIRD)
        before[key] = buffer.clone()
    cast(method)
    method.check({m: x.to(method.model.anchor.dtype) for m, x in inputs.items()}, labels)
    after = own_buffers(method)
    assert after.keys() == before.keys()
    assert all(after[key].dtype == torch.float32 and torch.equal(after[key], before[key]) for key in before)
    assert {p.dtype for p in method.parameters()} == {method.model.anchor.dtype} <= set(SHORT)


@pytest.mark.parametrize("name", ["agm", "aim", "mslr", "mses"])
def test_a_cast_to_float64_and_back(problem, method_named, as_data, name):
    method, inputs, labels = judged_method(problem, method_named, as_data, name, torch.float64)
    assert {b.dtype for b in own_buffers(method.half()).values()} == {torch.float32}
    method.model.double()
    method.check({m: x.double() for m, x in inputs.items()}, labels)
    assert {b.dtype for b in own_buffers(method).values()} == {torch.float64}


@pytest.mark.parametrize("dtype", SHORT)
def test_agms_running_mean_after_four_thousand_steps(problem, dtype):
    """A first half of scores of 1.5 and a second of 0 have the mean .75; in bfloat16 it would stay at 1.5."""
    method = AGM(problem(dtype=torch.float32)[0]).to(dtype)
    for step in range(STEPS):
        method._remember(torch.full((2,), 1.5 if step < STEPS // 2 else 0.0))
    torch.testing.assert_close(method.running_scores, torch.full((2,), 0.75), rtol=1e-4, atol=0)
    assert method.steps == STEPS


@pytest.mark.parametrize("dtype", SHORT)
def test_agms_scores_are_those_of_the_responses(problem, dtype):
    """The mean of the scores that a short network's own logits have, in float32."""
    model, inputs, labels = problem(rows=64, dtype=dtype)
    method = AGM(model, alpha=0.0)
    expected = torch.zeros(2)
    for step in range(1, 6):
        method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.0))
        f = {m: model({n: x if n == m else torch.zeros_like(x) for n, x in inputs.items()}).float() for m in inputs}
        full = model(inputs).float()
        phi = [(full - f["v"] + f["a"]) / 2, (full - f["a"] + f["v"]) / 2]
        scores = torch.stack([nn.functional.cross_entropy(p, labels).detach() for p in phi])
        expected += (scores - expected) / step
    torch.testing.assert_close(method.running_scores, expected, rtol=2e-2, atol=0)
    assert method.running_scores.dtype == torch.float32


@pytest.mark.parametrize("dtype", SHORT)
def test_the_ratio_of_ogm_ge_is_not_rounded(problem, dtype):
    model, inputs, labels = problem(rows=64, dtype=dtype)
    logs = OGMGE(model).loss(inputs, labels)[1]
    assert {value.dtype for value in logs.values()} == {torch.float32}
    shares = {m: z.float() for m, z in model.fusion.modality_logits(model.encode(inputs)).items()}
    p = {m: z.softmax(1).gather(1, labels[:, None]).sum() for m, z in shares.items()}
    torch.testing.assert_close(logs["rho/a"], p["a"] / p["v"], rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", METHODS)
def test_a_short_network_resumes_with_unrounded_state(problem, method_named, as_data, name):
    method, inputs, labels = judged_method(problem, method_named, as_data, name, torch.bfloat16)
    for buffer in own_buffers(method).values():
        buffer.fill_(THIRD)
    other = judged_method(problem, method_named, as_data, name, torch.bfloat16, seed=3)[0]
    other.load_state_dict({key: value.clone() for key, value in method.state_dict().items()})
    ours, theirs = own_buffers(method), own_buffers(other)
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


class Mine(Joint):
    """A method of a user's own, with state in its buffers and in a module."""

    def __init__(self, model):
        super().__init__(model)
        self.register_buffer("mean", torch.zeros((), dtype=torch.bfloat16))
        self.register_buffer("count", torch.zeros((), dtype=torch.long))
        self.register_buffer("nothing", None)
        self.late, self.layer = LateBuffers(), nn.BatchNorm1d(3)
        self.late.replace({"x": torch.ones(2, dtype=torch.float16)})


def test_a_method_of_ones_own_has_it_too(problem):
    method = Mine(problem(dtype=torch.float32)[0]).to(torch.bfloat16)
    assert method.mean.dtype == method.late["x"].dtype == torch.float32 and method.count.dtype == torch.long
    assert method.layer.running_mean.dtype == torch.bfloat16  # a layer is not a statistic of the method
    assert method.get_buffer("nothing") is None
    assert method.double().mean.dtype == torch.float64
    assert method.to("meta").mean.device.type == "meta"


def test_casting_back_and_forth_follows_the_longer_type():
    module = PreciseBuffers()
    module.register_buffer("x", torch.tensor(THIRD, dtype=torch.float64))
    module.half()
    assert module.x.dtype == torch.float32 and module.x == torch.tensor(THIRD, dtype=torch.float32)
    assert [at_least_single(d) for d in (*SHORT, torch.float32, torch.float64, torch.int8, torch.bool)] == [
        *[torch.float32] * 3,
        torch.float64,
        torch.int8,
        torch.bool,
    ]
