"""The range of epochs in which a method acts."""

import pytest

from mmlib.methods._parts.window import Window


def test_both_ends_are_inside():
    assert [epoch in Window(2, 4) for epoch in range(6)] == [False, False, True, True, True, False]


def test_an_open_end_never_ends():
    assert 10**9 in Window(3) and 2 not in Window(3)


def test_one_epoch():
    assert [epoch in Window(1, 1) for epoch in range(3)] == [False, True, False]


@pytest.mark.parametrize(
    ("ends", "error", "message"),
    [
        ((-1, None), ValueError, "^modulation_start must be at least 0, got -1"),
        ((0, -2), ValueError, "^modulation_end must be at least 0, got -2"),
        ((5, 4), ValueError, "^modulation_end must not be before modulation_start = 5, got 4"),
        ((1.0, None), TypeError, "^modulation_start must be a whole number"),
        ((0, float("nan")), TypeError, "^modulation_end must be a whole number"),
        ((True, None), TypeError, "^modulation_start must be a whole number"),
    ],
)
def test_wrong_ends_raise(ends, error, message):
    with pytest.raises(error, match=message):
        Window(*ends)
