"""What a run's name depends on besides mmlib's files: ways of writing a spec, the user's own code, data, threads."""

import json
import pickle
import shutil
from functools import partial
from unittest.mock import Mock

import pytest
import torch
from toys import small_spec as spec

from mmlib import runs, training
from mmlib.data import DATASETS, load
from mmlib.measures import MEASURES, probes
from mmlib.methods import METHODS, Joint, agm
from mmlib.models import MLP, MaxOut
from mmlib.records.code.imported import CodeChanged
from mmlib.records.code.own import own_code
from mmlib.records.files import write_json
from mmlib.records.sealed import opened, sealed
from mmlib.runs import Run, RunDamaged, compute, fingerprint, get_or_run
from mmlib.runs import spec as run_spec
from mmlib.runs.fingerprint import DataChanged
from mmlib.runs.recipes import RECIPES


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path / "results"))
    return tmp_path / "results"


@pytest.mark.parametrize(
    "written",
    [
        {"model_options": {"width": 8, "depth": 2, "dropout": 0.0}},
        {"model_options": {"width": 8, "depth": 2, "dropout": 0}},
        {"model_options": {"width": 8, "depth": 2, "norm": "none", "fusion": "concat"}},
        {"data_options": {"samples": [120, 60, 60], "classes": 3, "modalities": 2, "noise": 1}},
        {"data_options": {"samples": (120, 60, 60), "classes": 3}},
        {"training": {"epochs": 2, "weight_decay": 0, "batch_size": 64}},
        {"method": "agm", "method_options": {"alpha": 1.5, "modulation_start": 0, "theta": None}},
        {"method": "agm", "method_options": {"cap": 1}},
        {"seeds": [0]},
        {"model": {"a": "mlp", "b": "mlp"}},
    ],
    ids=str,
)
def test_two_ways_of_writing_a_spec_are_one_run(written):
    other, plain = spec(**written), spec(written.get("method", "joint"))
    assert other == plain and hash(other) == hash(plain) and other.hash == plain.hash


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"measures": ("probe", "shapley")}, {"measures": ("shapley", "probe")}),
        ({"track": ("probe", "shapley")}, {"track": ("shapley", "probe")}),
        ({"seeds": (0, 1)}, {"seeds": (1, 0)}),
        ({"model": {"a": "mlp", "b": "conv1d"}}, {"model": {"b": "conv1d", "a": "mlp"}}),
    ],
    ids=str,
)
def test_another_order_is_the_same_run(one, other):
    assert spec(**one) == spec(**other) and spec(**one).hash == spec(**other).hash != spec().hash


def test_measures_of_ones_own_may_be_registered_in_any_order(monkeypatch):
    names = []
    for order in (("first", "second"), ("second", "first")):
        monkeypatch.setattr(run_spec, "MEASURES", {})
        for name in order:
            monkeypatch.setitem(run_spec.MEASURES, name, MEASURES["probe"])
        monkeypatch.setattr(fingerprint, "MEASURES", run_spec.MEASURES)
        names.append(spec(measures=("first", "second")).hash)
    assert names[0] == names[1]


def test_a_value_that_is_not_the_default_is_another_run():
    names = {spec(model_options={"width": 8, "depth": 2, "dropout": p}).hash for p in (0.0, 0.5, 0.25)}
    assert len(names) == 3


def test_an_encoders_option_for_one_modality_is_a_float_too():
    by_modality = [spec(model_options={"dropout": {"a": p}}).hash for p in (1, 1.0)]
    assert by_modality[0] == by_modality[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_options": {"widht": 3}}, "unknown option of encoder 'mlp' 'widht'.*mean 'width'"),
        ({"model_options": {"widht": {"a": 3}}}, "unknown option of encoder 'mlp' 'widht'"),
        ({"model": {"a": "mlp", "b": "conv1d"}, "model_options": {"dropout": 0.1}}, "unknown option of encoder"),
        ({"model": {}}, "model must name an encoder"),
        ({"data_options": {"sampels": [1, 1, 1]}}, "unknown option of synthetic 'sampels'"),
        ({"training": {"epoch": 3}}, "unknown option of training 'epoch'"),
        ({"measures": ("probe", "probe")}, r"measures must hold .* different entries, got \['probe', 'probe'\]"),
        ({"track": ["probe", "probe"]}, "track must hold .* different entries"),
    ],
    ids=str,
)
def test_what_no_part_knows_and_what_is_named_twice_is_refused_when_the_spec_is_made(changes, message):
    with pytest.raises(ValueError, match=message):
        spec(**changes)


