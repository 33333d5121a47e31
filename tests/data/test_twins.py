"""Equal rows stay in one split: how that is done, and that no built-in set has a test row that training has seen."""

import numpy as np
import pytest

from mmlib.data import av_digits, emoji, load
from mmlib.data._av_digits_pairs import draw_pairs
from mmlib.data.storage.prepared import read_prepared
from mmlib.data.transforms.twins import equal_rows, kept_together, merged
from mmlib.data.uci_digits import VIEWS, split_rows

SEEDS = range(12)
SMALL = (200, 60, 60)


def contents(split, modalities):
    """The bytes of every row, in these modalities together."""
    arrays = [split.inputs[m].numpy() for m in modalities]
    return [b"".join(values[i].tobytes() for values in arrays) for i in range(len(split))]


def shared_rows(data, modalities):
    """How many rows of valid and test have an equal row in another split."""
    train, valid, test = (contents(split, modalities) for split in data.splits.values())
    return sum(row in set(train + test) for row in valid) + sum(row in set(train + valid) for row in test)


@pytest.fixture(scope="module", autouse=True)
def read_once():
    kept = read_prepared("av_digits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(av_digits, "read_prepared", lambda name: kept)
        yield


@pytest.mark.parametrize("seed", SEEDS)
def test_no_digit_of_training_is_tested(seed):
    assert shared_rows(load("uci_digits", views=VIEWS, seed=seed), VIEWS) == 0


@pytest.mark.parametrize("seed", [0, 4, 18])
def test_no_picture_of_training_is_tested(seed):
    assert shared_rows(load("av_digits", seed=seed), ["image"]) == 0
    assert shared_rows(load("av_digits", seed=seed, samples=SMALL), ["audio"]) == 0


@pytest.mark.parametrize("variants", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_no_drawing_of_training_is_tested(seed, variants):
    arrays = read_prepared("emoji").arrays
    drawn = emoji.split_rows(arrays, seed, variants)
    pictures = {name: {arrays["pictures"][row].tobytes() for row in rows} for name, rows in drawn.items()}
    assert not pictures["train"] & (pictures["valid"] | pictures["test"])
    assert not pictures["valid"] & pictures["test"]


@pytest.mark.parametrize("name", ["smartwatch", "synthetic", "synthetic_regression"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_other_sets_have_no_equal_rows(name, seed):
    data = load(name, seed=seed)
    for m in data.modalities:
        assert shared_rows(data, [m]) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_the_split_of_the_digits_is_drawn_as_before_but_for_torn_twins(seed):
    arrays = read_prepared("uci_digits").arrays
    twins = equal_rows(*(arrays[view] for view in VIEWS))
    before, now = split_rows(arrays["labels"], seed), split_rows(arrays["labels"], seed, twins)
    where = {int(row): name for name, rows in before.items() for row in rows}
    torn = sum(where[int(a)] != where[int(b)] for a, b in twins)
    moved = sum(int((before[name] != now[name]).sum()) for name in before)
    assert len(twins) == 6 and torn > 0 and moved == 2 * torn
    assert sorted(np.concatenate(list(now.values()))) == list(range(2000))
    for name, rows in now.items():
        assert len(rows) == len(before[name]) and (np.bincount(arrays["labels"][rows]) == len(rows) // 10).all()


def test_the_split_does_not_depend_on_the_views():
    few, all_six = load("uci_digits", views=["mor"], seed=4), load("uci_digits", views=VIEWS, seed=4)
    for split, other in zip(few.splits.values(), all_six.splits.values(), strict=True):
        assert np.array_equal(split.inputs["mor"].numpy(), other.inputs["mor"].numpy())


def test_pictures_of_a_voice_stay_pictures_of_its_word():
    arrays = read_prepared("av_digits").arrays
    for seed in SEEDS:
        pairs = draw_pairs(arrays, seed)
        for of in pairs.values():
            assert np.array_equal(arrays["digits"][of.utterances], arrays["image_digits"][of.images])
        assert [len(set(of.images.tolist())) for of in pairs.values()] == [1200, 400, 400]


def test_equal_rows_are_found_by_all_arrays_together():
    a, b = np.array([[1, 2], [1, 2], [3, 4], [1, 2]]), np.array([5.0, 6.0, 5.0, 5.0])
    assert [group.tolist() for group in equal_rows(a)] == [[0, 1, 3]]
    assert [group.tolist() for group in equal_rows(a, b)] == [[0, 3]]
    assert equal_rows(np.arange(4)) == []


def test_groups_that_share_a_number_become_one():
    groups = [np.array(g) for g in ([1, 2], [5, 6], [3, 4], [2, 3], [7, 8])]
    assert [group.tolist() for group in merged(groups)] == [[5, 6], [1, 2, 3, 4], [7, 8]]
    assert merged([]) == []


LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1])
ROWS = {"train": np.array([0, 4, 1, 5]), "test": np.array([2, 6, 3, 7])}


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ([], {"train": [0, 4, 1, 5], "test": [2, 6, 3, 7]}),
        ([[0, 1]], {"train": [0, 4, 1, 5], "test": [2, 6, 3, 7]}),
        ([[0, 2]], {"train": [0, 4, 2, 5], "test": [1, 6, 3, 7]}),
        ([[2, 0]], {"train": [3, 4, 1, 5], "test": [2, 6, 0, 7]}),
        ([[0, 2, 6]], {"train": [0, 6, 2, 5], "test": [1, 4, 3, 7]}),
        ([[0, 2], [5, 7]], {"train": [0, 7, 2, 5], "test": [1, 6, 3, 4]}),
        ([[0, 99]], {"train": [0, 4, 1, 5], "test": [2, 6, 3, 7]}),
    ],
)
def test_as_few_rows_as_possible_change_places(groups, expected):
    kept = kept_together(ROWS, [np.array(group) for group in groups], LABELS)
    assert {name: rows.tolist() for name, rows in kept.items()} == expected
    assert ROWS["train"].tolist() == [0, 4, 1, 5]


def test_a_group_that_fits_in_no_split_is_refused():
    with pytest.raises(ValueError, match="no row of class 0 is left to change places with"):
        kept_together(ROWS, [np.array([0, 1, 2])], LABELS)
