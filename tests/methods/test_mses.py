"""MSES against early stopping written out, what a stopped modality must not do, and across a kill."""

import copy
import math
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from mmlib.data import Split, load
from mmlib.methods import MSES, Joint, mses
from mmlib.methods._parts.modality_parts import own_buffers, own_parameters
from mmlib.models import build_model
from mmlib.training import OPTIMIZERS, fit

KINDS = {"sgd": {"lr": 0.1}, "adamw": {"lr": 0.02}}


def early_stopping(losses, patience):
    """(epoch of the best smoothed loss, epoch of the stop or None), both counted from the first loss."""
    best, best_at, waited, s = math.inf, None, 0, None
    for i, loss in enumerate(losses):
        s = loss if s is None else 0.6 * s + 0.4 * loss
        if s < best:
            best, best_at, waited = s, i, 0
        else:
            waited += 1
            if waited == patience:
                return best_at, i
    return best_at, None


def snapshot(model, modality):
    own = (*own_parameters(model)[modality], *own_buffers(model)[modality])
    return [t.detach().clone() for t in own]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture
def scene(problem):
    """(method, inputs, labels, validation data): few rows and labels without a pattern, so that all overfit."""

    def make(patience=2, modalities=2, seed=0, **options):
        model, inputs, labels = problem(modalities, rows=12, seed=seed, **({"norm": "batch"} | options))
        _, others, wanted = problem(modalities, rows=30, seed=5, **options)
        return MSES(model, patience=patience), inputs, labels, SimpleNamespace(valid=Split(others, wanted))

    return make


def share_losses(model, split):
    """Cross-entropy of W_m f_m + b / M, for a linear fusion."""
    training = {m: e.training for m, e in model.encoders.items()}
    model.eval()
    found = {}
    with torch.no_grad():
        for m, encoder in model.encoders.items():
            z = encoder(split.inputs[m]) @ model.fusion.projections[m].weight.T + model.fusion.bias / len(training)
            found[m] = F.cross_entropy(z, split.labels).item()
    model.train()
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("patience", [1, 2, 4])
def test_it_stops_where_early_stopping_stops_and_gives_the_best_weights_back(scene, kind, patience):
    method, inputs, labels, data = scene(patience, fusion="linear")
    optimizer = OPTIMIZERS[kind](method.parameters(), weight_decay=0.1, **KINDS[kind])
    losses, weights = {"a": [], "v": []}, {"a": [], "v": []}
    for epoch in range(30):
        if epoch:
            for m, loss in share_losses(method.model, data.valid).items():
                losses[m].append(loss)
                weights[m].append(snapshot(method.model, m))
        method.begin_epoch(epoch, data)
        logs = method.step(inputs, labels, optimizer)
        for m in losses:
            best, stop = early_stopping(losses[m], patience)
            assert logs[f"stopped/{m}"].item() == (stop is not None)
            if stop is not None:
                assert same(snapshot(method.model, m), weights[m][best])
            elif weights[m]:
                assert not same(snapshot(method.model, m), weights[m][-1])
    assert all(early_stopping(listed, patience)[1] for listed in losses.values()), "nothing was stopped"
    assert method.waited.tolist() == [patience, patience]  # a stopped modality is not judged again


def test_the_epochs_without_improvement_must_be_in_a_row(problem, monkeypatch):
    """On courses that fall and rise again: rows with logits (0, t, -inf) of class 0 have any loss one likes."""
    generator, restarts = torch.Generator().manual_seed(0), 0
    for _ in range(20):
        listed = (0.5 + torch.rand(15, generator=generator, dtype=torch.float64)).tolist()
        method = MSES(problem()[0], patience=3)
        for epoch, loss in enumerate(listed, start=1):
            z = torch.tensor([[0.0, math.log(math.expm1(loss)), -math.inf]], dtype=torch.float64)
            monkeypatch.setattr(mses, "validation_shares", lambda *_, z=z: ({"a": z, "v": z}, torch.zeros(1).long()))
            method.begin_epoch(epoch, "data")
            stop = early_stopping(listed[:epoch], 3)[1]
            assert method.stopped.tolist() == [stop is not None] * 2
        restarts += early_stopping(listed, 3)[0] > 1
    assert restarts > 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fusion", ["concat", "sum", "attention", "maxout"])