def own_method(strength: float, extra: float = 0.0):
    def scaled(x):
        return strength * x + extra

    class Mine(Joint):
        def loss(self, inputs, labels):
            loss, logs = super().loss(inputs, labels)
            return scaled(loss), logs

    return Mine


def test_a_class_that_was_redefined_is_another_run_and_the_same_text_is_the_same(monkeypatch):
    names = []
    for kind in (own_method(1.0), own_method(2.0), own_method(1.0), own_method(1.0, extra=1.0)):
        monkeypatch.setitem(METHODS, "mine", kind)
        names.append(spec("mine").hash)
    assert names[0] == names[2] and len(set(names)) == 3


def test_a_class_redefined_after_a_spec_was_named_is_not_computed_under_that_name(monkeypatch):
    monkeypatch.setitem(METHODS, "mine", own_method(1.0))
    named = spec("mine")
    assert named.hash
    monkeypatch.setitem(METHODS, "mine", own_method(2.0))
    with pytest.raises(CodeChanged, match="your own code that the run .* uses has changed"):
        get_or_run(named)
    assert not Run(named).done


def test_own_code_is_found_wherever_a_spec_can_name_it(monkeypatch):
    before = spec(measures=("probe",)).hash
    monkeypatch.setitem(MEASURES, "probe", lambda trained: {"a": 0.0})
    assert spec(measures=("probe",)).hash != before
    assert spec().hash != before


def test_a_method_of_mmlib_that_was_replaced_here_is_other_code(monkeypatch):
    before = spec().hash
    monkeypatch.setattr(Joint, "loss", lambda self, inputs, labels: None)
    assert spec().hash != before
    assert own_code([METHODS["mcr"]]) is None


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (agm, "score"), (MLP, "forward"), (MLP, "pool"), (MaxOut, "forward"), (training.loop, "_batches"),
        (compute, "measure"), (probes, "_probe"),
    ],
    ids=lambda part: getattr(part, "__name__", part),
)  # fmt: skip
def test_functions_and_methods_of_mmlib_that_were_replaced_are_other_code(target, name, monkeypatch):
    before = spec("agm").hash
    monkeypatch.setattr(target, name, lambda *arguments: None)
    assert spec("agm").hash != before


def test_an_own_optimiser_is_own_code(monkeypatch):
    names = []
    for momentum in (0.1, 0.2):
        monkeypatch.setitem(training.OPTIMIZERS, "mine", partial(own_optimizer, momentum=momentum))
        names.append(spec(training={"optimizer": "mine"}).hash)
    assert names[0] != names[1]


def own_optimizer(parameters, lr, weight_decay, momentum):
    return torch.optim.SGD(parameters, lr, momentum=momentum, weight_decay=weight_decay)


def test_an_own_data_set_is_named_by_what_it_gives(monkeypatch, tmp_path):
    file = tmp_path / "scale.txt"

    def own(seed=0):
        data = load("synthetic", samples=[60, 30, 30], seed=seed)
        for split in data.splits.values():
            split.inputs["a"].mul_(float(file.read_text()))
        return data

    monkeypatch.setitem(DATASETS, "own", own)
    monkeypatch.setitem(RECIPES, "own", RECIPES["synthetic"])
    names = []
    for scale in ("1", "2", "1"):
        file.write_text(scale)
        named = spec(data="own", data_options={})
        names.append(named.hash)
    assert names[0] == names[2] != names[1]
    file.write_text("3")
    with pytest.raises(DataChanged):
        get_or_run(named)


