"""What AIM refuses, and how it says so."""

import math

import pytest
from torch import nn

from mmlib.methods import AIM, METHODS
from mmlib.models import ConcatFusion, Encoder, MultimodalModel
from mmlib.training import fit

BAD = [
    ({"proto": "means"}, ValueError, "unknown proto 'means': expected one of learned, class_mean"),
    ({"objective": "both"}, ValueError, "unknown objective 'both': expected one of split, joint"),
    ({"calibration": "test"}, ValueError, "unknown calibration 'test': expected one of train, valid"),
    ({"select": "best"}, ValueError, "unknown select 'best': expected one of worst, random, anti"),
    ({"dam": "ration"}, ValueError, "unknown dam 'ration'.*Did you mean 'ratio'"),
    ({"stim": "weak"}, ValueError, "unknown stim 'weak': expected one of all, dominant, none"),
    ({"path": "aux"}, ValueError, "unknown path 'aux': expected one of dual, aux_only"),
    ({"q": -0.1}, ValueError, "q must be a finite number from 0 to 1, got -0.1"),
    ({"q": 1.1}, ValueError, "q must be a finite number from 0 to 1, got 1.1"),
    ({"q": "0.2"}, TypeError, "q must be a number"),
    ({"beta": -1}, ValueError, "beta must be a finite number >= 0, got -1"),
    ({"beta": math.inf}, ValueError, "beta must be a finite number >= 0, got inf"),
    ({"gamma": -0.5}, ValueError, "gamma must be a finite number >= 0, got -0.5"),
    ({"gamma": math.inf}, ValueError, "gamma must be a finite number >= 0, got inf"),
    ({"lambda_aux": math.nan}, ValueError, "lambda_aux must be a finite number >= 0, got nan"),
    ({"lambda_aux": True}, TypeError, "lambda_aux must be a number"),
    ({"warm_up": -1}, ValueError, "warm_up must be at least 0, got -1"),
    ({"warm_up": 1.5}, TypeError, "warm_up must be a whole number"),
    ({"every": 0}, ValueError, "every must be at least 1, got 0"),
    ({"every": 2.0}, TypeError, "every must be a whole number"),
]


@pytest.mark.parametrize(("options", "error", "message"), BAD, ids=str)
def test_options_out_of_range_are_named(problem, options, error, message):
    with pytest.raises(error, match=message):
        AIM(problem()[0], **options)


def test_defaults(problem):
    method = AIM(problem()[0])
    assert METHODS["aim"] is AIM
    assert method.extra_repr() == (
        "proto='learned', objective='split', calibration='train', select='worst', dam='ratio', stim='all', "
        "path='dual', q=0.2, beta=0.2, gamma=1.0, lambda_aux=1.0, warm_up=3, every=3"
    )


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_a_warm_up_that_leaves_no_epoch_is_refused_before_training(problem, as_data, twin, assert_same_state, epochs):
    model, inputs, labels = problem(rows=12)
    method, before = AIM(model), twin(model)
    with pytest.raises(ValueError, match=f"warm_up = 3 leaves none of {epochs} epochs for AIM"):
        fit(method, as_data(inputs, labels), epochs=epochs, device="cpu")
    assert_same_state(model, before)
    AIM(model, warm_up=epochs - 1).check_epochs(epochs)


@pytest.mark.parametrize(
    ("encoder", "name"),
    [(nn.Linear(4, 6), "Linear"), (nn.Sequential(nn.Linear(4, 6)), "Sequential"), (Encoder([], 6), "Encoder")],
    ids=["linear", "sequential", "empty"],
)
def test_an_encoder_without_blocks_is_named(problem, encoder, name):
    known = problem()[0].encoders["a"]
    model = MultimodalModel({"a": known, "v": encoder}, ConcatFusion({"a": 6, "v": 6}, 3))
    with pytest.raises(ValueError, match=rf"the encoder of 'v' \({name}\) has no blocks"):
        AIM(model)


def test_one_class_cannot_be_compared(problem):
    with pytest.raises(ValueError, match="needs two or more, the model has 1"):
        AIM(problem(classes=1)[0])
