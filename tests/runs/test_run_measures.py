"""The measures by name: what each asks for, and which of them look at the fused network."""

import pytest
import torch

from mmlib.data import load
from mmlib.measures import (
    MEASURES,
    NEED_FUSION,
    Trained,
    competition_of,
    depth_performance,
    depth_probes,
    depth_prototypes,
    error_groups,
    gradient_share,
    masked_accuracy,
    shapley_values,
    weak_channels,
)
from mmlib.measures.competition import RIDGE_PENALTY, _halves
from mmlib.methods import METHODS, Ensemble, Joint, Unimodal
from mmlib.models import build_model
from mmlib.runs import RunSpec, get_or_run

DATA = load("synthetic", classes=3, samples=(60, 40, 50), seed=1)
ONE_EACH = {"a", "b"}
GROUPS = {"group_share", "group_accuracy"}
READOUTS = {
    "depth_probe": depth_probes,
    "depth_prototype": depth_prototypes,
    "depth_performance": depth_performance,
    "weak_channels": weak_channels,
}
BY_DEPTH = {*READOUTS, "gradient_share"}
EXPECTED = (
    {name: ONE_EACH for name in MEASURES}
    | {"masked_accuracy": {"a", "b", "a+b"}}
    | {name: {"a", "b", "a+b", "none"} for name in GROUPS}
    | {name: {"a/1", "b/1"} for name in BY_DEPTH}
)


def network(seed, depth=1):
    torch.manual_seed(seed)
    model = build_model(DATA.shapes, DATA.num_classes, width=6, depth=depth)
    draw_fusion(model, seed)
    return model


def draw_fusion(model, seed):
    """Large weights, so that the network tells classes apart although it is not trained."""
    torch.manual_seed(seed)
    for parameter in model.fusion.parameters():
        torch.nn.init.normal_(parameter)


def concept(modality):
    method = Unimodal(network(5), modality).eval()
    torch.nn.init.normal_(method.head.weight)  # large too, so that each of the groups has rows
    return method


def trained(dep=DATA.valid, held=DATA.test, change=lambda model: None):
    model = network(0)
    change(model)
    return Trained(Joint(model).eval(), DATA, dep, held, concept)


@pytest.mark.parametrize("name", MEASURES)
def test_each_gives_one_number_per_modality_subset_group_or_block(name):
    values = MEASURES[name](trained())
    assert set(values) == EXPECTED[name]
    assert all(isinstance(value, float) for value in values.values())


@pytest.mark.parametrize("name", sorted(MEASURES.keys() - GROUPS))
def test_those_that_need_the_fusion_are_those_that_change_with_it(name):
    changed = MEASURES[name](trained()) != MEASURES[name](trained(change=lambda model: draw_fusion(model, 1)))
    # Competition strength looks at the features that go into the fusion's last map: for concat, at the encoders alone.
    assert changed == (name in NEED_FUSION - {"competition"})


def test_the_names_that_need_the_fusion_exist_and_some_method_trains_none():
    assert NEED_FUSION < set(MEASURES)
    assert {name for name, method in METHODS.items() if not method.trains_fusion} == {"unimodal", "ensemble"}


def decided(method):
    return method.predict(DATA.test.inputs).argmax(1)


def ensemble():
    method = Ensemble(network(0)).eval()
    torch.nn.init.zeros_(method.model.fusion.head.weight)  # so that the fused network decides something else
    return method


@pytest.mark.parametrize("build", [ensemble, lambda: Joint(network(0)), lambda: Unimodal(network(0), "b")])
def test_the_groups_are_of_what_the_method_itself_decides(build):
    method = build()
    direct = error_groups(decided(method), {m: decided(concept(m)) for m in DATA.modalities}, DATA.test.labels)
    t = Trained(method, DATA, DATA.valid, DATA.test, concept)
    assert MEASURES["group_share"](t) == direct.share
    assert MEASURES["group_accuracy"](t) == direct.accuracy


