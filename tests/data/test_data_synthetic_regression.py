"""The synthetic regression: its stated limit is the true one, and every knob does what it says."""

import itertools
import math

import pytest
import torch
from sklearn.linear_model import LinearRegression

from mmlib.data import is_regression, load
from mmlib.data.synthetic.knobs import make_linear_process
from mmlib.data.synthetic.linear import bayes_error, draw_latents

SMALL = {"samples": (1000, 2, 1000)}
WHOLE = math.sqrt(2 / math.pi)  # mean absolute value of N(0, 1): the error of a predictor that knows nothing
KNOBS = {
    "shared": 0.4,
    "unique": {"a": 0.3, "b": 0.0, "c": 0.1},
    "noise": {"a": 1.0, "b": 2.0, "c": 0.5},
    "signal": {"a": 1.5, "b": 3.0, "c": 0.7},
}


def make(modalities=3, **changes):
    return make_linear_process(modalities, **({"shared": 0.5, "unique": None, "noise": 1.0, "signal": 3.0} | changes))


def sample(process, count, seed=3, width=4):
    axes = [torch.eye(width, dtype=torch.float64)[:2]] * len(process.names)
    return draw_latents(process, axes, count, torch.Generator().manual_seed(seed))


def error_of_regression(fit_on, tried_on, modalities):
    """Mean absolute error of least squares on the joined inputs or latents (lists of [N, D]) of ``modalities``."""
    (x, y), (x_new, y_new) = fit_on, tried_on
    joined = [torch.cat([values[m] for m in modalities], 1).double().numpy() for values in (x, x_new)]
    predicted = LinearRegression().fit(joined[0], y.double().numpy()).predict(joined[1])
    return abs(predicted - y_new.double().numpy()).mean()


def probe(data, modalities):
    """Test error of a linear regression on the joined inputs of ``modalities``."""
    train, test = data.train, data.test
    return error_of_regression((train.inputs, train.labels), (test.inputs, test.labels), modalities)


@pytest.mark.parametrize("knobs", [KNOBS, {}, {"shared": 0.0, "unique": 0.2}, {"signal": 0.5}])
def test_the_limit_is_that_of_least_squares_on_many_draws(knobs):
    """For jointly Gaussian variables least squares is the best predictor; the standard error here is below 0.002."""
    process = make(**knobs)
    fit_on, tried_on = sample(process, 100_000, seed=1), sample(process, 100_000, seed=2)
    stated = bayes_error(process)
    assert len(stated) == 7
    for subset, limit in stated.items():
        found = error_of_regression(fit_on, tried_on, [process.names.index(m) for m in subset])
        assert found == pytest.approx(limit, abs=0.005), subset


def test_the_limit_at_the_ends_of_the_knobs():
    assert all(v == pytest.approx(WHOLE) for v in bayes_error(make(signal=0)).values())
    assert all(v == pytest.approx(WHOLE) for v in bayes_error(make(shared=0.0, unique=0.0)).values())
    certain = bayes_error(make(shared=0.36, unique={"a": 0.64, "b": 0.0, "c": 0.0}, signal=1e3, noise=1e-3))
    assert certain["a",] == pytest.approx(0, abs=1e-5)
    assert certain["b",] == pytest.approx(WHOLE * 0.8) and certain["b", "c"] == pytest.approx(WHOLE * 0.8)


def test_more_modalities_never_raise_the_limit_and_only_signal_to_noise_counts():
    limits, louder = bayes_error(make(6)), bayes_error(make(6, signal=30.0, noise=10.0))
    assert len(limits) == 63 and limits == pytest.approx(louder)
    for small, large in itertools.product(limits, limits):
        if set(small) < set(large):
            assert limits[large] < limits[small]


def test_targets_have_variance_one_and_the_parts_their_shares():
    process = make(**KNOBS | {"noise": 1e-3, "signal": 1.0})
    latents, y = sample(process, 50_000)
    assert y.mean() == pytest.approx(0, abs=0.02) and y.var() == pytest.approx(1, abs=0.03)
    parts = [latents[0][:, 0], *(h[:, 1] for h in latents)]  # s, then every u_m, as there is hardly any noise
    shares = [torch.corrcoef(torch.stack([part, y]))[0, 1].square().item() for part in parts]
    assert shares == pytest.approx([0.4, 0.3, 0.0, 0.1], abs=0.02)
    assert all(torch.allclose(h[:, 0], latents[0][:, 0], atol=0.02) for h in latents), "s is in every modality"
    assert torch.corrcoef(torch.stack(parts)).triu(1).abs().max() < 0.02
    assert process.rest == pytest.approx(0.2)


