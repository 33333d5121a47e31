"""MCR in pieces: the numbers and gradients of one batch, in little memory; small games are one batch as ever."""

import subprocess
import sys

import pytest
import torch

from mmlib.coalitions import mixed_logits
from mmlib.methods import MCR
from mmlib.methods.mcr import chunks as mcr_chunks
from mmlib.methods.mcr import divergences
from mmlib.methods.mcr.distances import jensen_shannon, squared_difference
from mmlib.methods.mcr.game import STRATEGIES
from mmlib.models import eval_mode

MEMORY = """
import resource, torch
from mmlib.methods import MCR
from mmlib.models import build_model
shapes = {m: (8,) for m in "abcdef"}
method = MCR(build_model(shapes, 250, fusion="linear"))
inputs, labels = {m: torch.randn(32, 8) for m in shapes}, torch.randint(250, (32,))
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak()
method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.1))
print(peak() - before)
"""


@pytest.fixture
def in_pieces(monkeypatch):
    """Cuts every game into pieces of a few rows, and counts them."""
    counted = []

    def cut(elements=64):
        run = mcr_chunks.checkpoint
        monkeypatch.setattr(mcr_chunks, "AT_ONCE", 0)
        monkeypatch.setattr(mcr_chunks, "CPU_PIECE", elements)
        monkeypatch.setattr(mcr_chunks, "checkpoint", lambda *a, **k: counted.append(len(a[3])) or run(*a, **k))
        return counted

    return cut


def step(method, inputs, labels):
    """Logs and gradients of one step that changes nothing."""
    torch.manual_seed(5)
    logs = method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.0))
    return logs, {name: p.grad for name, p in method.named_parameters()}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("fusion", ["linear", "concat", "sum", "attention", "maxout"])
@pytest.mark.parametrize("modalities", [2, 3, 4])
def test_pieces_give_the_same_numbers_and_gradients(problem, twin, in_pieces, modalities, fusion, strategy):
    model, inputs, labels = problem(modalities, fusion=fusion, norm="batch", dropout=0.2)
    whole, cut = (MCR(twin(model), strategy, K=3) for _ in range(2))
    cut.load_state_dict(whole.state_dict())
    expected = step(whole, inputs, labels)
    pieces = in_pieces()
    flags = [(m.training, [p.requires_grad for p in m.parameters()]) for m in cut.modules()]
    found = step(cut, inputs, labels)
    assert len(pieces) > 1
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)
    assert [(m.training, [p.requires_grad for p in m.parameters()]) for m in cut.modules()] == flags
    assert all(torch.equal(a, b) for a, b in zip(whole.buffers(), cut.buffers(), strict=True))


@pytest.mark.parametrize("perturbation", ["permute", "zero_latent", "noise_latent", "zero_input", "noise_input"])
@pytest.mark.parametrize("detach_reference", [False, True])
def test_of_every_perturbation(problem, twin, in_pieces, perturbation, detach_reference):
    """Zeros are one row that stands for all, and goes with every piece."""
    model, inputs, labels = problem(3, fusion="linear")
    options = {"strategy": "collaborative", "perturbation": perturbation, "K": 3, "detach_reference": detach_reference}
    whole, cut = (MCR(twin(model), **options) for _ in range(2))
    cut.load_state_dict(whole.state_dict())
    expected = step(whole, inputs, labels)
    pieces = in_pieces(elements=40)
    found = step(cut, inputs, labels)
    assert len(pieces) > 1
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("distance", [jensen_shannon, squared_difference])
@pytest.mark.parametrize("through", [None, ["a"]])
def test_the_plain_function(make_game, in_pieces, distance, through):
    fusion, latents, donors, keep = make_game("linear", 3)
    leaves = [*latents.values(), *fusion.parameters()]

    def found():
        js = divergences(fusion, latents, donors, keep, through, distance=distance)
        total = sum(i * j for i, j in enumerate(js.values(), start=1))
        return js, torch.autograd.grad(total, leaves, allow_unused=True)

    expected = found()
    pieces = in_pieces()
    torch.testing.assert_close(found(), expected, rtol=1e-12, atol=1e-13)
    assert len(pieces) > 1 and sum(pieces) == len(keep)
    with torch.no_grad():
        js = divergences(fusion, latents, donors, keep, through, distance=distance)
    torch.testing.assert_close(js, expected[0], rtol=1e-12, atol=1e-13)


def test_a_small_game_is_one_batch_to_the_bit(make_game, monkeypatch):
    monkeypatch.setattr(mcr_chunks, "checkpoint", None)  # would fail if it were used
    fusion, latents, donors, keep = make_game("linear", 4, rows=64, draws=32)
    js = divergences(fusion, latents, donors, keep)
    terms = fusion.terms(latents)
    with eval_mode(fusion):
        inside, outside = (
            {m: term[rows[m]] for m, term in terms.items()} for rows in (donors, dict.fromkeys(terms, keep))
        )
        expected = jensen_shannon(mixed_logits(fusion, inside, outside), fusion.join(terms)[keep])
    assert torch.equal(torch.stack(list(js.values())), expected)


@pytest.mark.parametrize(("classes", "modalities"), [(10, 6), (1000, 2)])
def test_what_counts_as_small(classes, modalities):
    """The networks of the suite and the papers at 32 permutations of 64 rows."""
    assert 32 * 64 * classes * (2**modalities - 2) <= mcr_chunks.AT_ONCE


def test_the_memory_of_a_step_is_bounded():
    """Six modalities and 250 classes: 32 permutations of 32 rows had a peak of 900 MiB."""
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 600  # 380 where it was measured
