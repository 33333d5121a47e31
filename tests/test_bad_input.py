"""Wrong input from end to end: every kind is answered in one clear sentence and leaves nothing half-written.

One table, a line a case, through the public interface. What single modules do with further wrong input is tested
beside them: test_runs.py, test_training.py, data/test_data_synthetic.py, models/test_encoders.py, measures/.
"""

import hashlib
import json
import math
from inspect import signature

import numpy as np
import pytest
import torch

from data_prep.__main__ import main as data_prep
from mmlib import paths
from mmlib.__main__ import main as mmlib
from mmlib.data import DATASETS, MultimodalData, Split, load
from mmlib.device import resolve_device
from mmlib.methods import METHODS, Joint
from mmlib.models import FUSIONS, build_encoder, build_model
from mmlib.records.origin.parameters import known_parameters
from mmlib.runs import RunSpec, get_or_run
from mmlib.training import evaluate, fit, predict

NAN = math.nan
TINY = {"samples": (30, 12, 12), "classes": 3}
ROWS = 6


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    """Folders of our own for data and results, both empty."""
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    return tmp_path


def data(**changes):
    return load("synthetic", **(TINY | changes))


def real_data():
    return load("synthetic_regression", samples=TINY["samples"])


def model(**changes):
    return build_model({"a": (100,), "b": (100,)}, 3, **({"width": 4, "depth": 1} | changes))


def method(name, **options):
    return METHODS[name](model(), **({"modality": "a"} if name == "unimodal" else {}) | options)


def run(**changes):
    fields = {"data": "synthetic", "method": "joint", "profile": "smoke", "data_options": TINY}
    return get_or_run(RunSpec(**(fields | changes)), device="cpu")


def train(**changes):
    return fit(Joint(model()), data(), **({"epochs": 1, "device": "cpu"} | changes))


def split(value=0.0, label=0, rows=ROWS, **more):
    inputs = {m: torch.full((rows, 100), value) for m in "ab"} | more
    return Split(inputs, torch.full((rows,), label))


def step(name, labels=None, **changes):
    """One training step on zeros; a modality set to None is left out."""
    inputs = {m: x for m, x in ({m: torch.zeros(ROWS, 100) for m in "ab"} | changes).items() if x is not None}
    trained = method(name)
    labels = torch.zeros(ROWS, dtype=torch.long) if labels is None else labels
    return trained.step(inputs, labels, torch.optim.SGD(trained.parameters(), lr=0.1))


def files(folder):
    # A lock is an empty file that says nothing about a result.
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file() and f.suffix != ".lock")


def assert_refused(scratch, call, words):
    before = files(scratch)
    with pytest.raises((ValueError, TypeError, FileNotFoundError), match=words) as caught:
        call()
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence[-1] in ".?" or "run  python -m" in sentence
    assert files(scratch) == before


