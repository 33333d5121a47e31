"""uci_digits and smartwatch as prepared by ``python -m data_prep all``, and load by name."""

import numpy as np
import pytest
import torch

from mmlib.data import DATASETS, load
from mmlib.data.smartwatch import cut_windows, split_subjects
from mmlib.data.storage.prepared import read_prepared
from mmlib.data.uci_digits import split_rows

WIDTHS = {"fac": 216, "fou": 76, "kar": 64, "mor": 6, "pix": 240, "zer": 47}


@pytest.fixture(scope="module")
def digits():
    return load("uci_digits", views=list(WIDTHS))


@pytest.fixture(scope="module")
def watch():
    return load("smartwatch")


def test_every_data_set_loads_with_its_defaults():
    assert set(DATASETS) >= {"synthetic", "uci_digits", "smartwatch"}
    for name in ("synthetic", "uci_digits", "smartwatch"):
        assert load(name).name == name


def test_unknown_name_and_option_name_the_known_ones():
    with pytest.raises(ValueError, match="unknown data set 'uci_digit'.*Did you mean 'uci_digits'"):
        load("uci_digit")
    with pytest.raises(ValueError, match="unknown option of smartwatch 'hops'.*seed, hop"):
        load("smartwatch", hops=1)


def test_digits_have_the_published_sizes(digits):
    assert {name: shape[0] for name, shape in digits.shapes.items()} == WIDTHS
    assert [len(split) for split in digits.splits.values()] == [1000, 300, 700]
    assert digits.classes == tuple("0123456789")
    assert digits.train.inputs["mor"].dtype == torch.float32


def test_digit_classes_have_equal_shares_in_every_split(digits):
    for split in digits.splits.values():
        assert (split.labels.bincount() == len(split) // 10).all()


def test_digit_splits_share_no_row():
    rows = split_rows(read_prepared("uci_digits").arrays["labels"], 4)
    assert sorted(np.concatenate(list(rows.values()))) == list(range(2000))


def test_digits_are_standardised_by_the_training_rows_only(digits):
    for values in digits.train.inputs.values():
        torch.testing.assert_close(values.mean(0), torch.zeros(values.shape[1]), atol=1e-4, rtol=0)
        torch.testing.assert_close(values.std(0, correction=0), torch.ones(values.shape[1]), atol=1e-4, rtol=0)
    assert digits.test.inputs["kar"].mean(0).abs().max() > 1e-3


def test_views_come_in_the_order_given_with_rows_in_step(digits):
    data = load("uci_digits", views=("zer", "fac"))
    assert data.modalities == ("zer", "fac")
    assert torch.equal(data.test.inputs["zer"], digits.test.inputs["zer"])
    assert torch.equal(data.test.labels, digits.test.labels)


@pytest.mark.parametrize("name", ["uci_digits", "smartwatch"])
def test_seeds_decide_the_split(name):
    assert load(name, seed=3).fingerprint() == load(name, seed=3).fingerprint()
    assert load(name, seed=3).fingerprint() != load(name, seed=4).fingerprint()


@pytest.mark.parametrize(
    ("views", "words"),
    [([], "at least one"), (["fac", "fac"], "differ"), (["fax"], "unknown view.*'fac'"), ("fac", "list of names"),
     (3, "list of names"), ([["fac"]], "unknown view")],
)  # fmt: skip
def test_bad_views_raise(views, words):
    with pytest.raises((ValueError, TypeError), match=words):
        load("uci_digits", views=views)


@pytest.mark.parametrize("name", ["uci_digits", "smartwatch"])
@pytest.mark.parametrize("seed", [-1, 1.0, 2**32, "0"])
def test_bad_seeds_raise(name, seed):
    with pytest.raises((ValueError, TypeError), match="seed"):
        load(name, seed=seed)


def test_watch_has_the_published_sizes():
    arrays, manifest = read_prepared("smartwatch")
    assert arrays["signals"].shape == (244_102, 6)
    assert len(arrays["lengths"]) == 140 and arrays["lengths"].sum() == 244_102
    assert len(set(arrays["subjects"].tolist())) == 10
    assert manifest["classes"] == ["PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"]


def test_watch_windows_have_their_shape_and_every_class(watch):
    assert watch.shapes == {"acc": (3, 100), "gyr": (3, 100)}
    assert watch.train.inputs["acc"].dtype == torch.float32
    for split in watch.splits.values():
        assert split.labels.unique().tolist() == list(range(7))


def test_watch_splits_are_of_different_subjects(watch):
    arrays = read_prepared("smartwatch").arrays
    subjects = split_subjects(arrays["subjects"], 0)
    assert {name: len(kept) for name, kept in subjects.items()} == {"train": 6, "valid": 2, "test": 2}
    assert sorted(sum(subjects.values(), [])) == list(range(1, 11))
    windows_of = {s: sum(arrays["lengths"][arrays["subjects"] == s] // 100) for s in range(1, 11)}
    for name, kept in subjects.items():
        assert len(watch.splits[name]) == sum(windows_of[s] for s in kept)


def test_watch_channels_are_standardised_by_the_training_subjects(watch):
    for values in watch.train.inputs.values():
        torch.testing.assert_close(values.mean((0, 2)), torch.zeros(3), atol=1e-4, rtol=0)
        torch.testing.assert_close(values.std((0, 2)), torch.ones(3), atol=1e-3, rtol=0)
    assert watch.test.inputs["gyr"].std((0, 2)).sub(1).abs().max() > 1e-3


def test_no_window_spans_two_recordings():
    lengths = [250, 100, 130]
    arrays = {
        "signals": np.repeat(np.arange(3), lengths)[:, None].repeat(6, 1).astype(np.float32),
        "lengths": np.array(lengths), "labels": np.array([4, 5, 6]), "subjects": np.array([1, 1, 2]),
    }  # fmt: skip
    windows, labels = cut_windows(arrays, [1, 2], step=50)
    assert windows.shape == (6, 6, 100)
    assert labels.tolist() == [4, 4, 4, 4, 5, 6]
    assert (windows == windows[:, :1, :1]).all()
    assert cut_windows(arrays, [2], step=50)[1].tolist() == [6]


def test_hop_decides_how_far_windows_are_apart(watch):
    dense = load("smartwatch", hop=1.0)
    assert 1.9 < len(dense.train) / len(watch.train) < 2.1


@pytest.mark.parametrize("hop", [0, -1, 0.015, 0.05, float("nan"), "2"])
def test_bad_hops_raise(hop):
    with pytest.raises((ValueError, TypeError), match="hop"):
        load("smartwatch", hop=hop)
