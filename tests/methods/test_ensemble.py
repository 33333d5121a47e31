"""The ensemble is separate training, side by side."""

import pytest
import torch

from mmlib.methods import Ensemble, Unimodal


def ensemble_and_singles(problem, twin, modalities=3, **options):
    """An ensemble, and one Unimodal per modality with equal encoders and heads."""
    model, inputs, labels = problem(modalities, **options)
    ensemble = Ensemble(twin(model))
    singles = {m: Unimodal(twin(model), m) for m in model.modalities}
    for m, single in singles.items():
        single.head.load_state_dict(ensemble.heads[m].state_dict())
    return ensemble, singles, inputs, labels


def assert_encoders_equal(ensemble, singles, what):
    for m, single in singles.items():
        pairs = zip(single.model.encoders[m].parameters(), ensemble.model.encoders[m].parameters(), strict=True)
        heads = zip(single.head.parameters(), ensemble.heads[m].parameters(), strict=True)
        for theirs, ours in (*pairs, *heads):
            assert torch.equal(what(theirs), what(ours)), m


def test_gradients_equal_separate_ones(problem, twin, gradients_of):
    ensemble, singles, inputs, labels = ensemble_and_singles(problem, twin, norm="batch")
    for method in (ensemble, *singles.values()):
        gradients_of(method, inputs, labels)
    assert_encoders_equal(ensemble, singles, lambda p: p.grad)
    assert all(p.grad is None for p in ensemble.model.fusion.parameters())


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])
def test_training_equals_separate_training_bit_for_bit(problem, twin, kind):
    ensemble, singles, inputs, labels = ensemble_and_singles(problem, twin, norm="batch", dtype=torch.float32)
    for method in (ensemble, *singles.values()):
        optimizer = kind(method.parameters(), lr=0.05, weight_decay=1e-2)
        for _ in range(5):
            logs = method.step(inputs, labels, optimizer)
        if method is ensemble:
            together = logs
        else:
            assert torch.equal(logs["loss"], together[f"loss/{method.modality}"])
    assert_encoders_equal(ensemble, singles, lambda p: p)
    for m, single in singles.items():
        for ours, theirs in zip(ensemble.model.encoders[m].buffers(), single.model.encoders[m].buffers(), strict=True):
            assert torch.equal(ours, theirs)


def test_it_decides_by_the_sum_of_the_logits(problem, twin):
    ensemble, singles, inputs, labels = ensemble_and_singles(problem, twin)
    expected = sum(single.predict(inputs) for single in singles.values())
    assert torch.equal(ensemble.predict(inputs), expected)


def test_the_loss_is_the_sum(problem, twin):
    ensemble, _, inputs, labels = ensemble_and_singles(problem, twin)
    loss, logs = ensemble.loss(inputs, labels)
    assert logs.keys() == {"loss/a", "loss/v", "loss/t"}
    torch.testing.assert_close(loss, sum(logs.values()), rtol=0, atol=0)
