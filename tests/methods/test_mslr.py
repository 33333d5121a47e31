"""MSLR against its rule written out, on gradients, on a plain SGD with a rate per modality and across a kill."""

import copy
import math
from types import SimpleNamespace

import pytest
import torch

from mmlib.data import Split, load
from mmlib.methods import MSLR, Joint
from mmlib.models import build_model
from mmlib.training import fit

INIT = {"a": 0.5, "v": 2.0}


def by_hand(init, courses):
    """init * acc / mean of the last five, from the list of all accuracies so far."""
    last = courses[-5:]
    mean = sum(last) / len(last)
    return init * (courses[-1] / mean if mean > 0 else 1.0)


def accuracy_by_hand(model, inputs, labels):
    """Accuracy of W_m f_m + b / M for a linear fusion, row by row."""
    found = {}
    for m, encoder in model.encoders.items():
        z = encoder(inputs[m]) @ model.fusion.projections[m].weight.T + model.fusion.bias / len(model.encoders)
        found[m] = sum(row.index(max(row)) == y for row, y in zip(z.tolist(), labels.tolist(), strict=True)) / len(z)
    return found


@pytest.fixture
def course(problem):
    """Trains on one batch for ``epochs`` epochs, judged on other rows; gives (method, accuracies by epoch)."""

    def run(epochs, **options):
        model, inputs, labels = problem(fusion="linear", rows=12)
        _, others, wanted = problem(fusion="linear", rows=31, seed=5)
        method = MSLR(model, **options)
        optimizer = torch.optim.SGD(method.parameters(), lr=0.3)
        accuracies = {m: [] for m in model.modalities}
        for epoch in range(epochs):
            if epoch:
                for m, value in accuracy_by_hand(model, others, wanted).items():
                    accuracies[m].append(value)
            method.begin_epoch(epoch, SimpleNamespace(valid=Split(others, wanted)))
            logs = method.step(inputs, labels, optimizer)
        return method, accuracies, logs

    return run


@pytest.mark.parametrize("epochs", [1, 2, 3, 6, 9])
def test_factors_are_the_rule_on_the_accuracies_of_each_share(course, epochs):
    method, accuracies, logs = course(epochs, init=INIT)
    for m, factor in zip(method.model.modalities, method.factors.tolist(), strict=True):
        expected = by_hand(INIT[m], accuracies[m]) if epochs > 1 else INIT[m]
        assert factor == pytest.approx(expected, abs=1e-12) == logs[f"factor/{m}"].item()
    if epochs > 5:  # else a rule without a window of five would do
        assert any(len(set(listed)) > 2 for listed in accuracies.values())
        assert method.factors.tolist() != list(INIT.values())


@pytest.mark.parametrize("fusion", ["concat", "sum", "linear", "film", "maxout"])
def test_only_gradients_of_a_modalitys_own_parameters_are_scaled(problem, twin, gradients_of, fusion):
    model, inputs, labels = problem(fusion=fusion, head_dropout=0.0)
    plain = gradients_of(Joint(twin(model)), inputs, labels)
    ours = gradients_of(MSLR(twin(model), init=INIT), inputs, labels)
    for name, grad in plain.items():
        part = name.split(".")
        own = part[1] == "encoders" or (part[1] == "fusion" and part[2] in ("heads", "projections"))
        expected = grad * (INIT[part[2] if part[1] == "encoders" else part[3]] if own else 1)
        torch.testing.assert_close(ours[name], expected, rtol=0, atol=1e-14)
    assert any(grad.any() for grad in plain.values())


def test_with_sgd_it_is_a_learning_rate_per_modality(problem, twin, trained, assert_same_state):
    model, inputs, labels = problem()
    ours, plain = MSLR(twin(model), init=INIT), Joint(twin(model))
    trained(ours, inputs, labels, steps=4)
    rates = [{"params": plain.model.encoders[m].parameters(), "lr": 0.1 * rate} for m, rate in INIT.items()]
    optimizer = torch.optim.SGD([*rates, {"params": plain.model.fusion.parameters()}], lr=0.1, momentum=0.9)
    for _ in range(4):
        plain.step(inputs, labels, optimizer)
    assert_same_state(ours.model, plain.model, atol=1e-12)


def test_init_one_without_data_is_joint_training(problem, twin, trained, assert_same_state):
    model, inputs, labels = problem(3, norm="batch", dropout=0.2)
    ours, joint = MSLR(twin(model)), Joint(twin(model))
    for method in (ours, joint):
        method.begin_epoch(0, None)
        trained(method, inputs, labels)
        method.begin_epoch(1, None)
        trained(method, inputs, labels)
    assert_same_state(ours.model, joint.model)


