"""The checks themselves: what passes, what is refused, and whether the sentence helps."""

import math

import pytest
import torch

from mmlib import checks


def test_what_is_right_passes():
    checks.one_of("method", "agm", ["joint", "agm"])
    checks.options("load", ["seed", "views"], {"seed": 0, "views": 1, "hop": 2})
    checks.distinct("views", ["fac", "kar"], least=2, most=6)
    checks.number("lr", 0, low=0)
    checks.number("share", 1.0, 0, 1)
    checks.number("cap", math.inf, low=0, finite=False)
    checks.whole("epochs", 1, 1)
    checks.flag("noise", False)
    checks.of_type("seeds", (1, 2), (list, tuple), "a list")
    checks.class_numbers("labels", torch.tensor([0, 2]), 3)


@pytest.mark.parametrize(
    ("check", "kind", "sentence"),
    [
        (
            lambda: checks.one_of("method", "amg", ["joint", "agm"]),
            ValueError,
            "unknown method 'amg': expected one of joint, agm. Did you mean 'agm'?",
        ),
        (lambda: checks.one_of("seed", 7, (0, 1)), ValueError, "unknown seed 7: expected one of 0, 1."),
        (lambda: checks.one_of("seed", 7, iter([0, 1])), ValueError, "unknown seed 7: expected one of 0, 1."),
        (
            lambda: checks.options("load", ["seed", "hops"], ["seed", "hop"]),
            ValueError,
            "unknown option of load 'hops': expected one of seed, hop. Did you mean 'hop'?",
        ),
        (lambda: checks.options("joint", ["alpha"], []), ValueError, "joint takes no options, got 'alpha'."),
        (lambda: checks.number("lr", "0.1"), TypeError, "lr must be a number, got '0.1' (str)."),
        (lambda: checks.number("lr", True), TypeError, "lr must be a number, got True (bool)."),
        (lambda: checks.number("lr", math.nan, low=0), ValueError, "lr must be a finite number >= 0, got nan."),
        (lambda: checks.number("lr", math.inf), ValueError, "lr must be a finite number, got inf."),
        (lambda: checks.number("p", 1.5, 0, 1), ValueError, "p must be a finite number from 0 to 1, got 1.5."),
        (lambda: checks.number("cap", math.nan, 0, finite=False), ValueError, "cap must be a number >= 0, got nan."),
        (lambda: checks.whole("epochs", 0, 1), ValueError, "epochs must be at least 1, got 0."),
        (lambda: checks.whole("epochs", 2.0), TypeError, "epochs must be a whole number, got 2.0 (float)."),
        (lambda: checks.whole("epochs", True), TypeError, "epochs must be a whole number, got True (bool)."),
        (lambda: checks.flag("noise", "no"), TypeError, "noise must be True or False, got 'no' (str)."),
        (lambda: checks.flag("noise", 1), TypeError, "noise must be True or False, got 1 (int)."),
        (lambda: checks.of_type("seeds", 3, list, "a list"), TypeError, "seeds must be a list, got 3 (int)."),
        (lambda: checks.distinct("views", "ab"), TypeError, "views must be a list, got 'ab' (str)."),
        (lambda: checks.distinct("alphas", []), ValueError, "alphas must hold 1 or more different entries, got []."),
        (
            lambda: checks.distinct("views", ["a", "a"], least=2, most=2),
            ValueError,
            "views must hold 2 different entries, got ['a', 'a'].",
        ),
        (
            lambda: checks.distinct("views", list("abc"), least=1, most=2),
            ValueError,
            "views must hold 1 to 2 different entries, got ['a', 'b', 'c'].",
        ),
        (
            lambda: checks.class_numbers("labels", torch.tensor([0, 3]), 3),
            ValueError,
            "labels run from 0 to 3; with 3 classes they must lie in 0..2.",
        ),
        (
            lambda: checks.class_numbers("labels", torch.tensor([-1, 2]), 3),
            ValueError,
            "labels run from -1 to 2; with 3 classes they must lie in 0..2.",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(check, kind, sentence):
    with pytest.raises(kind) as caught:
        check()
    assert type(caught.value) is kind and str(caught.value) == sentence