UNKNOWN = {
    "data": (lambda: load("mnist"), "unknown data set 'mnist': expected one of synthetic, synthetic_regression, "),
    "data of a run": (lambda: run(data="uci_digit"), "unknown data set 'uci_digit'.*Did you mean 'uci_digits'"),
    "method": (lambda: run(method="agmm"), "unknown method 'agmm'.*Did you mean 'agm'"),
    "fusion": (lambda: model(fusion="conact"), "unknown fusion 'conact'.*Did you mean 'concat'"),
    "fusion of a run": (lambda: run(model_options={"fusion": "gatde"}), "unknown fusion 'gatde'.*mean 'gated'"),
    "encoder": (lambda: model(encoder="mpl"), "unknown encoder 'mpl'.*Did you mean 'mlp'"),
    "encoder of a run": (lambda: run(model="conv1"), "unknown model 'conv1'.*Did you mean 'conv1d'"),
    "measure": (lambda: run(measures=["prob"]), "unknown measure 'prob'.*Did you mean 'probe'"),
    "profile": (lambda: run(profile="fast"), "unknown profile 'fast': expected one of smoke, quick, full"),
    "parameter of data": (lambda: load("uci_digits", veiws=["fac"]), "unknown option of uci_digits 'veiws'.*'views'"),
    "parameter of data in a run": (
        lambda: run(data_options={"clases": 3}),
        "unknown option of synthetic 'clases'.*Did you mean 'classes'",
    ),
    "view": (lambda: load("uci_digits", views=["fac", "fax"]), "unknown view of uci_digits 'fax'"),
    "parameter of a method": (
        lambda: run(method="agm", method_options={"alhpa": 1.0}),
        "unknown option of method 'agm' 'alhpa'.*Did you mean 'alpha'",
    ),
    "parameter of a method without any": (
        lambda: run(method_options={"alpha": 1.0}),
        "method 'joint' takes no options, got 'alpha'",
    ),
    "parameter of a model": (lambda: model(wide=3), "unknown option of encoder 'mlp' 'wide'.*Did you mean 'width'"),
    "parameter of training": (lambda: run(training={"epoch": 1}), "unknown option of training 'epoch'.*'epochs'"),
    "optimizer": (lambda: train(optimizer="sdg"), "unknown optimizer 'sdg'.*Did you mean 'sgd'"),
    "device": (lambda: train(device="gpu"), "unknown device 'gpu': expected auto, cpu, cuda or cuda:N"),
    "device that is not there": (lambda: resolve_device("cuda:99"), "device 'cuda:99' asked for, but PyTorch sees"),
    "strategy of MCR in a run": (
        lambda: run(method="mcr", method_options={"strategy": "gredy"}),
        "unknown strategy 'gredy': expected one of greedy, independent, collaborative. Did you mean 'greedy'",
    ),
    "modality of Unimodal": (lambda: method("unimodal", modality="c"), "unknown modality 'c': expected one of a, b"),
}
WRONG_FORM = {
    "method option that is left out": (lambda: run(method="unimodal"), "'unimodal' needs the option 'modality'"),
    "seeds that are no list": (lambda: run(seeds=3), "seeds must be a list, got 3"),
    "measures that are one text": (lambda: run(measures="probe"), "measures must be a list, got 'probe'"),
    "options that are no dict": (lambda: run(training=3), "training must be a dict of options, got 3"),
    "a seed in two places": (lambda: run(data_options={"seed": 1}), "data_options must not hold 'seed'"),
    "a text for a number": (lambda: method("agm", alpha="1"), "alpha must be a number, got '1'"),
    "a text for a flag": (lambda: method("ogm_ge", noise="no"), "noise must be True or False, got 'no'"),
    "a text for another flag": (lambda: method("unimodal", through_fusion="no"), "through_fusion must be True or"),
    "a measure of classes for targets": (
        lambda: run(data="synthetic_regression", data_options={}, measures=["probe"]),
        "measure 'probe' is for class labels, and those of 'synthetic_regression' are real targets",
    ),
    "a method of classes for targets": (
        lambda: run(data="synthetic_regression", data_options={}, method="agm"),
        "method 'agm' looks at the true class, .*take another method, such as 'joint'",
    ),
    "a split for data": (lambda: fit(Joint(model()), split(), epochs=1), "fit trains on the MultimodalData"),
    "a model for a method": (lambda: fit(model(), data(), epochs=1), "fit trains a Method such as Joint"),
    "views that are one text": (lambda: load("uci_digits", views="fac"), "views must be a list of names"),
    "one modality": (lambda: build_model({"a": (3,)}, 2), "ConcatFusion takes 2 to 6 modalities, got 1"),
}
BATCHES = {
    "lacks a modality": ({"b": None}, r"\['a', 'b'\], got \['a'\] \(missing \['b'\]"),
    "has an unknown modality": ({"c": torch.zeros(ROWS, 2)}, r"unknown \['c'\]"),
    "unequal batch sizes": ({"b": torch.zeros(2, 100)}, "must have the same number of rows, got {'a': 6, 'b': 2}"),
    "unequal numbers of labels": ({"labels": torch.zeros(3, dtype=torch.long)}, r"labels must be \[6\]"),
    "label too large": ({"labels": torch.full((ROWS,), 3)}, "labels run from 3 to 3; with 3 classes they must"),
    "label negative": ({"labels": torch.full((ROWS,), -1)}, "labels run from -1 to -1"),
    "label that torch ignores": ({"labels": torch.full((ROWS,), -100)}, "labels run from -100 to -100"),
    "labels that are no class numbers": ({"labels": torch.zeros(ROWS)}, "labels must be class numbers"),
}
DATA = {
    "NaN": (lambda: split(NAN), "modality 'a' holds NaN or infinite values"),
    "infinity": (lambda: split(math.inf), "modality 'a' holds NaN or infinite values"),
    "one NaN among many": (
        lambda: split(b=torch.where(torch.arange(600.0) == 77, NAN, 0.0).reshape(6, 100)),
        "modality 'b' holds NaN",
    ),
    "unequal rows": (lambda: split(b=torch.zeros(2, 100)), "modality 'b' has 2 rows, the labels have 6"),
    "a scalar": (lambda: split(b=torch.tensor(1.0)), "modality 'b' has 0 rows"),
    "arrays that are no tensors": (lambda: split(b=np.zeros((ROWS, 100))), "'b' must be a tensor, got ndarray"),
    "labels that are a list": (lambda: Split({"a": torch.zeros(2, 1)}, [0, 1]), "'labels' must be a tensor, got list"),
    "labels of another type": (lambda: Split({"a": torch.zeros(2, 1)}, torch.zeros(2).int()), "LongTensor"),
    "a target that is NaN": (lambda: Split({"a": torch.zeros(2, 1)}, torch.tensor([0, NAN])), "labels hold NaN or"),
    "targets beside class numbers": (
        lambda: MultimodalData("x", split(), split(), split(label=0.5), "pqr"),
        "test split of 'x' are torch.float32, those of train torch.int64",
    ),
    "targets with classes": (
        lambda: MultimodalData("x", *[split(label=0.5)] * 3, "pqr"),
        "train split of 'x' are real targets",
    ),
    "class numbers without classes": (lambda: MultimodalData("x", *[split()] * 3, ()), "classes must name them"),
    "training classes on targets": (
        lambda: fit(Joint(model()), real_data(), epochs=1),
        "real targets are floating and need a network with num_classes=1, this one has 3",
    ),
    "evaluating classes on targets": (lambda: evaluate(Joint(model()), real_data().test), "num_classes=1"),
    "no modality": (lambda: Split({}, torch.zeros(2, dtype=torch.long)), "at least one modality"),
    "label too large": (lambda: MultimodalData("x", split(), split(label=3), split(), "pqr"), "valid .* from 3 to 3"),
    "label negative": (lambda: MultimodalData("x", split(label=-1), split(), split(), "pqr"), "train .* from -1 to -1"),
    "an empty split": (lambda: MultimodalData("x", split(), split(), split(rows=0), "pqr"), "test split .* is empty"),
    "a modality missing in a split": (
        lambda: MultimodalData("x", split(), split(), Split({"a": torch.zeros(2, 100)}, torch.zeros(2).long()), "pqr"),
        "the test split of 'x' has",
    ),
    "predicting without a modality": (
        lambda: predict(Joint(model()), Split({"a": torch.zeros(2, 100)}, torch.zeros(2).long())),
        r"missing \['b'\]",
    ),
    "evaluating labels out of range": (lambda: evaluate(Joint(model()), split(label=7)), "labels run from 7 to 7"),
    "evaluating no rows": (lambda: evaluate(Joint(model()), split(rows=0)), "at least one row, the split has none"),
    "training on other modalities": (
        lambda: fit(Joint(model()), data(modalities=3), epochs=1),
        r"the model reads \['a', 'b'\], data 'synthetic' has \['a', 'b', 'c'\]",
    ),
}


