"""What every method promises: no host reads in a step, detached logs, clear errors, exact resumption, dtype."""

import copy

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from mmlib.methods import METHODS, Joint, Method

HOST_READS = {"_local_scalar_dense", "item", "is_nonzero", "nonzero", "equal", "masked_select", "unique"}


@pytest.fixture(params=METHODS)
def name(request):
    return request.param


class ForbidHostReads(TorchDispatchMode):
    """Raises when an operator hands a tensor's value to Python, or makes a shape depend on one."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in HOST_READS:
            raise AssertionError(f"{func} reads a tensor's value on the host")
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("fusion", ["concat", "maxout"])
def test_no_host_reads_in_a_step(problem, method_named, name, fusion):
    model, inputs, labels = problem(fusion=fusion, norm="batch", dropout=0.2)
    method = method_named(name, model, **({"theta": 0.1} if name == "agm" else {}))
    optimizer = torch.optim.SGD(method.parameters(), lr=0.1, momentum=0.9)
    with ForbidHostReads():
        for epoch in range(2):
            method.begin_epoch(epoch, None)
            method.step(inputs, labels, optimizer)


def test_the_guard_against_host_reads_works():
    for read in (torch.Tensor.item, bool, float, torch.Tensor.nonzero):
        with ForbidHostReads(), pytest.raises(AssertionError, match="on the host"):
            read(torch.ones(()))


@pytest.mark.parametrize("fusion", ["concat", "film", "maxout"])
def test_a_step_runs_on_tensors_without_values(problem, method_named, name, fusion):
    """Meta tensors have shapes and no values, so any way of reading one raises, tolist() and numpy() too."""
    model, inputs, labels = problem(fusion=fusion, norm="batch", dropout=0.2, dtype=torch.float32)
    method = method_named(name, model).to("meta")
    logs = method.step(
        {m: x.to("meta") for m, x in inputs.items()}, labels.to("meta"), torch.optim.SGD(method.parameters(), 0.1)
    )
    assert logs["loss"].device.type == "meta"


def test_logs_are_detached_scalars(problem, method_named, name):
    model, inputs, labels = problem()
    method = method_named(name, model)
    logs = method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.1))
    assert "loss" in logs
    for value in logs.values():
        assert value.shape == () and not value.requires_grad and torch.isfinite(value)


def test_gradients_stay_until_the_next_step(problem, method_named, name):
    model, inputs, labels = problem()
    method = method_named(name, model)
    optimizer = torch.optim.SGD(method.parameters(), lr=0.0)
    torch.manual_seed(0)
    method.step(inputs, labels, optimizer)
    first = [p.grad.clone() for p in method.parameters() if p.grad is not None]
    method.load_state_dict(
        {k: torch.zeros_like(v) if "running" in k or "steps" in k else v for k, v in method.state_dict().items()}
    )
    torch.manual_seed(0)
    method.step(inputs, labels, optimizer)
    second = [p.grad for p in method.parameters() if p.grad is not None]
    assert any(g.abs().sum() > 0 for g in first)
    for one, other in zip(first, second, strict=True):  # not added up over steps
        assert torch.equal(one, other)


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])
def test_training_resumes_exactly_from_the_state(problem, method_named, assert_same_state, name, kind):
    model, inputs, labels = problem(norm="batch", dropout=0.2)

    def run(method, optimizer, steps):
        for i in steps:
            torch.manual_seed(i)
            method.step(inputs, labels, optimizer)

    method = method_named(name, model)
    optimizer = kind(method.parameters(), lr=0.05, weight_decay=1e-2)
    run(method, optimizer, range(3))
    state = {k: v.clone() for k, v in method.state_dict().items()}
    resumed = method_named(name, problem(norm="batch", dropout=0.2, seed=9)[0])
    resumed.load_state_dict(state)
    again = kind(resumed.parameters(), lr=0.05, weight_decay=1e-2)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))  # a plain one would share its tensors
    run(method, optimizer, range(3, 6))
    run(resumed, again, range(3, 6))
    assert_same_state(method, resumed)
    assert any(not torch.equal(v, state[k]) for k, v in method.state_dict().items())


def test_dtype_follows_a_model_that_was_cast_after_the_method_was_made(problem, method_named, name):
    model, inputs, labels = problem(dtype=torch.float32)
    method = method_named(name, model)
    model.double()
    optimizer = torch.optim.SGD(method.parameters(), lr=0.1)
    before = {k: v.clone() for k, v in method.named_parameters()}
    logs = method.step({m: x.double() for m, x in inputs.items()}, labels, optimizer)
    assert all(t.dtype == torch.float64 for t in (*method.parameters(), *logs.values()))
    for k, p in method.named_parameters():  # the optimiser still holds the parameters that are trained
        assert p.grad is None or not p.grad.any() or not torch.equal(p.double(), before[k].double()), k


def test_predict_is_in_evaluation_mode_and_leaves_the_flags(problem, method_named, name):
    model, inputs, _ = problem(norm="batch", dropout=0.5)
    method = method_named(name, model)
    method.train()
    model.encoders["v"].eval()
    flags = {k: m.training for k, m in method.named_modules()}
    state = {k: v.clone() for k, v in method.state_dict().items()}
    logits = method.predict(inputs)
    assert logits.shape == (5, 3) and not logits.requires_grad
    assert torch.equal(logits, method.predict(inputs))
    one_row = method.predict({m: x[:1] for m, x in inputs.items()})
    torch.testing.assert_close(one_row, logits[:1])
    assert {k: m.training for k, m in method.named_modules()} == flags
    assert all(torch.equal(v, state[k]) for k, v in method.state_dict().items())


def test_a_method_takes_a_multimodal_model_only(name, method_named):
    with pytest.raises(TypeError, match="trains a MultimodalModel, got Linear"):
        METHODS[name](nn.Linear(2, 2), **({"modality": "a"} if name == "unimodal" else {}))


def test_bad_batches_raise_before_anything_changes(problem, method_named, name):
    model, inputs, labels = problem()
    method = method_named(name, model)
    optimizer = torch.optim.SGD(method.parameters(), lr=0.1)
    state = {k: v.clone() for k, v in method.state_dict().items()}
    bad = {
        "missing": ({"a": inputs["a"]}, labels),
        "unknown": ({**inputs, "smell": inputs["a"]}, labels),
        "same number of rows": ({**inputs, "v": inputs["v"][:2]}, labels),
        r"labels must be \[5\]": (inputs, labels[:3]),
        r"one per row of the inputs, got \(5, 1\)": (inputs, labels[:, None]),
    }
    for message, (x, y) in bad.items():
        with pytest.raises(ValueError, match=message):
            method.step(x, y, optimizer)
    assert all(torch.equal(v, state[k]) for k, v in method.state_dict().items())


def test_the_four_parts_run_in_order(problem):
    model, inputs, labels = problem()
    called = []

    class Spy(Joint):
        def loss(self, *args):
            called.append("loss")
            return super().loss(*args)

        def backward(self, *args):
            called.append("backward")
            super().backward(*args)

        def edit_grads(self, logs):
            called.append("edit_grads")
            assert all(p.grad is not None for p in self.parameters())

    class Optimizer(torch.optim.SGD):
        def step(self, closure=None):
            called.append("optimizer")
            return super().step(closure)

    method = Spy(model)
    method.step(inputs, labels, Optimizer(method.parameters(), lr=0.1))
    assert called == ["loss", "backward", "edit_grads", "optimizer"]


def test_the_base_class_has_no_losses(problem):
    model, inputs, labels = problem()
    method = Method(model)
    with pytest.raises(NotImplementedError):
        method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.1))


def test_every_method_is_registered_under_one_name():
    baselines = {"joint", "unimodal", "ensemble", "multi_loss", "ogm_ge", "mslr", "mses"}
    assert set(METHODS) == baselines | {"agm", "mcr", "aim"}
    assert len(set(METHODS.values())) == len(METHODS)
    assert all(issubclass(method, Method) and method.__doc__ for method in METHODS.values())


def test_the_public_parts_of_a_step_give_the_same_bits(problem, method_named, name):
    ready, by_hand = (method_named(name, problem(norm="batch")[0]) for _ in range(2))
    by_hand.load_state_dict(ready.state_dict())
    _, inputs, labels = problem()
    first, second = (torch.optim.SGD(method.parameters(), lr=0.1, momentum=0.9) for method in (ready, by_hand))
    for step in range(3):
        torch.manual_seed(step)
        ready.step(inputs, labels, first)
        torch.manual_seed(step)
        loss, logs = by_hand.loss(inputs, labels)
        by_hand.zero_grad()
        loss.backward()
        by_hand.edit_grads(logs)
        second.step()
    for key, value in ready.state_dict().items():
        assert torch.equal(value, by_hand.state_dict()[key]), key
