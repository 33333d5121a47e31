"""Synthetic data: every knob does what it says, and bad values raise."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from mmlib.data import load

SMALL = {"samples": (1000, 2, 1000)}


def probe(data, modalities, steps=200):
    """Test accuracy of a logistic regression on the joined inputs of ``modalities``."""
    joined = [torch.cat([split.inputs[m] for m in modalities], 1).numpy() for split in (data.train, data.test)]
    model = LogisticRegression(max_iter=steps, C=0.05).fit(joined[0], data.train.labels.numpy())
    return model.score(joined[1], data.test.labels.numpy())


def test_shapes_names_and_splits():
    data = load("synthetic", modalities=4, classes=3, samples=[30, 20, 10])
    assert data.shapes == {m: (100,) for m in "abcd"}
    assert [len(split) for split in data.splits.values()] == [30, 20, 10]
    assert data.classes == ("0", "1", "2")
    assert all(x.dtype == torch.float32 for x in data.train.inputs.values())
    assert len(data.bayes_accuracy) == 15


def test_same_seed_same_data_and_no_global_randomness():
    torch.manual_seed(1)
    first = load("synthetic", **SMALL)
    state = torch.get_rng_state()
    second = load("synthetic", **SMALL)
    assert torch.equal(state, torch.get_rng_state())
    assert first.fingerprint() == second.fingerprint()
    assert first.bayes_accuracy == second.bayes_accuracy


def test_another_seed_changes_every_split():
    first, second = load("synthetic", seed=0, **SMALL), load("synthetic", seed=1, **SMALL)
    for split in ("train", "test"):
        assert not torch.equal(first.splits[split].labels, second.splits[split].labels)
        assert not torch.allclose(first.splits[split].inputs["a"], second.splits[split].inputs["a"])


def test_splits_are_different_draws_of_one_transformation():
    data = load("synthetic", samples=(1500, 1500, 1500), signal=6.0)
    rows = torch.cat([split.inputs["a"] for split in data.splits.values()])
    assert len(rows.unique(dim=0)) == 4500
    assert probe(data, "ab") > 0.9, "what is learned on train must hold on test"


def test_train_inputs_are_standardised_and_scaled():
    data = load("synthetic", scale={"a": 1.0, "b": 0.1}, depth=2, **SMALL)
    for name, scale in (("a", 1.0), ("b", 0.1)):
        values = data.train.inputs[name]
        assert torch.allclose(values.mean(0), torch.zeros(100), atol=1e-5)
        assert torch.allclose(values.std(0, correction=0), torch.full((100,), scale), rtol=1e-4)


def test_scale_changes_only_the_size_of_its_modality():
    plain, small = load("synthetic", **SMALL), load("synthetic", scale={"a": 0.5, "b": 1}, **SMALL)
    assert torch.allclose(small.test.inputs["a"], 0.5 * plain.test.inputs["a"])
    assert torch.equal(small.test.inputs["b"], plain.test.inputs["b"])


def test_depth_makes_the_class_harder_to_read_and_keeps_the_limit():
    shallow = load("synthetic", shared=1.0, **SMALL)
    deep = load("synthetic", shared=1.0, depth={"a": 6, "b": 0}, **SMALL)
    assert torch.equal(deep.train.inputs["b"], shallow.train.inputs["b"])
    assert torch.equal(deep.train.labels, shallow.train.labels)
    assert deep.bayes_accuracy == shallow.bayes_accuracy
    assert probe(deep, "a") < probe(shallow, "a") - 0.1


def test_shared_and_unique_decide_which_modality_informs():
    data = load("synthetic", shared=0.0, unique={"a": 0.9, "b": 0.1}, signal=6.0, **SMALL)
    assert probe(data, "a") > 0.8
    assert probe(data, "b") < 0.4
    assert data.bayes_accuracy["a",] > 0.85 > 0.4 > data.bayes_accuracy["b",]


def test_unique_left_out_shares_evenly_what_remains():
    left_out = load("synthetic", shared=0.4, synergy=0.2, **SMALL)
    stated = load("synthetic", shared=0.4, synergy=0.2, unique=(1.0 - 0.4 - 0.2) / 2, **SMALL)
    assert left_out.fingerprint() == stated.fingerprint()


def test_noise_and_signal_of_a_modality_move_its_limit():
    base = load("synthetic", **SMALL).bayes_accuracy
    noisy = load("synthetic", noise={"a": 3.0, "b": 1.0}, **SMALL).bayes_accuracy
    loud = load("synthetic", signal={"a": 9.0, "b": 3.0}, **SMALL).bayes_accuracy
    assert noisy["a",] < base["a",] - 0.05 and loud["a",] > base["a",] + 0.02
    assert abs(noisy["b",] - base["b",]) < 0.01
    assert noisy["a", "b"] < base["a", "b"] < loud["a", "b"]


def test_more_train_rows_leave_the_other_splits_as_they_were():
    few, many = load("synthetic", samples=(50, 20, 30)), load("synthetic", samples=(80, 20, 30))
    assert torch.equal(few.test.labels, many.test.labels)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"modalities": 1}, "modalities"),
        ({"modalities": 7}, "modalities"),
        ({"modalities": 2.0}, "modalities"),
        ({"classes": 1}, "classes"),
        ({"classes": 26}, "classes"),
        ({"shared": -0.1}, "shared"),
        ({"shared": float("nan")}, "shared"),
        ({"synergy": 1.1}, "synergy"),
        ({"unique": -0.1}, "unique"),
        ({"shared": 0.6, "unique": 0.3}, "at most 1"),
        ({"shared": 0.6, "synergy": 0.5}, "at most 1"),
        ({"unique": {"a": 0.1}}, "lacks b"),
        ({"unique": {"a": 0.1, "c": 0.1}}, "unknown modality in unique"),
        ({"noise": 0}, "noise"),
        ({"noise": {"a": 1.0, "b": float("inf")}}, "noise of 'b'"),
        ({"signal": -1}, "signal"),
        ({"signal": "3"}, "signal"),
        ({"scale": 0}, "scale"),
        ({"depth": -1}, "depth"),
        ({"depth": 1.5}, "depth"),
        ({"depth": 21}, "depth"),
        ({"samples": (10, 10)}, "samples"),
        ({"samples": 10}, "samples"),
        ({"samples": (10, 0, 10)}, "samples of valid"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"seed": True}, "seed"),
    ],
)
def test_bad_values_raise(options, word):
    with pytest.raises((ValueError, TypeError), match=word):
        load("synthetic", **options)