@pytest.mark.parametrize(("call", "words"), UNKNOWN.values(), ids=UNKNOWN)
def test_unknown(scratch, call, words):
    assert_refused(scratch, call, words)


@pytest.mark.parametrize(("call", "words"), WRONG_FORM.values(), ids=WRONG_FORM)
def test_wrong_form(scratch, call, words):
    assert_refused(scratch, call, words)


@pytest.mark.parametrize(("call", "words"), DATA.values(), ids=DATA)
def test_wrong_data(scratch, call, words):
    assert_refused(scratch, call, words)


@pytest.mark.parametrize(("changes", "words"), BATCHES.values(), ids=BATCHES)
@pytest.mark.parametrize("name", METHODS)
def test_wrong_batches_of_every_method(scratch, name, changes, words):
    assert_refused(scratch, lambda: step(name, **changes), words)


@pytest.mark.parametrize("fusion", [*FUSIONS, "maxout"])
def test_every_fusion_refuses_a_batch_without_a_modality(scratch, fusion):
    assert_refused(scratch, lambda: model(fusion=fusion)({"a": torch.zeros(ROWS, 100)}), r"missing \['b'\]")


def numeric(function):
    """Names of the parameters of ``function`` that take a number, by their annotations."""
    return [name for name, p in signature(function).parameters.items() if {"int", "float"} & words_of(p.annotation)]


