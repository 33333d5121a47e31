"""AIM as a whole: its logs, its parts, its limits, and a network that was cast or copied."""

import pytest
import torch
from torch import nn

from mmlib.methods import AIM

MEASURES = ("performance", "strength", "weak")


def ahead(problem, **options):
    """A network whose modality a tells the classes, so that it is modulated: (model, inputs, labels)."""
    model, inputs, labels = problem(**{"rows": 20, **options})
    inputs["a"].flatten(1)[:, 0] += 4 * labels
    return model, inputs, labels


def blocks_of(model):
    return [f"{m}/{d}" for m, e in model.encoders.items() for d in range(1, len(e.blocks) + 1)]


def test_logs(problem, judged):
    model, inputs, labels = ahead(problem, modalities=3)
    method = judged(model, inputs, labels)
    _, logs = method.loss(inputs, labels)
    parts = {f"{name}/{block}" for name in MEASURES for block in blocks_of(model)}
    assert logs.keys() == {"loss/full", "loss/aux", "loss/stim"} | parts
    for block in blocks_of(model):
        for name in MEASURES:
            assert logs[f"{name}/{block}"] is getattr(method.judgement, name)[block]
            assert logs[f"{name}/{block}"].shape == () and 0 <= logs[f"{name}/{block}"] <= 1


def test_before_the_first_judgement_it_logs_nothing_but_the_loss(problem):
    model, inputs, labels = problem()
    assert AIM(model).loss(inputs, labels)[1] == {}


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({}, []),
        ({"beta": 0.0}, ["stim"]),
        ({"stim": "none"}, ["stim"]),
        ({"lambda_aux": 0.0}, ["aux"]),
        ({"gamma": 0.0}, ["aux"]),
        ({"gamma": 0.0, "stim": "dominant"}, ["aux", "stim"]),
        ({"gamma": 0.0, "beta": 0.0}, ["aux", "stim"]),
        ({"lambda_aux": 0.0, "path": "aux_only"}, []),
    ],
    ids=str,
)
def test_a_part_without_weight_is_not_computed(problem, judged, monkeypatch, options, missing):
    model, inputs, labels = ahead(problem)
    method = judged(model, inputs, labels, **options)
    for part, name in {"aux": "auxiliary_logits", "stim": "stimulation"}.items():
        if part in missing:
            monkeypatch.setattr(f"mmlib.methods.aim.method.{name}", None)
    total, logs = method.loss(inputs, labels)
    present = [part for part in ("full", "aux", "stim") if part not in missing]
    assert {name for name in logs if name.startswith("loss/")} == {f"loss/{part}" for part in present}
    if missing == ["aux", "stim"]:
        assert total is logs["loss/full"]


def test_the_total_is_put_together_from_the_logs(problem, judged):
    model, inputs, labels = ahead(problem)
    for path, lam in (("dual", 0.25), ("aux_only", 0.25)):
        total, logs = judged(model, inputs, labels, path=path, lambda_aux=lam, beta=0.7).loss(inputs, labels)
        full, aux, stim = (logs[f"loss/{part}"] for part in ("full", "aux", "stim"))
        assert total == (aux if path == "aux_only" else (full + lam * aux) / (1 + lam)) + 0.7 * stim
        assert full != aux


@pytest.mark.parametrize("path", ["dual", "aux_only"])
def test_without_anything_ahead_the_loss_is_that_of_joint_training(problem, judged, path):
    model, inputs, labels = problem(rows=20)
    total, logs = judged(model, inputs, labels, gamma=0.0, path=path, beta=0.0).loss(inputs, labels)
    assert torch.equal(total, nn.functional.cross_entropy(model(inputs), labels)) and total is logs["loss/full"]


@pytest.mark.parametrize(("q", "ones"), [(0.0, 0), (1.0, 6)])
def test_all_channels_or_none(problem, judged, q, ones):
    """q = 1: nothing is gated, both passes are one. q = 0: a modulated block is damped as a whole, by 1 - alpha."""
    model, inputs, labels = ahead(problem)
    method = judged(model, inputs, labels, q=q)
    assert {mask.sum().item() for _, mask in method.judgement.masks.items()} == {ones}
    _, logs = method.loss(inputs, labels)
    assert torch.isclose(logs["loss/aux"], logs["loss/full"]) == (q == 1.0)
    if q == 0.0:  # no channel is left to tell the classes, so each is as likely as any other
        assert logs["loss/stim"].item() == pytest.approx(2 * torch.log(torch.tensor(3.0)).item(), abs=1e-6)
    method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.1))
    assert all(torch.isfinite(p.grad).all() and torch.isfinite(p).all() for p in model.parameters())


def test_every_parameter_gets_a_gradient(problem, judged):
    model, inputs, labels = ahead(problem, modalities=3)
    method = judged(model, inputs, labels)
    method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.1))
    assert all(p.grad is not None and p.grad.any() for p in method.parameters())


@pytest.mark.parametrize("judge_again", [False, True])
@pytest.mark.parametrize("proto", ["learned", "class_mean"])
def test_a_network_cast_after_it_was_judged(problem, judged, as_data, proto, judge_again):
    model, inputs, labels = ahead(problem, dtype=torch.float32)
    method = judged(model, inputs, labels, proto=proto, every=1)
    model.double()
    inputs = {m: x.double() for m, x in inputs.items()}
    if judge_again:
        method.begin_epoch(1, as_data(inputs, labels))
    logs = method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.1))
    assert {value.dtype for value in (*logs.values(), *method.judgement.buffers())} == {torch.float64}


def test_a_copy_goes_its_own_way(problem, judged, twin, as_data):
    model, inputs, labels = ahead(problem)
    method = judged(model, inputs, labels, every=1)
    copied = twin(method)
    before = {name: value.clone() for name, value in method.judgement.state_dict().items()}
    copied.judgement.first.clear()
    copied.begin_epoch(1, as_data(inputs.copy(), labels.flip(0)))
    assert method.judgement.first and all(torch.equal(v, before[k]) for k, v in method.judgement.state_dict().items())
