"""Runs: named by content, computed once, resumed to the bit, and never read when damaged."""

import json

import pandas as pd
import pytest
from toys import SMALL, small_spec

from mmlib import runs
from mmlib.data import load
from mmlib.measures import MEASURES
from mmlib.methods import METHODS
from mmlib.runs import RunDamaged, RunSpec, get_or_run, history, table
from mmlib.runs import compute as run_job
from mmlib.training import evaluate


def spec(method: str = "joint", **changes) -> RunSpec:
    return small_spec(method, **({"training": {"epochs": 4}, "seeds": (0, 1)} | changes))


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path))
    return tmp_path


def test_a_run_leaves_its_five_kinds_of_file():
    run = get_or_run(spec())
    assert {f.name for f in run.spec.folder.iterdir()} == {
        "spec.json", "history.csv", "environment.json", "checkpoint-0.pt", "checkpoint-1.pt", "metrics.json",
    }  # fmt: skip
    assert json.loads((run.spec.folder / "spec.json").read_text())["method"] == "joint"
    assert {"seconds", "device"} <= set(run.metrics["provenance"])


def test_tables_are_tidy():
    frame = table([spec(measures=("probe",)), spec("agm", method_options={"alpha": 0.5})])
    assert {"data", "method", "model", "profile", "seed", "measure", "modality", "value", "method.alpha"} <= set(frame)
    accuracy = frame[frame["measure"] == "accuracy"]
    assert accuracy.groupby("method")["seed"].nunique().to_dict() == {"joint": 2, "agm": 2}
    assert set(frame[frame["measure"] == "probe"]["modality"]) == {"a", "b"}
    assert set(frame[frame["method"] == "agm"]["method.alpha"]) == {0.5}


def test_history_has_every_epoch_and_what_is_tracked():
    course = history([spec("agm", track=("response_accuracy", "competition"))])
    assert sorted(course["epoch"].unique()) == [0, 1, 2, 3]
    assert {"loss", "kappa/a", "valid/accuracy", "response_accuracy/b", "competition/a"} <= set(course["name"])


def test_a_finished_run_is_read_and_not_computed_again(monkeypatch):
    get_or_run(spec())
    monkeypatch.setattr(runs, "compute", lambda *_: pytest.fail("computed again"))
    get_or_run(spec())


def test_any_change_of_the_spec_is_another_run():
    others = [
        spec(seeds=(0,)), spec("agm"), spec(training={"epochs": 5}), spec(data_options={"classes": 4}),
        spec(model_options={"fusion": "sum"}), spec(measures=("probe",)), spec(profile="quick"),
    ]  # fmt: skip
    assert len({s.hash for s in [spec(), *others]}) == 8
    assert spec().hash == spec().hash


def test_other_code_is_another_run(monkeypatch):
    before = spec().hash
    monkeypatch.setattr("mmlib.runs.fingerprint.code_version", lambda starts: "other")
    assert spec().hash != before


def test_defaults_come_from_recipe_and_profile():
    smoke, quick = (RunSpec(data="uci_digits", method="joint", profile=p) for p in ("smoke", "quick"))
    assert smoke.training["epochs"] < quick.training["epochs"] and len(smoke.seeds) < len(quick.seeds)
    assert smoke.training["lr"] == quick.training["lr"]


@pytest.mark.parametrize("name", ["metrics.json", "history.csv"])
def test_a_damaged_result_is_named_and_not_used(name):
    path = get_or_run(spec()).spec.folder / name
    content = bytearray(path.read_bytes())
    position = content.rindex(b"0.")
    content[position + 2] = ord("1") if content[position + 2] != ord("1") else ord("2")
    path.write_bytes(content)
    with pytest.raises(RunDamaged, match=f"{name} is damaged: delete"):
        get_or_run(spec())


def test_a_truncated_metrics_file_is_named():
    path = get_or_run(spec()).spec.folder / "metrics.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(RunDamaged, match="metrics.json is damaged"):
        get_or_run(spec())