def test_shapes_names_and_splits():
    data = load("synthetic_regression", modalities=4, samples=[30, 20, 10])
    assert data.shapes == {m: (100,) for m in "abcd"}
    assert [len(split) for split in data.splits.values()] == [30, 20, 10]
    assert (data.name, data.task, data.classes, data.num_classes) == ("synthetic_regression", "regression", (), 1)
    assert all(x.dtype == torch.float32 for x in (*data.train.inputs.values(), data.train.labels))
    assert len(data.bayes_error) == 15 and data.bayes_accuracy is None


def test_same_seed_same_data_other_seed_other_data_and_no_global_randomness():
    torch.manual_seed(1)
    first = load("synthetic_regression", **SMALL)
    state = torch.get_rng_state()
    second, third = load("synthetic_regression", **SMALL), load("synthetic_regression", seed=1, **SMALL)
    assert torch.equal(state, torch.get_rng_state())
    assert first.fingerprint() == second.fingerprint() and first.bayes_error == second.bayes_error == third.bayes_error
    for split in ("train", "test"):
        assert not torch.allclose(first.splits[split].labels, third.splits[split].labels)
        assert not torch.allclose(first.splits[split].inputs["a"], third.splits[split].inputs["a"])


def test_what_is_learned_on_train_holds_on_test_up_to_the_limit():
    """1,000 rows for 100 or 200 coefficients cost up to a tenth of the error; the standard error is 0.01."""
    data = load("synthetic_regression", **SMALL)
    for subset, limit in data.bayes_error.items():
        assert 0.95 * limit < probe(data, subset) < 1.2 * limit


def test_shared_and_unique_decide_which_modality_informs():
    data = load("synthetic_regression", shared=0.0, unique={"a": 0.9, "b": 0.1}, **SMALL)
    assert probe(data, "a") < 0.5 < 0.7 < probe(data, "b")


def test_depth_makes_the_target_harder_to_read_and_keeps_the_limit():
    shallow, deep = (load("synthetic_regression", depth={"a": d, "b": 0}, **SMALL) for d in (0, 6))
    assert torch.equal(deep.train.inputs["b"], shallow.train.inputs["b"])
    assert torch.equal(deep.train.labels, shallow.train.labels) and deep.bayes_error == shallow.bayes_error
    assert probe(deep, "a") > probe(shallow, "a") + 0.05


def test_scale_changes_only_the_size_of_its_modality_and_train_is_standardised():
    plain, small = (load("synthetic_regression", scale={"a": s, "b": 1}, depth=2, **SMALL) for s in (1.0, 0.5))
    assert torch.allclose(small.test.inputs["a"], 0.5 * plain.test.inputs["a"])
    assert torch.equal(small.test.inputs["b"], plain.test.inputs["b"])
    assert torch.allclose(plain.train.inputs["a"].std(0, correction=0), torch.ones(100), rtol=1e-4)


def test_a_knob_leaves_the_draws_that_it_does_not_concern_as_they_were():
    few, many = (load("synthetic_regression", samples=(n, 20, 30)) for n in (50, 80))
    assert torch.equal(few.test.labels, many.test.labels)
    quiet, loud = (load("synthetic_regression", noise={"a": n, "b": 1.0}, **SMALL) for n in (1.0, 2.0))
    assert torch.equal(quiet.train.inputs["b"], loud.train.inputs["b"])


def test_unique_left_out_shares_evenly_what_remains():
    left_out = load("synthetic_regression", shared=0.4, **SMALL)
    assert left_out.fingerprint() == load("synthetic_regression", shared=0.4, unique=0.3, **SMALL).fingerprint()


def test_which_data_sets_have_real_targets_is_known_without_loading_them():
    for name in ("synthetic", "synthetic_regression"):
        assert (load(name, samples=(4, 4, 4)).task == "regression") == is_regression(name, {})
    assert is_regression("cmu_mosi", {"task": "regression"}) and not is_regression("cmu_mosi", {"task": "seven"})


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"modalities": 1}, "modalities"),
        ({"modalities": 7}, "modalities"),
        ({"shared": -0.1}, "shared"),
        ({"shared": float("nan")}, "shared"),
        ({"unique": -0.1}, "unique"),
        ({"shared": 0.6, "unique": 0.3}, r"shared \+ unique of each modality must be at most 1, got 1.2 \(0.6 \+ 0.3 "),
        ({"unique": {"a": 0.1}}, "lacks b"),
        ({"noise": 0}, "noise"),
        ({"signal": -1}, "signal"),
        ({"scale": 0}, "scale"),
        ({"depth": 1.5}, "depth"),
        ({"samples": (10, 0, 10)}, "samples of valid"),
        ({"seed": -1}, "seed"),
        ({"classes": 3}, "unknown option of synthetic_regression 'classes'"),
    ],
)
def test_bad_values_raise(options, word):
    with pytest.raises((ValueError, TypeError), match=word):
        load("synthetic_regression", **options)
