"""A training that begins with epoch 0 knows nothing of one before it; one that is resumed keeps what it knew."""

import pytest
import torch

from mmlib.methods import AGM, METHODS
from mmlib.training import fit

EPOCHS = 4


@pytest.fixture(autouse=True)
def short_judgement(monkeypatch):
    monkeypatch.setattr("mmlib.methods.aim.judge.FIRST_STEPS", 6)
    monkeypatch.setattr("mmlib.methods.aim.judge.FURTHER_STEPS", 3)


def network_state(method):
    """Weights of all kinds and the network's buffers: what is not the method's own state."""
    return {**dict(method.named_parameters()), **{f"model.{k}": b for k, b in method.model.named_buffers()}}


def build(problem, method_named, name):
    model, inputs, labels = problem(fusion="linear", norm="batch", dropout=0.2, rows=20, dtype=torch.float32)
    options = {"aim": {"warm_up": 1, "every": 1}, "mses": {"patience": 1}, "mcr": {"K": 4}}
    return method_named(name, model, **options.get(name, {})), inputs, labels


def course(method, data, epochs=EPOCHS):
    return fit(method, data, epochs=epochs, batch_size=7, lr=0.2, seed=3, device="cpu").epochs


@pytest.mark.parametrize("name", METHODS)
def test_a_second_training_is_that_of_a_fresh_method(problem, method_named, as_data, assert_same_state, name):
    used, inputs, labels = build(problem, method_named, name)
    fresh, _, _ = build(problem, method_named, name)
    first = {key: value.detach().clone() for key, value in network_state(used).items()}
    own = {key: value.clone() for key, value in used.state_dict().items()}
    data = as_data(inputs, labels)
    others = as_data({m: x.flip(0) for m, x in inputs.items()}, (labels + 1) % 3)
    course(used, others, EPOCHS + 1)
    with torch.no_grad():
        for key, value in network_state(used).items():
            value.copy_(first[key])
    again = course(used, data)
    assert again == course(fresh, data)
    assert_same_state(used, fresh)
    assert any(not torch.equal(value, own[key]) for key, value in fresh.state_dict().items() if key in own)


@pytest.mark.parametrize("name", METHODS)
def test_after_forgetting_the_state_is_that_of_a_new_method(problem, method_named, as_data, assert_same_state, name):
    used, inputs, labels = build(problem, method_named, name)
    course(used, as_data(inputs, labels))
    fresh, _, _ = build(problem, method_named, name)
    with torch.no_grad():
        for key, value in network_state(used).items():
            value.copy_(network_state(fresh)[key])
    used.begin_epoch(0, None) if name != "aim" else used.forget()
    used.epoch = 0
    assert_same_state(used, fresh)


def test_agm_forgets_in_epoch_0_alone(problem):
    model, inputs, labels = problem()
    method = AGM(model)
    optimizer = torch.optim.SGD(method.parameters(), lr=0.1)
    for _ in range(3):  # without begin_epoch nothing is forgotten
        method.step(inputs, labels, optimizer)
    assert method.steps == 3 and method.running_scores.all()
    saved = {key: value.clone() for key, value in method.state_dict().items()}
    resumed = AGM(model)
    resumed.load_state_dict(saved)
    resumed.begin_epoch(1, None)
    assert resumed.steps == 3 and torch.equal(resumed.running_scores, method.running_scores)
    resumed.begin_epoch(0, None)
    assert resumed.steps == 0 and not resumed.running_scores.any()
    assert resumed.step(inputs, labels, optimizer)["target/a"] == 1