def test_a_stopped_modality_does_not_move_and_the_others_do(scene, kind, fusion):
    """Neither by momentum or weight decay, which go on with a gradient of zero, nor by batch statistics."""
    method, inputs, labels, data = scene(fusion=fusion, dropout=0.3)
    optimizer = OPTIMIZERS[kind](method.parameters(), weight_decay=0.1, **KINDS[kind])
    for _ in range(3):
        method.step(inputs, labels, optimizer)
    state = method.state_dict()
    state["stopped"] = torch.tensor([True, False])
    method.load_state_dict(state)
    before = {m: snapshot(method.model, m) for m in ("a", "v")}
    shared = {k: p.clone() for k, p in method.model.fusion.named_parameters() if ".v." not in k and ".a." not in k}
    for _ in range(3):
        method.step(inputs, labels, optimizer)
    method.begin_epoch(1, data)
    assert same(snapshot(method.model, "a"), before["a"])
    assert not any(torch.equal(x, y) for x, y in zip(snapshot(method.model, "v"), before["v"], strict=True))
    assert all(p.grad is None for p in own_parameters(method.model)["a"])
    now = dict(method.model.fusion.named_parameters())
    assert not shared or any(not torch.equal(now[k], p) for k, p in shared.items())
    assert all(layer.training for layer in method.model.modules())


