"""Bayes accuracy and information of the synthetic data: closed cases, enumeration, and no oracle beats the former."""

import inspect
import itertools
import math

import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from mmlib.data import load
from mmlib.data.synthetic import information
from mmlib.data.synthetic import load as load_synthetic
from mmlib.data.synthetic.bayes import bayes_accuracy, log_ratios, mutual_information, posterior
from mmlib.data.synthetic.knobs import make_process
from mmlib.data.synthetic.lift import generators
from mmlib.data.synthetic.process import draw_labels, draw_latents


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


def bits(seed=0, **knobs):
    return mutual_information(process_of(**knobs), torch.Generator().manual_seed(seed))


ONE_TELLS = {"classes": 2, "shared": 0.0, "unique": {"a": 1.0, "b": 0.0}, "synergy": 0.0}


def information_of_two_points(distance):
    """I(Y; t) in bits by numerical integration: t ~ N(+-distance/2, 1), both signs equally likely."""
    density = lambda t: (norm.pdf(t, -distance / 2) + norm.pdf(t, distance / 2)) / 2  # noqa: E731
    entropy = quad(lambda t: -density(t) * math.log2(density(t)), -distance - 9, distance + 9, limit=200)[0]
    return entropy - math.log2(2 * math.pi * math.e) / 2


@pytest.mark.parametrize("signal", [0.5, 1.5, 3.0])
def test_two_classes_shown_by_one_modality_meet_numerical_integration(signal):
    values = bits(signal={"a": signal, "b": 5.0}, noise={"a": 1.0, "b": 2.0}, **ONE_TELLS)
    expected = information_of_two_points(signal * 2**0.5)  # the two directions are orthogonal
    assert values["a",] == pytest.approx(expected, abs=0.0075)
    assert values["a", "b"] == pytest.approx(expected, abs=0.0075)
    assert values["b",] == pytest.approx(0, abs=1e-12)


def test_information_is_that_of_samples_drawn_with_their_labels():
    """The mean of log2 p(y | h) / p(y) over other draws, with the drawn label y, has the same expectation."""
    process = process_of()
    latents, labels = sample(process, 40_000)
    evidence = log_ratios(process, latents)
    for subset, name in (((0,), ("a",)), ((0, 1), ("a", "b"))):
        told = posterior(process, evidence, subset)[torch.arange(40_000), labels].log2().mean().item()
        assert bits()[name] == pytest.approx(math.log2(4) + told, abs=0.03)


@pytest.mark.parametrize("modalities", [2, 3])
def test_in_pure_synergy_only_all_modalities_together_inform(modalities):
    *parts, whole = bits(modalities=modalities, shared=0.0, unique=0.0, synergy=1.0, signal=12.0).values()
    assert all(value == pytest.approx(0, abs=1e-12) for value in parts)
    assert whole == pytest.approx(math.log2(4), abs=1e-3)


def test_what_is_shared_and_loud_is_told_by_every_modality():
    values = bits(classes=5, shared=1.0, unique=0.0, synergy=0.0, signal=50.0)
    assert len(values) == 3
    assert all(value == pytest.approx(math.log2(5), abs=1e-9) for value in values.values())


@pytest.mark.parametrize("knobs", [{"shared": 0.0, "unique": 0.0, "synergy": 0.0}, {"signal": 0}])
def test_an_uninformative_world_has_no_information(knobs):
    assert all(value == pytest.approx(0, abs=1e-12) for value in bits(**knobs).values())


def test_more_modalities_never_lower_the_information():
    values = bits(modalities=6, classes=5, shared=0.1, unique=0.1, synergy=0.2)
    assert len(values) == 63
    for small, large in itertools.product(values, values):
        if set(small) < set(large):
            assert values[large] >= values[small] - 0.0025 * math.log2(5)
    assert all(0 <= value <= math.log2(5) for value in values.values())


def test_the_standard_error_is_below_the_one_stated():
    spread = torch.tensor([bits(seed)["a", "b"] for seed in range(12)]).std().item()
    assert 0 < spread < 0.0025 * math.log2(4)


def test_information_takes_the_knobs_and_the_draws_of_load():
    ours, theirs = (inspect.signature(f).parameters for f in (information, load_synthetic))
    assert all(theirs[name] == parameter for name, parameter in ours.items())
    assert set(theirs) - set(ours) == {"scale", "depth", "samples"}
    world = {"modalities": 3, "classes": 3, "unique": {"a": 0.2, "b": 0.1, "c": 0.0}, "noise": 2.0}
    process = make_process(3, 3, 0.5, world["unique"], 0.0, 2.0, 3.0)
    data = load("synthetic", seed=5, samples=(2, 2, 2), **world)
    assert data.bayes_accuracy == bayes_accuracy(process, *generators(5, 1))
    state = torch.get_rng_state()
    assert information(seed=5, **world) == mutual_information(process, *generators(5, 1)) != information(**world)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    ("knobs", "word"), [({"shared": 1.2}, "shared"), ({"seed": -1}, "seed"), ({"noise": 0}, "noise")]
)
def test_information_refuses_bad_knobs(knobs, word):
    with pytest.raises(ValueError, match=word):
        information(**knobs)
