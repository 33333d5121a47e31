import warnings

import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from mmlib.data import Split
from mmlib.measures import linear_probe, monomodal_gap
from mmlib.methods import Unimodal
from mmlib.models import ConcatFusion, MultimodalModel, build_model


def planted(n, seed, offset=0.0):
    """ "a" tells the class of 4 through directions of unlike size, beside large offsets; "b" tells nothing."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(4, (n,), generator=generator)
    a = nn.functional.one_hot(labels, 4) * torch.tensor([0.001, 1.0, 10.0, 1000.0]) + offset
    return Split({"a": a, "b": torch.randn(n, 4, generator=generator)}, labels)


def identity():
    return MultimodalModel({"a": nn.Identity(), "b": nn.Identity()}, ConcatFusion({"a": 4, "b": 4}, 4))


def test_a_probe_finds_planted_classes_at_any_scale():
    assert linear_probe(identity(), "a", planted(300, 0, offset=5.0), planted(200, 1, offset=5.0)) == 1.0


def test_small_features_count_as_much_as_large_ones():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (400,), generator=generator)
    small = torch.stack([0.001 * labels, *(100 * torch.randn(3, 400, generator=generator))], dim=1)
    split = Split({"a": small, "b": small}, labels)
    assert linear_probe(identity(), "a", split, split) == 1.0


def test_a_probe_is_at_chance_on_noise():
    assert linear_probe(identity(), "b", planted(2000, 0), planted(2000, 1)) == pytest.approx(0.25, abs=0.04)


def test_the_fit_is_on_train_and_the_accuracy_on_test():
    train, test = planted(300, 0), planted(200, 1)
    shuffled = Split(train.inputs, train.labels[torch.randperm(300, generator=torch.Generator().manual_seed(0))])
    assert linear_probe(identity(), "a", shuffled, test) < 0.6
    assert linear_probe(identity(), "a", train, Split(test.inputs, (test.labels + 1) % 4)) == 0.0


def test_the_same_features_give_the_same_number_and_the_fit_converges():
    torch.manual_seed(0)
    model = build_model({"a": (4,), "b": (4,)}, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        values = {linear_probe(model, "b", planted(500, 0), planted(500, 1)) for _ in range(2)}
    assert len(values) == 1


def test_a_probe_reads_the_encoder_and_not_the_input():
    model = identity()
    model.encoders["a"] = nn.Linear(4, 4)
    nn.init.zeros_(model.encoders["a"].weight)
    test = planted(200, 1)
    assert linear_probe(model, "a", planted(300, 0), test) < 0.4


def alone(predicted):
    """A Unimodal method on "a" that is always right (True) or always says class 0 (False)."""
    method = Unimodal(identity(), "a")
    nn.init.zeros_(method.head.bias)
    method.head.weight.data = torch.diag(torch.tensor([1e3, 1.0, 0.1, 1e-3])) if predicted else torch.zeros(4, 4)
    return method


def test_the_gap_is_accuracy_alone_minus_probe_accuracy():
    train, test = planted(300, 0), planted(200, 1)
    share = (test.labels == 0).double().mean().item()
    assert monomodal_gap(identity(), alone(True), train, test) == 0.0
    assert monomodal_gap(identity(), alone(False), train, test) == pytest.approx(share - 1, abs=1e-12)


def test_a_ruined_encoder_leaves_a_gap():
    model = identity()
    model.encoders["a"] = nn.Linear(4, 4)
    nn.init.zeros_(model.encoders["a"].weight)
    train, test = planted(300, 0), planted(200, 1)
    expected = 1 - linear_probe(model, "a", train, test)
    assert monomodal_gap(model, alone(True), train, test) == pytest.approx(expected, abs=1e-12)
    assert expected > 0.6


def test_wrong_use_is_named():
    train, test = planted(30, 0), planted(20, 1)
    with pytest.raises(ValueError, match="unknown modality 'A'"):
        linear_probe(identity(), "A", train, test)
    with pytest.raises(ValueError, match="all 30 are of class 2"):
        linear_probe(identity(), "a", Split(train.inputs, torch.full((30,), 2)), test)
    with pytest.raises(ValueError, match="missing \\['b'\\]"):
        linear_probe(identity(), "a", Split({"a": train.inputs["a"]}, train.labels), test)
    with pytest.raises(ValueError, match="labels run from 0 to 9"):
        linear_probe(identity(), "a", train, Split(test.inputs, torch.arange(20) // 2))
    with pytest.raises(TypeError, match="must be a Unimodal method"):
        monomodal_gap(identity(), identity(), train, test)