@pytest.mark.parametrize("fusion", ["concat", "linear", "sum", "film"])
def test_a_step_works_when_all_are_stopped(scene, fusion):
    method, inputs, labels, _ = scene(fusion=fusion)
    method.load_state_dict(method.state_dict() | {"stopped": torch.tensor([True, True])})
    before = [snapshot(method.model, m) for m in ("a", "v")]
    optimizer = torch.optim.SGD(method.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    logs = [method.step(inputs, labels, optimizer) for _ in range(2)]
    assert all(same(snapshot(method.model, m), kept) for m, kept in zip(("a", "v"), before))
    assert (logs[0]["loss"] == logs[1]["loss"]) == (fusion == "sum")  # there alone nothing is shared


def test_a_stopped_encoder_is_the_network_that_was_judged(scene):
    """In evaluation mode: with dropout and batch statistics it would be another in every step."""
    method, inputs, labels, _ = scene(dropout=0.5)
    method.load_state_dict(method.state_dict() | {"stopped": torch.tensor([True, True])})
    expected = F.cross_entropy(method.predict(inputs), labels)
    loss = method.loss(inputs, labels)[0]
    torch.testing.assert_close(loss.detach(), expected)
    method.backward(loss)
    assert all(p.grad is None for p in method.model.encoders.parameters())  # nor is their backward pass paid for


def test_without_a_stop_it_is_joint_training(scene, twin, trained, assert_same_state):
    method, inputs, labels, data = scene(patience=100, modalities=3, dropout=0.2)
    joint = Joint(twin(method.model))
    for epoch in range(3):
        for each in (method, joint):
            each.begin_epoch(epoch, data)
            trained(each, inputs, labels)
    assert_same_state(method.model, joint.model)
    assert not method.stopped.any()


@pytest.mark.parametrize(("epoch", "with_data"), [(0, True), (3, False)])
def test_nothing_is_judged_before_training_or_without_data(scene, epoch, with_data):
    method, _, _, data = scene()
    state = {k: v.clone() for k, v in method.state_dict().items() if not k.endswith("extra_state")}
    method.begin_epoch(epoch, data if with_data else None)
    assert all(torch.equal(method.state_dict()[k], v) for k, v in state.items())
    method.begin_epoch(1, data)
    assert method.smoothed.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kill_at", [3, 6, 12])
def test_the_state_alone_carries_on_exactly(scene, assert_same_state, kind, kill_at):
    """Killed in an epoch before, between and after the stops: the fresh network starts from other weights."""

    def run(method, optimizer, epochs, begun=None):
        for epoch in epochs:
            if epoch != begun:
                method.begin_epoch(epoch, data)
            method.step(inputs, labels, optimizer)

    method, inputs, labels, data = scene()
    optimizer = OPTIMIZERS[kind](method.parameters(), weight_decay=0.1, **KINDS[kind])
    run(method, optimizer, range(kill_at + 1))
    resumed = scene(seed=9)[0]
    resumed.load_state_dict({k: v.clone() for k, v in method.state_dict().items()})
    again = OPTIMIZERS[kind](resumed.parameters(), weight_decay=0.1, **KINDS[kind])
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for each, chosen in ((method, optimizer), (resumed, again)):
        run(each, chosen, range(kill_at, 20), begun=kill_at)
    assert_same_state(method, resumed)
    assert method.stopped.all()


def test_fit_stops_a_modality_and_resumes(tmp_path):
    data = load("synthetic", samples=(60, 60, 20), classes=3)

    def train(file, on_epoch=None):
        torch.manual_seed(0)
        method = MSES(build_model(data.shapes, 3, width=8, depth=1, norm="batch"), patience=2)
        saved = {"checkpoint": tmp_path / file, "checkpoint_every": 0.0}
        return method, fit(method, data, epochs=20, lr=0.05, device="cpu", on_epoch=on_epoch, **saved)

    def kill(epoch, _):
        return 1 / (stop - epoch) and {}

    whole, history = train("whole")
    flags = [row["stopped/a"] for row in history.epochs]
    assert flags == sorted(flags) and flags[0] == 0 and flags[-1] == 1
    stop = flags.index(1.0) + 1
    with pytest.raises(ZeroDivisionError):
        train("broken", kill)
    resumed, second = train("broken")
    assert second.epochs == history.epochs
    assert all(torch.equal(v, resumed.state_dict()[k]) for k, v in whole.state_dict().items())


def test_best_weights_follow_a_model_that_was_cast(scene):
    method, inputs, labels, data = scene()
    method.model.float()
    inputs = {m: x.float() for m, x in inputs.items()}
    data.valid = Split({m: x.float() for m, x in data.valid.inputs.items()}, data.valid.labels)
    optimizer = torch.optim.SGD(method.parameters(), lr=0.5)
    for epoch in range(1, 13):
        method.begin_epoch(epoch, data)
        assert all(t.dtype == torch.float32 for t in method.state_dict().values() if t.is_floating_point())
        method.step(inputs, labels, optimizer)
    assert method.stopped.any()


@pytest.mark.parametrize(("patience", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError)])
def test_bad_patience_is_refused(problem, patience, error):
    with pytest.raises(error, match="^patience must be"):
        MSES(problem()[0], patience=patience)


def test_real_targets_are_refused_before_an_epoch_too(problem):
    model, inputs, labels = problem()
    with pytest.raises(ValueError, match="MSES looks at the true class"):
        MSES(model).begin_epoch(1, SimpleNamespace(valid=Split(inputs, labels.double())))


def test_a_second_training_begins_with_all_modalities(scene):
    method, inputs, labels, data = scene(patience=1)
    optimizer = torch.optim.SGD(method.parameters(), lr=0.1)
    for epoch in range(12):
        method.begin_epoch(epoch, data)
        method.step(inputs, labels, optimizer)
    assert method.stopped.any()
    method.begin_epoch(0, data)
    assert not method.stopped.any() and not method.waited.any() and method.best_losses.isinf().all()
    logs = method.step(inputs, labels, optimizer)
    assert all(logs[f"stopped/{m}"] == 0 for m in method.model.modalities)
    assert all(p.grad is not None for p in own_parameters(method.model)["a"])