def words_of(annotation):
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return set(text.replace("|", " ").replace("[", " ").replace("]", " ").replace(",", " ").split())


METHOD_NUMBERS = [(name, option) for name in METHODS for option in numeric(METHODS[name])]
SYNTHETIC_NUMBERS = [
    (name, option) for name in ("synthetic", "synthetic_regression") for option in numeric(DATASETS[name])
]
TRAINING_NUMBERS = [name for name in numeric(fit) if name != "on_epoch"]  # a function, which is given numbers


def test_the_numbers_are_found_by_their_annotations():
    assert ("agm", "theta") in METHOD_NUMBERS and ("ogm_ge", "modulation_end") in METHOD_NUMBERS
    assert {("synthetic", "samples"), ("synthetic", "unique")} < set(SYNTHETIC_NUMBERS)
    assert {("synthetic_regression", "noise"), ("synthetic_regression", "seed")} < set(SYNTHETIC_NUMBERS)
    assert TRAINING_NUMBERS == ["epochs", "batch_size", "lr", "seed", "weight_decay", "checkpoint_every"]


@pytest.mark.parametrize("bad", [-1, NAN])
@pytest.mark.parametrize(("name", "option"), METHOD_NUMBERS)
def test_negative_and_nan_hyper_parameters_of_every_method(scratch, name, option, bad):
    assert_refused(scratch, lambda: method(name, **{option: bad}), f"^{option} must be .*, got {bad}")
    assert_refused(
        scratch, lambda: run(method=name, method_options={option: bad}), rf"{option}('\])? (must be|is).*{bad}"
    )


@pytest.mark.parametrize("bad", [-1, NAN])
@pytest.mark.parametrize("option", TRAINING_NUMBERS)
def test_negative_and_nan_settings_of_training(scratch, option, bad):
    assert_refused(scratch, lambda: train(checkpoint=scratch / "c.pt", **{option: bad}), f"^{option} must be .*{bad}")


@pytest.mark.parametrize("bad", [-1, NAN])
@pytest.mark.parametrize("option", ["width", "depth", "dropout"])
def test_negative_and_nan_settings_of_a_network(scratch, option, bad):
    assert_refused(scratch, lambda: build_encoder("mlp", (4,), **{option: bad}), f"^{option} must be .*, got {bad}")


@pytest.mark.parametrize("bad", [-1, NAN])
@pytest.mark.parametrize(("name", "option"), SYNTHETIC_NUMBERS)
def test_negative_and_nan_knobs_of_data(scratch, name, option, bad):
    value = (30, bad, 12) if option == "samples" else bad
    assert_refused(scratch, lambda: load(name, **{option: value}), f"^{option}.* must be .*, got {bad}")


