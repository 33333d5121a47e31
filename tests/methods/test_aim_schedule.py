"""When AIM judges the network, on which rows, and what it needs for it."""

import pytest
import torch

from mmlib.data import MultimodalData, Split
from mmlib.methods import AIM
from mmlib.methods.aim import dap as aim_prototypes


def split_of(problem, seed, rows=12):
    _, inputs, labels = problem(rows=rows, seed=seed)
    return Split(inputs, labels)


@pytest.mark.parametrize(
    ("options", "read"),
    [
        ({"proto": "class_mean"}, ["train"]),
        ({"proto": "class_mean", "calibration": "valid"}, ["train", "valid"]),
        ({"calibration": "valid"}, ["valid"]),
        ({}, ["train"]),
    ],
    ids=str,
)
def test_which_splits_it_looks_at(problem, as_data, assert_same_state, twin, options, read):
    """Learned prototypes take from train the shape of a sample only; test is never looked at."""
    model = problem()[0].eval()
    splits = {name: split_of(problem, seed) for seed, name in enumerate(("train", "valid", "test"), start=1)}
    other = {name: split_of(problem, seed) for seed, name in enumerate(("train", "valid", "test"), start=4)}

    def judgement_on(chosen):
        torch.manual_seed(0)
        method = AIM(twin(model), warm_up=0, **options)
        method.begin_epoch(0, MultimodalData("toy", **chosen, classes=("x", "y", "z")))
        return method.judgement

    expected = judgement_on(splits)
    for name in splits:
        found = judgement_on({**splits, name: other[name]})
        same = all(torch.equal(v, expected.state_dict()[k]) for k, v in found.state_dict().items())
        assert same == (name not in read), name


@pytest.mark.parametrize(
    ("warm_up", "every", "judged"), [(0, 1, [0, 1, 2, 3, 4, 5]), (2, 3, [2, 5]), (1, 2, [1, 3, 5])]
)
def test_when_it_judges(problem, as_data, monkeypatch, warm_up, every, judged):
    model, inputs, labels = problem(rows=12)
    method, steps, epochs = AIM(model, warm_up=warm_up, every=every), [], []
    learn = aim_prototypes.learn
    monkeypatch.setattr(
        "mmlib.methods.aim.judge.learn", lambda *a: (epochs.append(method.epoch), steps.append(a[3])) and learn(*a)
    )
    for epoch in range(6):
        method.begin_epoch(epoch, as_data(inputs, labels))
        assert bool(method.judgement) == (epoch >= warm_up)
    assert epochs == judged
    assert steps == [200] + [60] * (len(judged) - 1)


def test_learning_goes_on_from_the_inputs_learned_before(problem, as_data, monkeypatch):
    model, inputs, labels = problem(rows=12)
    method, given = AIM(model, warm_up=0, every=1), []
    learn = aim_prototypes.learn
    monkeypatch.setattr("mmlib.methods.aim.judge.learn", lambda *a: given.append(dict(a[1])) or learn(*a))
    for epoch in range(2):
        before = dict(method.judgement.learned.items())
        method.begin_epoch(epoch, as_data(inputs, labels))
    assert given[1].keys() == before.keys() and all(torch.equal(x, before[m]) for m, x in given[1].items())
    assert {m: x.shape for m, x in given[0].items()} == {m: (3, *x.shape[1:]) for m, x in inputs.items()}


def test_class_means_learn_nothing(problem, judged):
    method = judged(*problem(rows=12))
    assert len(method.judgement.learned) == 0


@pytest.mark.parametrize("data", [None, 3, {"train": 1}])
def test_it_needs_data_once_the_warm_up_is_over(problem, data):
    method = AIM(problem()[0], warm_up=2)
    for epoch in range(2):
        method.begin_epoch(epoch, data)
    with pytest.raises(TypeError, match="rows of a MultimodalData, begin_epoch got "):
        method.begin_epoch(2, data)


def test_class_means_need_rows_of_every_class_and_learned_ones_do_not(problem, as_data):
    model, inputs, labels = problem(rows=12)
    data = as_data(inputs, labels.clamp(max=1))
    with pytest.raises(ValueError, match=r"rows of every class, of 3 classes \[2\] have none"):
        AIM(model, proto="class_mean", warm_up=0).begin_epoch(0, data)
    method = AIM(model, warm_up=0)
    method.begin_epoch(0, data)
    assert all(torch.isfinite(value).all() for value in method.judgement.state_dict().values())


@pytest.mark.parametrize("proto", ["learned", "class_mean"])
def test_every_judgement_draws_anew_in_a_network_that_draws_nothing(problem, as_data, proto):
    """Without dropout no step moves the random numbers on; random masks must not stay the same for that."""
    model, inputs, labels = problem(rows=12, width=64)
    method, masks = AIM(model, proto=proto, select="random", q=0.5, warm_up=0, every=1), []
    for epoch in range(4):
        method.begin_epoch(epoch, as_data(inputs, labels))
        masks.append(tuple(method.judgement.masks["a/1"].tolist()))
    assert len(set(masks)) == 4


def test_a_second_training_begins_with_a_warm_up_too(problem, as_data):
    model, inputs, labels = problem()
    method = AIM(model, warm_up=1, proto="class_mean")
    for epoch, judged in [(0, False), (1, True), (0, False), (1, True)]:
        method.begin_epoch(epoch, as_data(inputs, labels))
        assert bool(method.judgement) == judged
        logs = method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.0))
        assert ("loss/full" in logs) == judged


def test_a_second_training_without_warm_up_learns_its_prototypes_anew(problem, as_data, monkeypatch):
    model, inputs, labels = problem()
    method, steps, learn = AIM(model, warm_up=0), [], aim_prototypes.learn
    monkeypatch.setattr("mmlib.methods.aim.judge.learn", lambda *a: steps.append(a[3]) or learn(*a))
    for epoch in (0, 3, 0):
        method.begin_epoch(epoch, as_data(inputs, labels))
    assert steps == [200, 60, 200]


def test_real_targets_are_refused_before_it_judges(problem):
    model, inputs, labels = problem()
    real = MultimodalData("real", *[Split(inputs, labels.double())] * 3, classes=())
    with pytest.raises(ValueError, match="AIM looks at the true class"):
        AIM(model, warm_up=0).begin_epoch(0, real)
