"""The Bayes accuracy of the synthetic data: closed cases, direct enumeration, and no oracle beats it."""

import itertools

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from mmlib.data.synthetic_bayes import bayes_accuracy, log_ratios, posterior
from mmlib.data.synthetic_options import make_process
from mmlib.data.synthetic_process import draw_labels, draw_latents


def process_of(modalities=2, classes=4, shared=0.4, unique=0.1, synergy=0.3, noise=1.0, signal=3.0):
    return make_process(modalities, classes, shared, unique, synergy, noise, signal)


def limits(seed=0, **knobs):
    return bayes_accuracy(process_of(**knobs), torch.Generator().manual_seed(seed))


def sample(process, count, seed=3):
    axes = [torch.eye(2 * process.classes, dtype=torch.float64)] * len(process.names)
    return draw_latents(process, axes, count, torch.Generator().manual_seed(seed))


def test_no_signal_leaves_chance():
    assert all(value == pytest.approx(0.25) for value in limits(signal=0).values())


def test_huge_signal_leaves_only_the_uninformative_samples_to_chance():
    values = limits(shared=0.6, unique={"a": 0.2, "b": 0.0}, synergy=0.0, signal=50)
    assert values["a",] == pytest.approx(0.8 + 0.2 / 4, abs=0.01)
    assert values["b",] == pytest.approx(0.6 + 0.4 / 4, abs=0.01)
    assert limits(shared=1.0, unique=0.0, synergy=0.0, signal=50)["a",] == pytest.approx(1.0)


def test_two_classes_one_modality_meet_the_normal_distribution():
    expected = torch.distributions.Normal(0, 1).cdf(torch.tensor(1.5 / 2**0.5)).item()
    value = limits(classes=2, shared=1.0, unique=0.0, synergy=0.0, signal=1.5)["a",]
    assert value == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("modalities", [2, 3])
def test_synergy_needs_every_modality(modalities):
    values = limits(modalities=modalities, shared=0.0, unique=0.0, synergy=1.0, signal=6.0)
    *parts, whole = values.values()
    assert all(value == pytest.approx(0.25) for value in parts)
    assert whole > 0.98


def test_only_the_ratio_of_signal_and_noise_counts():
    small, large = limits(signal=3, noise=1), limits(signal=30, noise=10)
    assert small == {subset: pytest.approx(value) for subset, value in large.items()}


def test_more_modalities_never_lower_the_limit():
    values = limits(modalities=6, classes=5, shared=0.1, unique=0.1, synergy=0.2)
    assert len(values) == 63
    for small, large in itertools.product(values, values):
        if set(small) < set(large):
            assert values[large] >= values[small] - 0.003


@pytest.mark.parametrize("subset", [(0,), (2,), (0, 2), (0, 1, 2)])
def test_posterior_equals_enumeration_of_all_kinds_and_codes(subset):
    """Sums the density of h_S over every kind, label and code tuple, sharing nothing with the implementation."""
    unique, noise = {"a": 0.1, "b": 0.05, "c": 0.02}, {"a": 1, "b": 2, "c": 1}
    process = process_of(modalities=3, classes=3, unique=unique, noise=noise)
    latents, _ = sample(process, 6)
    kinds = {"shared": 0.4, 0: 0.1, 1: 0.05, 2: 0.02, "synergy": 0.3, "none": 1 - 0.87}
    expected = torch.zeros(6, 3, dtype=torch.float64)
    for y, (kind, share) in itertools.product(range(3), kinds.items()):
        for codes in itertools.product(range(3), repeat=3):
            if sum(codes) % 3 != y:
                continue
            weight = torch.full((6,), share / 9, dtype=torch.float64)
            for m in subset:
                mean = torch.zeros(6, dtype=torch.float64)
                if kind in ("shared", m):
                    mean[y] = 3.0
                if kind == "synergy":
                    mean[3 + codes[m]] = 3.0
                weight = weight * torch.distributions.Normal(mean, process.noise[m]).log_prob(latents[m]).sum(1).exp()
            expected[:, y] += weight
    found = posterior(process, log_ratios(process, latents), subset)
    torch.testing.assert_close(found, expected / expected.sum(1, keepdim=True), rtol=1e-9, atol=1e-12)


def test_the_bayes_classifier_hits_as_often_as_stated():
    process = process_of()
    latents, labels = sample(process, 40_000)
    evidence = log_ratios(process, latents)
    stated = bayes_accuracy(process, torch.Generator().manual_seed(0))
    for subset, name in (((0,), ("a",)), ((0, 1), ("a", "b"))):
        hits = (posterior(process, evidence, subset).argmax(1) == labels).double().mean().item()
        assert hits == pytest.approx(stated[name], abs=0.01)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("synergy", [0.0, 0.3])
def test_no_trained_classifier_exceeds_the_limit(synergy):
    """Trained on 6,000 draws of the latents, tried on 6,000 (standard error 0.006); also not far below it."""
    process = process_of(synergy=synergy)
    latents, labels = sample(process, 12_000)
    for subset in ((0,), (0, 1)):
        stated = bayes_accuracy(process, torch.Generator().manual_seed(0))[tuple(process.names[m] for m in subset)]
        values = torch.cat([latents[m] for m in subset], 1).numpy()
        for model in (LogisticRegression(), MLPClassifier((32,), max_iter=15, random_state=0)):
            accuracy = model.fit(values[:6000], labels[:6000]).score(values[6000:], labels[6000:])
            assert stated - 0.25 < accuracy < stated + 0.02


def test_kinds_appear_in_their_shares_and_codes_sum_to_the_label():
    process = process_of(modalities=3, classes=4, unique={"a": 0.1, "b": 0.05, "c": 0.0}, synergy=0.3)
    labels, shown = draw_labels(process, 50_000, torch.Generator().manual_seed(5))
    direct = shown == labels[:, None]
    synergy = (shown >= 4).all(1) & (shown < 8).all(1)
    share = lambda rows: rows.double().mean().item()  # noqa: E731
    assert share(direct.all(1)) == pytest.approx(0.4, abs=0.01)
    assert share(direct[:, 0] & ~direct[:, 1]) == pytest.approx(0.1, abs=0.01)
    assert share(direct[:, 1] & ~direct[:, 0]) == pytest.approx(0.05, abs=0.01)
    assert not (direct[:, 2] & ~direct[:, 0]).any()
    assert share(synergy) == pytest.approx(0.3, abs=0.01)
    assert ((shown[synergy] - 4).sum(1) % 4 == labels[synergy]).all()
    assert share((shown == 8).all(1)) == pytest.approx(0.15, abs=0.01)