def test_the_groups_are_of_the_networks_trained_alone_and_of_no_other():
    of_joint, of_ensemble = (Trained(m, DATA, None, DATA.test, concept) for m in (Joint(network(0)), ensemble()))
    assert MEASURES["group_share"](of_joint) == MEASURES["group_share"](of_ensemble)
    assert MEASURES["group_accuracy"](of_joint) != MEASURES["group_accuracy"](of_ensemble)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_be_asked_for_its_groups(method):
    options = {"modality": "a"} if method == "unimodal" else {}
    RunSpec("synthetic", method, method_options=options, measures=sorted(GROUPS), track=sorted(GROUPS))


@pytest.mark.parametrize("name", MEASURES)
def test_the_rows_measured_are_the_held_ones(name):
    assert MEASURES[name](trained(held=DATA.test)) != MEASURES[name](trained(held=DATA.valid, dep=DATA.test))


def test_masked_accuracies_are_named_by_their_subset():
    t = trained()
    direct = masked_accuracy(t.method.model, DATA.test)
    assert MEASURES["masked_accuracy"](t) == {"+".join(subset): value for subset, value in direct.items()}


def test_depths_are_counted_from_1_for_each_modality():
    t = Trained(Joint(network(0, depth={"a": 3, "b": 2})), DATA, DATA.valid, DATA.test, concept)
    shares = gradient_share(t.method.model, DATA.test)
    assert list(MEASURES["gradient_share"](t)) == ["a/1", "a/2", "a/3", "b/1", "b/2"]
    assert MEASURES["gradient_share"](t) == {f"{m}/{d + 1}": v for m in shares for d, v in enumerate(shares[m])}
    for name, readout in READOUTS.items():
        direct = {m: readout(t.method.model, m, DATA.train, DATA.test) for m in ("a", "b")}
        assert MEASURES[name](t) == {f"{m}/{d + 1}": v for m in direct for d, v in enumerate(direct[m])}


def test_a_run_measures_and_tracks_every_block(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path))
    small = {"data_options": {"samples": [60, 40, 40], "classes": 3}, "model_options": {"width": 4, "depth": 2}}
    names = sorted(BY_DEPTH)
    run = get_or_run(
        RunSpec("synthetic", "joint", seeds=(0,), training={"epochs": 2}, measures=names, track=names, **small), "cpu"
    )
    keys = {f"{m}/{d}" for m in ("a", "b") for d in (1, 2)}
    measured, course = run.table(), run.history()
    for name in names:
        assert set(measured[measured["measure"] == name]["modality"]) == keys
        tracked = course[course["name"].str.startswith(f"{name}/")]
        assert set(tracked["name"]) == {f"{name}/{key}" for key in keys}
        assert sorted(tracked["epoch"]) == [0] * 4 + [1] * 4


def test_the_majority_of_shapley_is_that_of_the_training_rows():
    t = trained()
    of_train = shapley_values(t.method.model, DATA.test, majority=DATA.train.labels)
    assert MEASURES["shapley"](t) == of_train
    assert of_train != shapley_values(t.method.model, DATA.test), "the two majorities differ in this data"


def test_competition_is_fitted_beside_the_rows_it_is_measured_on():
    def direct(dep, held):
        joint = network(0).eval()
        return {m: competition_of(joint, concept(m), dep, held, RIDGE_PENALTY) for m in DATA.modalities}

    assert MEASURES["competition"](trained(dep=DATA.valid)) == direct(DATA.valid, DATA.test)
    assert MEASURES["competition"](trained(dep=None)) == direct(*_halves(DATA.test))


def test_the_halves_are_all_rows_once():
    first, second = _halves(DATA.test)
    assert len(first) == len(second) == 25
    for m in DATA.modalities:
        both = torch.cat([first.inputs[m], second.inputs[m]])
        assert sorted(both.tolist()) == sorted(DATA.test.inputs[m].tolist())
    counts = [torch.bincount(half.labels, minlength=DATA.num_classes) for half in (first, second)]
    assert (counts[0] - counts[1]).abs().max() <= 1  # every class in equal parts
