"""AIM switched off, or not yet begun, is joint training to the bit: through fit, with dropout and batch-norm."""

import pytest
import torch

from mmlib.methods import AIM, Joint
from mmlib.training import fit

OFF = [
    {"gamma": 0.0, "beta": 0.0},
    {"lambda_aux": 0.0, "beta": 0.0},
    {"gamma": 0.0, "stim": "none"},
    {"gamma": 0.0, "stim": "dominant"},
    {"gamma": 0.0, "beta": 0.0, "path": "aux_only"},
    {"gamma": 0.0, "beta": 0.0, "dam": "gap", "calibration": "valid", "select": "random"},
]
NOISY = {"norm": "batch", "dropout": 0.3, "rows": 20, "dtype": torch.float32, "seed": 1}


def course(method, data, **more):
    """Weights and buffers of the network and the losses after every epoch."""
    states = []

    def keep(epoch, trained):
        states.append({name: value.clone() for name, value in trained.model.state_dict().items()})
        return {}

    history = fit(method, data, device="cpu", batch_size=6, lr=0.05, on_epoch=keep, **{"epochs": 3, **more})
    return states, [(row["loss"], row["valid/loss"]) for row in history.epochs]


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("proto", ["learned", "class_mean"])
@pytest.mark.parametrize("off", OFF, ids=str)
def test_switched_off(problem, twin, as_data, monkeypatch, off, proto):
    monkeypatch.setattr("mmlib.methods.aim.judge.FIRST_STEPS", 20)
    model, inputs, labels = problem(3, fusion="maxout", **NOISY)
    data = as_data(inputs, labels)
    aim = AIM(twin(model), warm_up=0, every=2, proto=proto, **off)
    (ours, losses), (theirs, expected) = course(aim, data), course(Joint(twin(model)), data)
    assert aim.judgement and not aim.judgement.first or off.get("lambda_aux") == 0
    assert losses == expected
    assert all(same(one, other) for one, other in zip(ours, theirs, strict=True))
    assert not same(ours[0], ours[-1])


def test_in_the_warm_up_and_no_longer(problem, twin, as_data):
    model, inputs, labels = problem(fusion="maxout", **NOISY)
    data, proto = as_data(inputs, labels), {"proto": "class_mean", "q": 0.5}
    ours, losses = course(AIM(twin(model), warm_up=2, **proto), data, epochs=4)
    theirs, expected = course(Joint(twin(model)), data, epochs=4)
    assert [same(one, other) for one, other in zip(ours, theirs, strict=True)] == [True, True, False, False]
    assert losses[:2] == expected[:2]


@pytest.mark.parametrize("part", [{"beta": 0.0}, {"gamma": 0.0}, {"path": "aux_only", "beta": 0.0}], ids=str)
def test_either_part_alone_is_something_else(problem, twin, as_data, part):
    model, inputs, labels = problem(**NOISY)
    inputs["a"][:, 0] += 3 * labels
    data = as_data(inputs, labels)
    ours, _ = course(AIM(twin(model), warm_up=0, proto="class_mean", q=0.5, **part), data)
    theirs, _ = course(Joint(twin(model)), data)
    assert not same(ours[-1], theirs[-1])


def test_the_order_of_the_data_is_that_of_joint_training(problem, twin, as_data):
    """AIM draws random inputs, rows and masks; the batches come in the same order all the same."""
    model, inputs, labels = problem(**NOISY)
    data, seen = as_data(inputs, labels), {}
    for name, method in {"aim": AIM(twin(model), warm_up=0, select="random"), "joint": Joint(twin(model))}.items():
        batches = seen[name] = []
        step = method.step

        def recorded(x, y, optimizer, step=step, batches=batches):
            batches.append(x["a"].clone())
            return step(x, y, optimizer)

        method.step = recorded
        fit(method, data, epochs=3, batch_size=6, device="cpu")
    assert all(torch.equal(one, other) for one, other in zip(seen["aim"], seen["joint"], strict=True))