@pytest.mark.parametrize("bad", [-1, NAN])
def test_negative_and_nan_hop(scratch, bad):
    assert_refused(scratch, lambda: load("smartwatch", hop=bad), f"^hop must be .*, got {bad}")


@pytest.mark.parametrize("name", ["uci_digits", "smartwatch"])
def test_a_missing_prepared_file(scratch, name):
    assert_refused(scratch, lambda: load(name), f"{name} is not prepared .*run  python -m data_prep {name}")
    assert_refused(scratch, lambda: run(data=name, data_options={}), f"run  python -m data_prep {name}")


def prepare(folder, name):
    """Whole files as data_prep would leave them, as far as a reader sees before it looks inside."""
    folder.mkdir()
    content = bytes(range(256)) * 40
    (folder / f"{name}.npz").write_bytes(content)
    about = {"npz_sha256": hashlib.sha256(content).hexdigest(), "classes": ["0", "1"]}
    (folder / f"{name}.json").write_text(json.dumps(about))


@pytest.mark.parametrize("damage", ["truncated", "emptied", "one bit", "manifest", "no arrays inside"])
@pytest.mark.parametrize("name", ["uci_digits", "smartwatch"])
def test_a_damaged_prepared_file(scratch, name, damage):
    prepare(scratch / "data", name)
    file = scratch / "data" / (f"{name}.json" if damage == "manifest" else f"{name}.npz")
    content = bytearray(file.read_bytes())
    content[-1] ^= damage == "one bit"
    kept = {"truncated": 5000, "emptied": 0, "manifest": 20}.get(damage, len(content))
    file.write_bytes(content[:kept])
    why = {"manifest": "it is not JSON", "no arrays inside": "it is not an npz file"}.get(damage, "its sha256 is")
    sentence = f"{file.name} is damaged .{why}.*: make it again with  python -m data_prep {name}"
    with pytest.raises(ValueError, match=sentence) as caught:
        load(name)
    assert "\n" not in str(caught.value)


NOTEBOOKS = sorted(file.stem for file in paths.NOTEBOOKS.glob("*.ipynb"))
COMMANDS = {
    "notebook": (mmlib, ["notebook", "12_amg"], "unknown notebook '12_amg'.*Did you mean '12_agm'"),
    "notebook's parameter": (mmlib, ["notebook", "12_agm", "-p", "alhpa", "1"], "12_agm 'alhpa'.*mean 'alpha'"),
    "parameter twice": (mmlib, ["notebook", "12_agm", "-p", "alpha", "1", "-p", "alpha", "2"], "given twice"),
    "NaN for a notebook": (mmlib, ["notebook", "12_agm", "-p", "alpha", "NaN"], r"parameters\['alpha'\] is nan"),
    "time limit": (mmlib, ["notebook", "12_agm", "--timeout", "-1"], "timeout must be at least 1, got -1"),
    "data set": (data_prep, ["all", "uci_digit"], "unknown data set 'uci_digit'.*Did you mean 'uci_digits'"),
}


@pytest.mark.parametrize(("command", "arguments", "words"), COMMANDS.values(), ids=COMMANDS)
def test_wrong_commands(scratch, capsys, command, arguments, words):
    assert_command_refused(scratch, capsys, command, arguments, words)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_papermill_parameter_that_does_not_exist(scratch, capsys, name):
    known = ", ".join(known_parameters(paths.NOTEBOOKS / f"{name}.ipynb"))
    words = f"unknown parameter of notebook {name} 'no_such': expected one of {known}"
    assert_command_refused(scratch, capsys, mmlib, ["notebook", name, "-p", "no_such", "1"], words)


def assert_command_refused(scratch, capsys, command, arguments, words):
    assert command(arguments) == 2
    out, error = capsys.readouterr()
    assert out == "" and error.count("\n") == 1
    with pytest.raises(ValueError, match=words):
        raise ValueError(error)
    assert list(scratch.iterdir()) == []
