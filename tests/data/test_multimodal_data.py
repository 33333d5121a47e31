"""Splits and data sets: both kinds of labels, and what does not belong together."""

import math

import pytest
import torch

from mmlib.data import MultimodalData, Split


def split(labels, rows=None):
    labels = torch.as_tensor(labels)
    return Split({"a": torch.ones(len(labels) if rows is None else rows, 2)}, labels)


def data(train, valid=None, test=None, classes=()):
    """A data set from lists of labels; the splits that are left out have those of train."""
    splits = [split(train if labels is None else labels) for labels in (train, valid, test)]
    return MultimodalData("toy", *splits, classes=classes)


def test_class_numbers_make_a_classification():
    toy = data([0, 2, 1], classes=("x", "y", "z"))
    assert (toy.task, toy.num_classes) == ("classification", 3)
    assert toy.bayes_accuracy is None and toy.bayes_error is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_real_targets_make_a_regression_with_one_output(dtype):
    toy = data(torch.tensor([0.5, -2.0, 1e6], dtype=dtype))
    assert (toy.task, toy.num_classes, toy.classes) == ("regression", 1, ())
    assert toy.to("cpu").train.labels.dtype == dtype
    assert torch.equal(toy.train.rows(torch.tensor([2, 0]))[1], torch.tensor([1e6, 0.5], dtype=dtype))


def test_one_class_stays_a_classification():
    assert data([0, 0], classes=("x",)).task == "classification"


def test_targets_and_their_type_are_part_of_the_fingerprint():
    prints = [data(torch.tensor(v, dtype=d)).fingerprint() for v, d in [([0.0, 1.0], torch.float32)] * 2]
    assert prints[0] == prints[1]
    others = [data([0.0, 1.5]), data(torch.tensor([0.0, 1.0], dtype=torch.float64)), data([0, 1], classes="xy")]
    assert len({prints[0], *(other.fingerprint() for other in others)}) == 4


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_targets_are_finite(bad):
    with pytest.raises(ValueError, match="labels hold NaN or infinite values: leave out the rows"):
        split([0.0, bad, 1.0])


@pytest.mark.parametrize(
    ("labels", "got"),
    [
        (torch.zeros(3, dtype=torch.int32), r"got torch.int32 with shape \(3,\)"),
        (torch.zeros(3, dtype=torch.bool), "got torch.bool"),
        (torch.zeros(3, dtype=torch.complex64), "got torch.complex64"),
        (torch.zeros(3, 1), r"got torch.float32 with shape \(3, 1\)"),
        (torch.zeros(3, 1, dtype=torch.long), r"got torch.int64 with shape \(3, 1\)"),
        (torch.tensor(0.5), r"got torch.float32 with shape \(\)"),
    ],
)
def test_other_labels_are_refused(labels, got):
    with pytest.raises(ValueError, match=r"LongTensor \[N\] of class numbers or a floating tensor \[N\].*" + got):
        split(labels, rows=3)


def test_targets_must_be_as_many_as_the_inputs():
    with pytest.raises(ValueError, match="modality 'a' has 4 rows, the labels have 3"):
        split([0.1, 0.2, 0.3], rows=4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train": [0.0, 1.0], "classes": ("x", "y")}, r"train split of 'toy' are real targets .* classes must be"),
        ({"train": [0, 1]}, "train split of 'toy' are class numbers, so classes must name them"),
        ({"train": [0.0], "test": [0]}, "test split of 'toy' are torch.int64, those of train torch.float32"),
        ({"train": [0], "valid": [0.0], "classes": "x"}, "valid split of 'toy' are torch.float32, those of train"),
        ({"train": [0], "test": [1], "classes": "x"}, "test split of 'toy' run from 1 to 1; with 1 classes"),
    ],
)
def test_labels_and_classes_must_agree_in_kind(arguments, message):
    with pytest.raises(ValueError, match=message):
        data(**arguments)
