"""A run that is broken off after any epoch ends with the same bits, judged or not, with any optimiser."""

import pytest
import torch

from mmlib.methods import AIM
from mmlib.training import fit

NOISY = {"norm": "batch", "dropout": 0.3, "rows": 20, "dtype": torch.float32, "seed": 1}
EPOCHS = 5


def course(method, data, **more):
    history = fit(method, data, epochs=EPOCHS, batch_size=6, lr=0.01, device="cpu", **more)
    return history.epochs


@pytest.mark.parametrize(
    ("options", "optimizer"),
    [
        ({}, "sgd"),
        ({}, "adam"),
        ({"calibration": "valid"}, "adamw"),
        ({"proto": "class_mean", "select": "random"}, "sgd"),
    ],
    ids=str,
)
def test_after_any_epoch(problem, twin, as_data, tmp_path, assert_same_state, monkeypatch, options, optimizer):
    """Before the first judgement, right behind it, and around the second."""
    monkeypatch.setattr("mmlib.methods.aim.judge.FIRST_STEPS", 6)
    monkeypatch.setattr("mmlib.methods.aim.judge.FURTHER_STEPS", 3)
    model, inputs, labels = problem(fusion="maxout", **NOISY)
    inputs["a"][:, 0] += 3 * labels
    data, options = as_data(inputs, labels), {"warm_up": 1, "every": 2, "q": 0.5, **options}
    unbroken = AIM(twin(model), **options)
    expected = course(unbroken, data, optimizer=optimizer)
    assert "loss/aux" in expected[-1]
    for last in range(EPOCHS - 1):

        def stop(epoch, _, last=last):
            if epoch == last + 1:
                raise KeyboardInterrupt
            return {}

        file = tmp_path / f"{last}.pt"
        with pytest.raises(KeyboardInterrupt):
            saved = {"checkpoint": file, "checkpoint_every": 0.0}
            course(AIM(twin(model), **options), data, optimizer=optimizer, on_epoch=stop, **saved)
        resumed = AIM(twin(model), **options)
        assert course(resumed, data, optimizer=optimizer, checkpoint=file) == expected
        assert_same_state(resumed, unbroken)
        assert resumed.judgement.first == unbroken.judgement.first


def test_best_weights_from_the_warm_up_come_without_a_judgement(problem, as_data):
    """Training on from a state of before the first judgement: whatever was found later is forgotten."""
    model, inputs, labels = problem(rows=12)
    method = AIM(model, warm_up=1)
    before = {name: value.clone() for name, value in method.state_dict().items()}
    method.begin_epoch(1, as_data(inputs, labels))
    method.judgement.strength["a/1"].fill_(0.5)
    after = method.state_dict()
    method.load_state_dict(before)
    assert not method.judgement and method.judgement.first == {}
    method.load_state_dict(after)
    assert method.judgement and method.judgement.first["a"] == 0


@pytest.mark.parametrize("change", [{"q": 0.3}, {"dam": "const"}, {"every": 2}, {"proto": "class_mean"}], ids=str)
def test_a_checkpoint_of_other_options_is_refused(problem, as_data, twin, tmp_path, change):
    model, inputs, labels = problem(rows=12, dtype=torch.float32)
    data = as_data(inputs, labels)
    course(AIM(twin(model), warm_up=4), data, checkpoint=tmp_path / "c.pt")
    with pytest.raises(ValueError, match="it is of another training: method: "):
        course(AIM(twin(model), warm_up=4, **change), data, checkpoint=tmp_path / "c.pt")
