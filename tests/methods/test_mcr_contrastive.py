"""L_con against pytorch-metric-learning's NTXentLoss and against a double loop."""

import math

import pytest
import torch

from mmlib.methods.mcr import contrastive

# `make gpu-check` runs this folder where there is little more than PyTorch.
losses = pytest.importorskip("pytorch_metric_learning.losses")

NAMES = ("a", "v", "t", "x")
LABELS = {
    "mixed": [0, 1, 2, 0, 1, 1],
    "rows without a positive": [0, 1, 2, 3, 4, 4],
    "no row has a positive": [0, 1, 2, 3, 4, 5],  # within one modality
    "no row has a negative": [1, 1, 1, 1, 1, 1],
}


def latents_of(modalities, rows=6, width=5, dtype=torch.float64):
    torch.manual_seed(modalities)
    return {m: (3 * torch.randn(rows, width, dtype=dtype)).requires_grad_() for m in NAMES[:modalities]}


def gradients(value, latents):
    if not value.requires_grad:
        return [torch.zeros_like(z) for z in latents.values()]
    return torch.autograd.grad(value, list(latents.values()))


@pytest.mark.parametrize("temperature", [0.05, 0.5, 2.0])
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("modalities", [1, 2, 3, 4])
def test_agrees_with_the_library(modalities, labels, temperature):
    latents, labels = latents_of(modalities), torch.tensor(labels)
    ours = contrastive(latents, labels, temperature)
    theirs = losses.NTXentLoss(temperature)(torch.cat(list(latents.values())), labels.repeat(modalities))
    torch.testing.assert_close(ours, theirs.to(ours), rtol=0, atol=1e-10)
    torch.testing.assert_close(gradients(ours, latents), gradients(theirs, latents), rtol=0, atol=1e-10)


def by_hand(latents, labels, temperature):
    """The formula of mcr.md, pair by pair."""
    z = [row / row.norm() for part in latents.values() for row in part.detach()]
    y = labels.tolist() * len(latents)
    losses = []
    for i in range(len(z)):
        negatives = sum(math.exp(z[i] @ z[n] / temperature) for n in range(len(z)) if y[n] != y[i])
        for j in range(len(z)):
            if j != i and y[j] == y[i]:
                own = math.exp(z[i] @ z[j] / temperature)
                losses.append(-math.log(own / (own + negatives)))
    return sum(losses) / len(losses) if losses else 0.0


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("modalities", [1, 2, 3])
def test_agrees_with_a_double_loop(modalities, labels):
    latents, labels = latents_of(modalities), torch.tensor(labels)
    ours = contrastive(latents, labels, 0.3).item()
    assert ours == pytest.approx(by_hand(latents, labels, 0.3), abs=1e-12)
    nothing_to_compare = len(set(labels.tolist())) == 1 or (modalities == 1 and len(set(labels.tolist())) == 6)
    assert (ours == 0) == nothing_to_compare


def test_the_temperature_is_a_half_unless_said():
    latents, labels = latents_of(2), torch.tensor(LABELS["mixed"])
    assert contrastive(latents, labels) == contrastive(latents, labels, 0.5)


@pytest.mark.parametrize("labels", [LABELS["no row has a positive"], LABELS["no row has a negative"]])
def test_gradients_are_0_where_there_is_nothing_to_compare(labels):
    latents = latents_of(1, dtype=torch.float32)
    found = gradients(contrastive(latents, torch.tensor(labels)), latents)
    assert torch.equal(found[0], torch.zeros_like(found[0]))


def test_one_row():
    latents = latents_of(2, rows=1)
    value = contrastive(latents, torch.tensor([0]))
    assert value == 0 and not any(g.any() for g in gradients(value, latents))


def test_real_targets_that_are_equal_are_positives():
    latents = latents_of(2)
    real = torch.tensor([0.5, -1.25, 3.0, 0.5, -1.25, -1.25], dtype=torch.float64)
    assert contrastive(latents, real) == contrastive(latents, torch.tensor(LABELS["mixed"]))


def test_only_directions_count():
    latents, labels = latents_of(3), torch.tensor(LABELS["mixed"])
    longer = {m: (2 + k) * z for k, (m, z) in enumerate(latents.items())}
    torch.testing.assert_close(contrastive(longer, labels), contrastive(latents, labels), rtol=0, atol=1e-13)


def test_a_latent_of_zeros_is_harmless():
    latents = {m: torch.zeros(3, 2, requires_grad=True) for m in "av"}
    value = contrastive(latents, torch.tensor([0, 1, 1]))
    assert torch.isfinite(value) and all(torch.isfinite(g).all() for g in gradients(value, latents))


def test_different_widths_raise():
    with pytest.raises(ValueError, match=r"must be \[4, d\], with one d, got {'a': \(4, 2\), 'v': \(4, 3\)}"):
        contrastive({"a": torch.randn(4, 2), "v": torch.randn(4, 3)}, torch.tensor([0, 1, 0, 1]))


def test_another_number_of_labels_raises():
    with pytest.raises(ValueError, match=r"with 3 labels all must be \[3, d\]"):
        contrastive({"a": torch.randn(4, 2), "v": torch.randn(4, 2)}, torch.tensor([0, 1, 0]))


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_a_temperature_that_divides_by_nothing_raises(temperature):
    with pytest.raises(ValueError, match="temperature must be a finite number >= 0.001"):
        contrastive({"a": torch.randn(4, 2)}, torch.tensor([0, 1, 0, 1]), temperature)