def test_a_damaged_checkpoint_of_a_finished_run_is_named():
    run = get_or_run(spec())
    path = run.spec.folder / "checkpoint-0.pt"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(RunDamaged, match="checkpoint-0.pt is damaged: delete"):
        run.method(0)
    path.unlink()
    with pytest.raises(RunDamaged, match="checkpoint-0.pt is damaged: delete"):
        run.method(0)


def test_the_trained_method_can_be_had_back():
    run = get_or_run(spec())
    data = load("synthetic", seed=1, **SMALL["data_options"])
    recorded = run.table().query("measure == 'accuracy' and seed == 1")["value"].item()
    assert evaluate(run.method(1), data.test)["accuracy"] == recorded
    with pytest.raises(ValueError, match="unknown seed 7"):
        run.method(7)


def test_the_test_split_is_read_after_training_only(monkeypatch):
    order = []
    fit, measure = run_job.fit, run_job.measure
    monkeypatch.setattr(run_job, "fit", lambda *a, **k: order.append("fit") or fit(*a, **k))
    monkeypatch.setattr(run_job, "measure", lambda *a, **k: order.append("measure") or measure(*a, **k))
    get_or_run(spec(seeds=(0,)))
    assert order == ["fit", "measure"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": "mnist"}, "unknown data set 'mnist'"),
        ({"method": "agmm"}, "unknown method 'agmm'.*Did you mean 'agm'"),
        ({"profile": "fast"}, "unknown profile 'fast'"),
        ({"model": "vgg"}, "unknown model 'vgg'"),
        (
            {"method": "agm", "method_options": {"alfa": 1}},
            "unknown option of method 'agm' 'alfa'.*Did you mean 'alpha'",
        ),
        ({"training": {"epoch": 3}}, "unknown option of training 'epoch'"),
        ({"training": {"optimizer": "rmsprop"}}, "unknown optimizer 'rmsprop'"),
        ({"model_options": {"wide": 3}}, "unknown option of encoder 'mlp' 'wide'"),
        ({"model_options": {"fusion": "conact"}}, "unknown fusion 'conact'"),
        ({"data_options": {"views": ["fac"]}}, "unknown option of synthetic 'views'"),
        ({"measures": ("probes",)}, "unknown measure 'probes'"),
        ({"method": "ensemble", "measures": ("competition",)}, "method 'ensemble' does not train"),
        ({"training": {"lr": float("nan")}}, "lr must be"),
        ({"training": {"lr": -1}}, "lr must be"),
        ({"method": "agm", "method_options": {"alpha": float("nan")}}, "method_options.*nan"),
        ({"seeds": ()}, "at least one"),
        ({"seeds": (1, 1)}, "different whole numbers"),
        ({"seeds": (-1,)}, "seed must be at least 0"),
        ({"seeds": (0.5,)}, "seed must be a whole number"),
    ],
)
def test_bad_specs_are_refused_at_once(changes, message):
    with pytest.raises((ValueError, TypeError), match=message):
        spec(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_options": {"width": 0}}, "width must be at least 1"),
        ({"method": "agm", "method_options": {"alpha": -1.0}}, "alpha must be"),
    ],
)
def test_bad_values_stop_before_anything_is_trained(changes, message):
    bad = spec(**changes)
    with pytest.raises(ValueError, match=message):
        get_or_run(bad)
    assert not bad.folder.exists() or not [f for f in bad.folder.iterdir() if f.name != "spec.json"]


def test_an_empty_table_is_an_error():
    with pytest.raises(ValueError, match="at least one RunSpec"):
        table([])


def test_the_concept_of_an_early_fusion_goes_through_the_fusion():
    late, early = spec(), spec(model_options={"fusion": "maxout"})
    assert run_job.concept_spec(late, "a").method_options == {"modality": "a"}
    assert run_job.concept_spec(early, "a").method_options == {"modality": "a", "through_fusion": True}


def test_table_values_are_numbers():
    assert pd.api.types.is_float_dtype(table([spec()])["value"])


def regression(method: str = "joint", **changes) -> RunSpec:
    return spec(method, **({"data": "synthetic_regression", "data_options": {"samples": [120, 60, 60]}} | changes))