def test_a_modality_that_is_never_right_keeps_its_rate(problem):
    model, inputs, labels = problem(fusion="linear")
    data = SimpleNamespace(valid=Split(inputs, torch.zeros_like(labels)))
    with torch.no_grad():
        model.fusion.bias.copy_(torch.tensor([-50.0, 0.0, 0.0]))
    method = MSLR(model, init=INIT)
    method.begin_epoch(1, data)
    assert method.factors.tolist() == list(INIT.values())


def test_measuring_changes_the_factors_and_nothing_of_the_network(problem):
    model, inputs, labels = problem(norm="batch", dropout=0.5)
    method = MSLR(model)
    state = {k: v.clone() for k, v in model.state_dict().items()}
    torch.manual_seed(0)
    drawn = torch.rand(3)
    torch.manual_seed(0)
    method.begin_epoch(1, SimpleNamespace(valid=Split(inputs, labels)))
    assert torch.equal(torch.rand(3), drawn) and method.measured == 1
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())


def test_the_state_alone_carries_on_exactly(problem, assert_same_state):
    """A kill in the middle of an epoch: factors and accuracies come back with the state."""
    model, inputs, labels = problem(rows=12, norm="batch")
    data = SimpleNamespace(valid=Split(*problem(rows=31, seed=5)[1:]))

    def run(method, optimizer, epochs, half=None):
        for epoch in epochs:
            if epoch != half:
                method.begin_epoch(epoch, data)
            method.step(inputs, labels, optimizer)

    method = MSLR(model, init=INIT)
    optimizer = torch.optim.SGD(method.parameters(), lr=0.3, momentum=0.9)
    run(method, optimizer, range(7))
    resumed = MSLR(problem(seed=9, norm="batch")[0], init=INIT)
    resumed.load_state_dict({k: v.clone() for k, v in method.state_dict().items()})
    again = torch.optim.SGD(resumed.parameters(), lr=0.3, momentum=0.9)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert method.factors.tolist() != list(INIT.values())
    run(method, optimizer, range(6, 10), half=6)
    run(resumed, again, range(6, 10), half=6)
    assert_same_state(method, resumed)


def test_fit_measures_before_every_epoch_but_the_first_and_resumes(tmp_path):
    data = load("synthetic", samples=(120, 60, 20), classes=3)

    def train(file, on_epoch=None):
        torch.manual_seed(0)
        method = MSLR(build_model(data.shapes, 3, width=8, depth=1, fusion="linear"), init={"a": 0.5, "b": 2})
        saved = {"checkpoint": tmp_path / file, "checkpoint_every": 0.0}
        return method, fit(method, data, epochs=7, lr=0.05, device="cpu", on_epoch=on_epoch, **saved)

    def kill(epoch, _):
        return 1 / (4 - epoch) and {}

    whole, history = train("whole")
    with pytest.raises(ZeroDivisionError):
        train("broken", kill)
    resumed, second = train("broken")
    assert second.epochs == history.epochs
    assert all(torch.equal(v, resumed.state_dict()[k]) for k, v in whole.state_dict().items())
    assert [row["factor/a"] for row in history.epochs[:2]] == [0.5, 0.5]
    assert len({row["factor/b"] for row in history.epochs}) > 2 and whole.measured == history.best_epoch


def test_factors_follow_a_model_that_was_cast(problem):
    model, inputs, labels = problem()
    method = MSLR(model)
    model.float()
    method.begin_epoch(1, SimpleNamespace(valid=Split({m: x.float() for m, x in inputs.items()}, labels)))
    assert method.factors.dtype == method.accuracies.dtype == torch.float32


@pytest.mark.parametrize("init", [-1.0, math.nan, math.inf, {"a": 1.0, "v": -1.0}])
def test_a_rate_that_is_no_number_or_negative_is_refused(problem, init):
    with pytest.raises(ValueError, match="^init (of 'v' )?must be a finite number >= 0, got"):
        MSLR(problem()[0], init=init)


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ({"a": 1.0}, "init must name every modality .* it lacks v"),
        ({"a": 1.0, "w": 1.0}, "unknown modality in init 'w'"),
    ],
)
def test_rates_must_be_of_all_modalities_and_no_other(problem, init, message):
    with pytest.raises(ValueError, match=message):
        MSLR(problem()[0], init=init)


def test_real_targets_are_refused_before_an_epoch_too(problem):
    model, inputs, labels = problem()
    with pytest.raises(ValueError, match="MSLR looks at the true class"):
        MSLR(model).begin_epoch(1, SimpleNamespace(valid=Split(inputs, labels.double())))


def test_a_second_training_begins_at_the_first_rates(course):
    method, accuracies, _ = course(9, init=INIT)
    assert method.factors.tolist() != list(INIT.values()) and method.measured > 0
    method.begin_epoch(0, None)
    assert method.factors.tolist() == list(INIT.values()) and method.measured == 0 and not method.accuracies.any()
