import numpy as np
import pytest
import torch

from mmlib.data import Split
from mmlib.measures import competition_of, competition_strength
from mmlib.methods import Joint, Unimodal
from mmlib.models import build_model


@pytest.fixture
def check():
    """The rows of the worked example: (z_dep, y_dep, z_eval, y_eval)."""
    i = np.arange(1, 21)
    z = np.stack([np.sin(i), np.cos(i)], axis=1)
    y = np.stack([np.sin(i) + 0.1 * i, np.cos(2 * i)], axis=1)
    return z[:12], y[:12], z[12:], y[12:]


@pytest.mark.parametrize(("penalty", "expected"), [(1.0, 1.573224), (120.0, 2.112001)])
def test_the_worked_example(check, penalty, expected):
    assert competition_strength(*check, penalty=penalty) == pytest.approx(expected, abs=2e-6)
    tensors = [torch.from_numpy(x) for x in check]
    assert competition_strength(*tensors, penalty=penalty) == pytest.approx(expected, abs=2e-6)


def test_the_default_penalty_is_the_released_programs(check):
    assert competition_strength(*check) == competition_strength(*check, penalty=120.0)


def test_it_is_the_closed_form(check):
    z, y, z_eval, y_eval = check
    weight = np.linalg.solve((z - z.mean(0)).T @ (z - z.mean(0)) + 7 * np.eye(2), (z - z.mean(0)).T @ (y - y.mean(0)))
    residual = (z_eval - z.mean(0)) @ weight + y.mean(0) - y_eval
    spread = 8 * (y_eval - y_eval.mean(0)).T @ (y_eval - y_eval.mean(0)) / 7
    expected = np.trace(np.linalg.inv(spread) @ residual.T @ residual) / 2
    assert competition_strength(*check, penalty=7.0) == pytest.approx(expected, rel=1e-12)


def drawn(rows, columns, seed):
    return np.random.default_rng(seed).normal(size=(rows, columns))


def test_a_linear_function_of_the_fused_features_has_no_competition():
    z, z_eval, weight = drawn(200, 6, 0), drawn(100, 6, 1), drawn(6, 4, 2)
    assert competition_strength(z, z @ weight + 3, z_eval, z_eval @ weight + 3, penalty=1e-8) < 1e-12


def test_independent_noise_is_no_better_than_the_mean():
    y, y_eval = drawn(4000, 5, 0), drawn(4000, 5, 1)
    d = competition_strength(drawn(4000, 3, 2), y, drawn(4000, 3, 3), y_eval, penalty=1e9)
    assert d == pytest.approx(1, abs=0.01)


def test_more_noise_in_the_way_is_stronger_competition():
    z, z_eval, weight = drawn(500, 6, 0), drawn(500, 6, 1), drawn(6, 4, 2)
    values = [
        competition_strength(z, z @ weight + s * drawn(500, 4, 3), z_eval, z_eval @ weight + s * drawn(500, 4, 4), 1.0)
        for s in (0.1, 1.0, 10.0)
    ]
    assert values == sorted(values) and values[0] < 0.1 < 0.5 < values[2]


def test_invariances_the_docstring_states():
    rng = np.random.default_rng(0)
    z, z_eval = rng.normal(size=(60, 5)), rng.normal(size=(40, 5))
    mix = rng.normal(size=(5, 3))
    y, y_eval = np.tanh(z @ mix), np.tanh(z_eval @ mix)
    d = competition_strength(z, y, z_eval, y_eval)
    affine = rng.normal(size=(3, 3))
    rotation = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    order, order_eval = rng.permutation(60), rng.permutation(40)
    for same in (
        (z, y @ affine + 4, z_eval, y_eval @ affine + 4),
        (z @ rotation - 2, y, z_eval @ rotation - 2, y_eval),
        (z[order], y[order], z_eval[order_eval], y_eval[order_eval]),
    ):
        assert competition_strength(*same) == pytest.approx(d, rel=1e-9)
    assert competition_strength(2 * z, y, 2 * z_eval, y_eval) < d


def test_dead_features_add_nothing_to_the_trace_and_count_in_its_mean(check):
    z, y, z_eval, y_eval = check
    d = competition_strength(*check)

    def with_dead(x):
        return np.hstack([x, np.zeros((len(x), 1)), np.full((len(x), 1), 0.1)])

    assert competition_strength(z, with_dead(y), z_eval, with_dead(y_eval)) == pytest.approx(d / 2, rel=1e-9)