@pytest.mark.parametrize("method", ["joint", "ensemble"])
def test_a_run_on_real_targets_records_the_error(method):
    run = get_or_run(regression(method))
    frame = run.table()
    assert set(frame["measure"]) == {"mae", "valid_mae", "best_epoch"}
    course = run.history().query("name == 'valid/mae'")
    for seed in (0, 1):
        errors = course[course["seed"] == seed]["value"].to_list()
        of_seed = frame[frame["seed"] == seed].set_index("measure")["value"]
        assert of_seed["valid_mae"] == min(errors) and of_seed["best_epoch"] == errors.index(min(errors))
        data = load("synthetic_regression", seed=seed, samples=[120, 60, 60])
        assert evaluate(run.method(seed), data.test)["mae"] == of_seed["mae"]


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("field", ["measures", "track"])
def test_measures_of_classes_are_refused_for_real_targets(name, field):
    with pytest.raises(ValueError, match=f"measure '{name}' is for class labels, .* real targets: leave it out"):
        regression(**{field: (name,)})


def test_methods_that_look_at_the_true_class_are_refused_for_real_targets():
    for name, method in METHODS.items():
        options = {"method_options": {"modality": "a"}} if name == "unimodal" else {}
        if method.takes_regression:
            assert regression(name, **options).method == name
        else:
            with pytest.raises(ValueError, match=f"method '{name}' looks at the true class, .* such as 'joint'"):
                regression(name, **options)


def test_a_task_with_real_targets_is_a_regression_too():
    assert RunSpec("cmu_mosi", "agm").data == "cmu_mosi"
    with pytest.raises(ValueError, match="real targets"):
        RunSpec("cmu_mosi", "agm", data_options={"task": "regression"})


def test_each_modality_may_have_its_own_encoder():
    different = spec(model={"a": "mlp", "b": "conv1d"})
    assert RunSpec.from_dict(different.as_dict()) == different != spec()
    with pytest.raises(ValueError, match="unknown model 'mpl'.*Did you mean 'mlp'"):
        spec(model={"a": "mpl", "b": "mlp"})
    same = spec(model={"b": "mlp", "a": "mlp"}, model_options={"width": {"a": 8, "b": 4}, "depth": {"b": 2}})
    [(model, width)] = set(table([same])[["model", "model.width"]].itertuples(index=False))
    assert model == "mlp" and width == '{"a": 8, "b": 4}'


def test_the_order_in_which_things_are_named_changes_no_table():
    options = {"measures": ("probe", "masked_accuracy"), "track": ("probe", "response_accuracy"), "seeds": (1, 0)}
    sizes = {"width": {"b": 4, "a": 8}, "depth": 2}
    first = spec(**options, model_options=sizes)
    turned = {name: listed[::-1] for name, listed in options.items()}
    other = spec(**turned, model_options={"depth": 2, "width": {"a": 8, "b": 4}}, model={"b": "mlp", "a": "mlp"})
    assert first.hash == other.hash and first.measures == other.measures == ("masked_accuracy", "probe")
    for read in (table, history):
        pd.testing.assert_frame_equal(read([first]), read([other]))
    columns = [list(table(specs)) for specs in ([first, spec("agm")], [spec("agm"), first])]
    first_four, options, last = columns[0][:4], columns[0][4:-4], columns[0][-4:]
    assert first_four == ["data", "method", "model", "profile"] and last == ["seed", "measure", "modality", "value"]
    assert columns[0] == columns[1] and options == sorted(options) and {"data.samples", "method.cap"} < set(options)
    assert '{"a": 8, "b": 4}' in set(table([first])["model.width"])


@pytest.mark.parametrize("model", [{"a": "mlp"}, {"a": "mlp", "c": "mlp"}, {"a": "mlp", "b": "mlp", "c": "mlp"}])
def test_a_model_that_names_other_modalities_than_the_data_have_is_refused_though_its_run_is_there(model):
    get_or_run(spec(seeds=(0,)))
    with pytest.raises(ValueError, match="model names encoders for a.*, and 'synthetic' has a, b: name one for each"):
        get_or_run(spec(seeds=(0,), model=model))
