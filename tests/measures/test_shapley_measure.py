import pytest
import torch

from mmlib.data import Split
from mmlib.measures import masked_accuracy, shapley_values


def test_accuracy_values_of_the_hand_made_rows(additive, four_rows):
    # f(a) 3/4, f(b) 2/4, f(ab) 3/4, always class 0: 3/4. phi_a = (3/4 - 3/4 + 3/4 - 2/4) / 2.
    assert shapley_values(additive(), four_rows) == pytest.approx({"a": 1 / 8, "b": -1 / 8}, abs=1e-12)


def test_the_majority_class_is_that_of_the_labels_given(additive, four_rows):
    # Always class 1: 1/4. phi_a = (3/4 - 1/4 + 3/4 - 2/4) / 2, phi_b = (2/4 - 1/4 + 3/4 - 3/4) / 2.
    values = shapley_values(additive(), four_rows, majority=torch.tensor([1, 0, 1]))
    assert values == pytest.approx({"a": 3 / 8, "b": 1 / 8}, abs=1e-12)


def test_the_smaller_of_two_equally_frequent_classes_counts(additive, four_rows):
    values = shapley_values(additive(), four_rows, majority=torch.tensor([1, 0, 1, 0]))
    assert values == pytest.approx({"a": 1 / 8, "b": -1 / 8}, abs=1e-12)


def test_logit_values_of_an_additive_network_are_the_means_of_its_parts(additive, four_rows):
    # The true class's entry of a is 1, 2, 0, 1, that of b is 0, 0, 2, 1.
    assert shapley_values(additive(), four_rows, of="logit") == pytest.approx({"a": 1.0, "b": 0.75}, abs=1e-6)


@pytest.mark.parametrize("count", [2, 3, 6])
def test_the_values_add_up_to_the_gain_over_the_majority_class(count, additive):
    names = tuple("abcdef"[:count])
    torch.manual_seed(count)
    split = Split({m: torch.randn(200, 3) for m in names}, torch.randint(3, (200,)))
    model = additive(names, classes=3)
    majority = split.labels.bincount().max().item() / 200
    gain = masked_accuracy(model, split)[names] - majority
    assert sum(shapley_values(model, split).values()) == pytest.approx(gain, abs=1e-12)


def test_equal_modalities_share_equally_and_an_absent_one_gets_nothing(additive, one_informative):
    informative = one_informative(500).inputs["a"]
    labels = one_informative(500).labels
    split = Split({"a": informative, "b": informative, "c": torch.zeros_like(informative)}, labels)
    # No shortcut by "always class 0" here: zeros give the network class 0, so the empty set is that class too.
    values = shapley_values(additive(("a", "b", "c"), classes=10), split, majority=torch.tensor([0]))
    share = (1 - (labels == 0).double().mean().item()) / 2
    assert values == pytest.approx({"a": share, "b": share, "c": 0.0}, abs=1e-12)


def test_wrong_use_is_named(additive, four_rows):
    model = additive()
    with pytest.raises(ValueError, match="unknown of 'accurracy'.*Did you mean 'accuracy'"):
        shapley_values(model, four_rows, of="accurracy")
    with pytest.raises(ValueError, match="majority is for of='accuracy' only"):
        shapley_values(model, four_rows, of="logit", majority=four_rows.labels)
    for labels in (torch.tensor([], dtype=torch.long), torch.tensor([0.0]), torch.tensor([[0]])):
        with pytest.raises(ValueError, match="majority must be a LongTensor"):
            shapley_values(model, four_rows, majority=labels)
    with pytest.raises(ValueError, match="the model's classes are 0..1"):
        shapley_values(model, Split(four_rows.inputs, torch.tensor([0, 1, 2, 0])), of="logit")