def test_rounding_of_float32_features_is_not_a_direction():
    # 3 sources in 32 columns: 29 directions hold nothing but rounding.
    generator = torch.Generator().manual_seed(0)
    z, z_eval = torch.randn(500, 3, generator=generator), torch.randn(500, 3, generator=generator)
    weight = torch.randn(3, 32, generator=generator)
    y, y_eval = z @ weight + 50, z_eval @ weight + 50
    assert competition_strength(z, y, z_eval, y_eval, penalty=1e-6) < 1e-9


def test_wrong_shapes_and_values_are_named(check):
    z, y, z_eval, y_eval = check
    with pytest.raises(ValueError, match="z_dep has 12 rows, y_dep has 11"):
        competition_strength(z, y[1:], z_eval, y_eval)
    with pytest.raises(ValueError, match="y_dep has 1 columns, y_eval has 2"):
        competition_strength(z, y[:, :1], z_eval, y_eval)
    with pytest.raises(ValueError, match="z_dep has 2 columns, z_eval has 1"):
        competition_strength(z, y, z_eval[:, :1], y_eval)
    with pytest.raises(ValueError, match="z_eval must be .* N >= 2"):
        competition_strength(z, y, z_eval[:1], y_eval[:1])
    with pytest.raises(ValueError, match="y_dep must be"):
        competition_strength(z, y[:, 0], z_eval, y_eval[:, 0])
    with pytest.raises(ValueError, match="y_dep holds NaN"):
        competition_strength(z, np.where(y > 1, np.nan, y), z_eval, y_eval)
    with pytest.raises(ValueError, match="the same in every row"):
        competition_strength(z, y, z_eval, np.full_like(y_eval, 0.1))
    with pytest.raises(ValueError, match="penalty must be a finite number >= 0"):
        competition_strength(*check, penalty=-1.0)


def test_one_column_is_enough(check):
    z, y, z_eval, y_eval = (x[:, :1] for x in check)
    assert np.isfinite(competition_strength(z, y, z_eval, y_eval))


def rows(n, seed):
    generator = torch.Generator().manual_seed(seed)
    inputs = {m: torch.randn(n, 10, generator=generator) for m in ("a", "b")}
    return Split(inputs, torch.randint(10, (n,), generator=generator))


@pytest.mark.parametrize("fusion", ["concat", "maxout"])
def test_networks_are_measured_by_their_fused_and_penultimate_features(fusion):
    torch.manual_seed(0)
    model, other = (build_model({"a": (10,), "b": (10,)}, 10, fusion=fusion, width=8).eval() for _ in range(2))
    concept = Unimodal(other, "b", through_fusion=fusion == "maxout").eval()
    dep, held = rows(1100, 0), rows(50, 1)
    with torch.no_grad():
        z, z_held = (model.fusion.fused(model.encode(s.inputs)) for s in (dep, held))
        y, y_held = (concept.penultimate(s.inputs) for s in (dep, held))
    expected = competition_strength(z, y, z_held, y_held, penalty=30.0)
    assert competition_of(model, concept, dep, held, penalty=30.0) == pytest.approx(expected, rel=1e-4)


def test_a_joint_network_that_dropped_a_modality_shows_it():
    torch.manual_seed(0)
    other = build_model({"a": (10,), "b": (10,)}, 10, width=8)
    half = build_model({"a": (10,), "b": (10,)}, 10, width=8)
    half.encoders["a"].load_state_dict(other.encoders["a"].state_dict())
    for p in half.encoders["b"].parameters():
        p.data.zero_()
    dep, held = rows(2000, 0), rows(2000, 1)
    kept, lost = (competition_of(half, Unimodal(other, m), dep, held, penalty=1e-6) for m in ("a", "b"))
    assert kept < 1e-4
    assert lost > 0.9 * alive(other.encoders["b"], held.inputs["b"])


def test_networks_that_cannot_be_compared_are_refused():
    model = build_model({"a": (10,), "b": (10,)}, 10, width=8)
    dep, held = rows(20, 0), rows(20, 1)
    with pytest.raises(TypeError, match="must be a Unimodal method, got Joint"):
        competition_of(model, Joint(build_model({"a": (10,), "b": (10,)}, 10, width=8)), dep, held)
    with pytest.raises(ValueError, match="a network of its own"):
        competition_of(model, Unimodal(model, "a"), dep, held)
    other = Unimodal(build_model({"a": (10,), "b": (10,)}, 10, width=8), "a")
    with pytest.raises(ValueError, match="missing \\['b'\\]"):
        competition_of(model, other, dep, Split({"a": held.inputs["a"]}, held.labels))


def alive(encoder, x):
    """Share of the features that vary."""
    with torch.no_grad():
        return (encoder(x).std(0) > 0).double().mean().item()
