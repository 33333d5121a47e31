"""MCR with zeros or noise in place of other samples' latents, and with a second pass: J and gradients by hand."""

import pytest
import torch
from torch import nn

from mmlib.coalitions import subsets
from mmlib.methods import MCR, Joint
from mmlib.methods.mcr import divergences, regulariser
from mmlib.methods.mcr.distances import jensen_shannon
from mmlib.methods.mcr.game import STRATEGIES
from mmlib.methods.mcr.method import PERTURBATIONS
from mmlib.models import FUSIONS, MultimodalModel

ABLATIONS = PERTURBATIONS[1:]
CASES = [(f, m) for f in ("linear", "attention") for m in (2, 3)] + [("film", 2)]
ALONE = {"lambda_uni": 0.0, "lambda_con": 0.0, "lambda_mi": 1.0}
K = 3
NOISY = {"norm": "batch", "dropout": 0.3}  # training and evaluation passes differ

WAYS = [(p, second) for p in PERTURBATIONS for second in (False, True) if not (second and p.endswith("input"))]


def divergences_by_hand(model, clean, others):
    """J_S with ``others`` {m: [N, d]} in place of the latents, which are repeated to as many rows."""
    repeats = {m: len(z) // len(clean[m]) for m, z in others.items()}
    clean = {m: z.repeat(repeats[m], 1) for m, z in clean.items()}
    return {
        s: jensen_shannon(model.fusion({m: (others if m in s else clean)[m] for m in clean}), model.fusion(clean))
        for s in subsets(tuple(clean))[:-1]
    }


def others_by_hand(perturbation, model, inputs, sigma=0.7):
    """Clean and perturbed latents, the latter of K copies of the batch; draws as the step with seed 5 does."""
    torch.manual_seed(5)

    def changed(x):
        x = x.repeat(K, *[1] * (x.ndim - 1))
        if perturbation.startswith("zero"):
            return torch.zeros_like(x)
        spread = x.std(0, correction=0, keepdim=True).detach()
        return x + sigma * spread * torch.randn_like(x)

    clean = model.encode(inputs)
    if perturbation.endswith("latent"):
        return clean, {m: changed(z) for m, z in clean.items()}
    changed_inputs = {m: changed(x) for m, x in inputs.items()}
    return clean, {m: encoder(changed_inputs[m]) for m, encoder in model.encoders.items()}


def losses(method, inputs, labels):
    torch.manual_seed(5)
    return method.loss(inputs, labels)


@pytest.mark.parametrize("perturbation", ABLATIONS)
@pytest.mark.parametrize(("fusion", "modalities"), CASES)
def test_divergences_by_hand(problem, fusion, modalities, perturbation):
    model, inputs, labels = problem(modalities, fusion=fusion)
    _, logs = losses(MCR(model, perturbation=perturbation, K=K, sigma=0.7, **ALONE), inputs, labels)
    expected = divergences_by_hand(model, *others_by_hand(perturbation, model, inputs))
    assert len(expected) == 2**modalities - 2
    for s, j in expected.items():
        torch.testing.assert_close(logs[f"J/{'+'.join(s)}"], j, rtol=0, atol=1e-12)
        assert j > 1e-7


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("perturbation", ABLATIONS)
@pytest.mark.parametrize(("fusion", "modalities"), CASES)
def test_the_players_are_told_apart_as_with_permutations(problem, fusion, modalities, perturbation, strategy):
    """The same game on latents behind which the perturbed ones are put as further rows, for donors to take."""
    model, inputs, labels = problem(modalities, fusion=fusion)
    method = MCR(model, strategy, perturbation=perturbation, K=K, sigma=0.7, **ALONE)
    total, logs = losses(method, inputs, labels)
    clean, others = others_by_hand(perturbation, model, inputs)
    rows = len(labels)
    stacked = {m: torch.cat([clean[m], others[m]]) for m in clean}
    donors = dict.fromkeys(clean, rows + torch.arange(K * rows))
    r = regulariser(model.fusion, stacked, donors, torch.arange(rows).repeat(K), strategy)
    torch.testing.assert_close(total - logs["loss/joint"], r, rtol=0, atol=1e-12)
    ours, theirs = (
        torch.autograd.grad(value, list(model.parameters()), allow_unused=True, materialize_grads=True)
        for value in (total - logs["loss/joint"], r)
    )
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    assert any(g.abs().max() > 1e-6 for g in ours)


@pytest.mark.parametrize("perturbation", ["noise_latent", "noise_input"])
def test_noise_of_size_0_changes_nothing(problem, perturbation):
    model, inputs, labels = problem(**NOISY)
    _, logs = losses(MCR(model, perturbation=perturbation, sigma=0.0), inputs, labels)
    assert logs["J/a"].abs() < 1e-15 and logs["J/v"].abs() < 1e-15


@pytest.mark.parametrize("perturbation", ["noise_latent", "noise_input"])
def test_more_noise_moves_the_prediction_further(problem, perturbation):
    model, inputs, labels = problem()
    small, large = (
        losses(MCR(model, perturbation=perturbation, sigma=s, K=50), inputs, labels)[1]["J/a"] for s in (0.1, 1.0)
    )
    assert large > 10 * small


def test_zeros_at_the_input_go_through_the_encoders_in_evaluation_mode(problem, twin):
    model, inputs, labels = problem(3, fusion="linear", **NOISY)
    _, logs = MCR(model, perturbation="zero_input").loss(inputs, labels)
    frozen = twin(model).eval()
    zero = frozen.encode({m: torch.zeros_like(x) for m, x in inputs.items()})
    for s, j in divergences_by_hand(frozen, frozen.encode(inputs), zero).items():
        torch.testing.assert_close(logs[f"J/{'+'.join(s)}"], j, rtol=0, atol=1e-12)


@pytest.mark.parametrize("perturbation", ["permute", "zero_latent", "noise_latent"])
def test_the_second_pass_is_in_evaluation_mode(problem, twin, perturbation):
    """J of its latents: those of a network in evaluation mode; the loss of the fused logits stays as it is."""
    model, inputs, labels = problem(fusion="linear", **NOISY)
    options = {"perturbation": perturbation, "strategy": "independent", "K": 1, **ALONE}
    once, twice = (MCR(twin(model), second_pass=flag, **options) for flag in (False, True))
    first, second = (losses(method, inputs, labels)[1] for method in (once, twice))
    assert abs(first["J/a"] - second["J/a"]) > 1e-6
    assert torch.equal(first["loss/joint"], second["loss/joint"])
    if perturbation == "zero_latent":
        frozen = twice.model.eval()
        clean = frozen.encode(inputs)
        expected = divergences_by_hand(frozen, clean, {m: torch.zeros_like(z) for m, z in clean.items()})
        torch.testing.assert_close(second["J/a"], expected["a",], rtol=0, atol=1e-12)


def test_permutations_of_the_second_pass(problem, twin, monkeypatch):
    model, inputs, labels = problem(fusion="linear", **NOISY)
    donors, keep = dict.fromkeys("av", torch.tensor([4, 3, 1, 0, 2])), torch.arange(5)
    monkeypatch.setattr("mmlib.methods.mcr.method.draw_pairs", lambda *_: (donors, keep, torch.ones(())))
    _, logs = MCR(model, second_pass=True).loss(inputs, labels)
    frozen = twin(model).eval()
    expected = divergences(frozen.fusion, frozen.encode(inputs), donors, keep)
    torch.testing.assert_close(logs["J/v"], expected["v",], rtol=0, atol=1e-12)


@pytest.mark.parametrize("perturbation", PERTURBATIONS)
def test_the_second_pass_changes_nothing_where_the_modes_agree(problem, twin, gradients_of, perturbation):
    model, inputs, labels = problem(fusion="film")
    once = MCR(model, perturbation=perturbation)
    twice = twin(once)
    twice.second_pass = True
    first, second = (gradients_of(method, inputs, labels) for method in (once, twice))
    torch.testing.assert_close(first, second, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("perturbation", "second_pass"), WAYS)
@pytest.mark.parametrize("fusion", ["linear", "maxout"])
def test_running_statistics_change_once_per_step(problem, twin, trained, fusion, perturbation, second_pass):
    model, inputs, labels = problem(3, fusion=fusion, norm="batch")
    method, plain = MCR(twin(model), perturbation=perturbation, second_pass=second_pass), Joint(twin(model))
    for m in (method, plain):
        trained(m, inputs, labels, steps=1)
    after, expected = dict(method.model.named_buffers()), dict(plain.model.named_buffers())
    assert after.keys() == expected.keys() and len(after) > 0
    assert all(torch.equal(value, expected[name]) for name, value in after.items())
    assert all(layer.training for layer in method.modules())


class Words(nn.Module):
    """An encoder of whole numbers."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(7, 4)

    def forward(self, x):
        return self.table(x).mean(1)


def spoken():
    torch.manual_seed(0)
    model = MultimodalModel({"a": Words(), "v": nn.Linear(3, 4)}, FUSIONS["linear"]({"a": 4, "v": 4}, 3))
    return model, {"a": torch.randint(7, (5, 6)), "v": torch.randn(5, 3)}, torch.tensor([0, 1, 2, 1, 0])


@pytest.mark.parametrize("perturbation", [p for p in PERTURBATIONS if p != "noise_input"])
def test_inputs_of_whole_numbers_can_be_perturbed(trained, perturbation):
    model, inputs, labels = spoken()
    logs = trained(MCR(model, perturbation=perturbation), inputs, labels, steps=2)
    assert all(torch.isfinite(value) for value in logs.values()) and logs["J/a"] > 0


def test_whole_numbers_take_no_noise(trained):
    model, inputs, labels = spoken()
    with pytest.raises(TypeError, match=r"noise needs real numbers, the input of 'a' is torch\.int64: use another"):
        trained(MCR(model, perturbation="noise_input"), inputs, labels)