def test_a_spec_that_was_changed_after_it_was_named_is_refused():
    whole = get_or_run(spec("agm"))
    changed = spec("agm")
    assert changed.hash == whole.spec.hash
    changed.method_options["alpha"] = 9.0
    with pytest.raises(ValueError, match="has other options now: a spec cannot be changed"):
        get_or_run(changed)


def test_a_run_whose_metrics_tell_of_another_spec_is_damaged():
    file = get_or_run(spec("agm")).spec.folder / "metrics.json"
    content = opened(json.loads(file.read_text()))
    content["spec"]["method_options"]["alpha"] = 9.0
    write_json(file, sealed(content))
    with pytest.raises(RunDamaged, match="metrics.json is damaged"):
        get_or_run(spec("agm"))


def test_a_checkpoint_of_another_seed_is_not_that_of_this_one():
    run = get_or_run(spec(seeds=(0, 1)))
    shutil.copyfile(run.spec.folder / "checkpoint-0.pt", run.spec.folder / "checkpoint-1.pt")
    with pytest.raises(RunDamaged, match="checkpoint-1.pt is damaged"):
        run.method(1)
    assert run.method(0)


def test_a_spec_names_itself_again_in_another_process():
    named = spec()
    assert "hash" not in pickle.loads(pickle.dumps(named)).__dict__ and named.hash
    assert pickle.loads(pickle.dumps(named)).hash == named.hash


def test_a_copied_folder_is_not_the_run_of_its_name(results):
    first, second = spec(), spec(training={"epochs": 3})
    get_or_run(first)
    shutil.copytree(first.folder, second.folder)
    with pytest.raises(RunDamaged, match=f"holds the run {first.hash} under another name.*rm -r"):
        get_or_run(second)


def test_data_that_were_prepared_again_meanwhile_do_not_go_under_the_old_name(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    manifest = tmp_path / "data" / "synthetic.json"  # a set that is made; what matters is that its manifest changes
    write_json(manifest, {"npz_sha256": "1", "credit": "x"})
    named = spec()
    assert named.hash
    write_json(manifest, {"npz_sha256": "2", "credit": "x"})
    with pytest.raises(DataChanged, match="'synthetic' was prepared again after the run"):
        get_or_run(named)
    fresh = spec()
    assert fresh.hash != named.hash
    write_json(manifest, {"npz_sha256": "2", "credit": "of other words, and converted by other code"})
    assert spec().hash == fresh.hash  # the arrays are the same

    def changed_while_it_loads(*arguments, **options):
        write_json(manifest, {"npz_sha256": "3", "credit": "x"})
        return load(*arguments, **options)

    # A Mock, as a function in its place would be own code.
    monkeypatch.setattr(compute, "load", Mock(side_effect=changed_while_it_loads))
    with pytest.raises(DataChanged):
        get_or_run(fresh)
    assert not Run(fresh).done


@pytest.mark.parametrize("method", ["joint", "mcr"])
def test_the_threads_of_the_caller_change_no_number_and_stay_his(method, monkeypatch, results):
    changes = {"data_options": {"samples": [400, 200, 200]}, "measures": ("probe", "depth_probe"), "model_options": {}}
    tables = []
    for threads in (1, 2):
        monkeypatch.setenv("MMLIB_RESULTS", str(results / str(threads)))
        torch.set_num_threads(threads)
        try:
            run = get_or_run(spec(method, **changes))
            assert torch.get_num_threads() == threads
        finally:
            torch.set_num_threads(1)
        assert run.metrics["provenance"]["threads"] == 1
        tables.append((run.metrics["records"], (run.spec.folder / "history.csv").read_bytes()))
    assert tables[0] == tables[1]


def test_a_finished_run_says_what_it_was_made_from():
    metrics = get_or_run(spec()).metrics
    assert metrics["run"] == spec().hash and metrics["made_from"] == spec().made_from
    assert runs.RunSpec.from_dict(metrics["spec"]) == spec()
