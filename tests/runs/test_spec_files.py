"""Spec files: a round trip gives equal specs, and what is not a spec is named with its file and entry."""

import errno
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mmlib.methods import METHODS
from mmlib.runs import RunSpec
from mmlib.runs.spec_files import read_specs, write_specs

LR = st.floats(0, 1e3) | st.integers(0, 10) | st.sampled_from([1e-3, 1e-5, 1e16, 1e22, 5e-324])
# What YAML 1.1, YAML 1.2 or both read as something else than a text.
TEXTS = "no|on|1e-3|1_0|1:30|010|0x1f|2026-11-21|~|null||<<|=|.inf|- a|é\n|\x85".split("|")
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(TEXTS) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(TEXTS) | st.text(), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@st.composite
def specs(draw):
    method = draw(st.sampled_from(sorted(METHODS)))
    options = {"modality": draw(st.sampled_from(["a", *TEXTS]))} if method == "unimodal" else {}
    if method == "agm" and draw(st.booleans()):
        options["alpha"] = draw(st.integers(0, 3) | st.floats(0, 3))
    return RunSpec(
        data="synthetic",
        method=method,
        seeds=draw(st.none() | st.lists(st.integers(0, 2**31), min_size=1, max_size=3, unique=True)),
        profile=draw(st.sampled_from(["smoke", "quick", "full"])),
        data_options=draw(st.fixed_dictionaries({}, optional={"samples": st.just((120, 60, 60)), "unique": VALUE})),
        method_options=options,
        # Any text may name a modality, as long as the data are not there.
        model_options=draw(st.fixed_dictionaries({}, optional={"width": VALUE, "dropout": VALUE})),
        training=draw(st.fixed_dictionaries({}, optional={"lr": LR, "epochs": st.integers(1, 9)})),
        measures=draw(st.sampled_from([(), ["probe"]])) if METHODS[method].trains_fusion else (),
    )


def numbers_of(value):
    """The types of all values too: 1 and 1.0 are equal and not the same."""
    if isinstance(value, dict):
        return {key: numbers_of(item) for key, item in value.items()}
    return [numbers_of(item) for item in value] if isinstance(value, (list, tuple)) else (type(value), value)


@pytest.mark.parametrize("ending", ["yaml", "json"])
@settings(max_examples=80, deadline=None)
@given(st.lists(specs(), min_size=1, max_size=3))
def test_a_round_trip_gives_equal_specs(tmp_path_factory, ending, written):
    path = tmp_path_factory.getbasetemp() / f"specs.{ending}"
    write_specs(path, written)
    read = read_specs(path)
    assert read == written and [s.hash for s in read] == [s.hash for s in written]
    assert [numbers_of(s.as_dict()) for s in read] == [numbers_of(s.as_dict()) for s in written]
    if ending != "json":  # other programs read YAML 1.1
        plain = yaml.safe_load(path.read_text())
        assert numbers_of(plain) == [numbers_of(s.as_dict()) for s in written]


def file(tmp_path, text, ending="yaml"):
    path = tmp_path / f"specs.{ending}"
    path.write_text(text)
    return path


def test_what_a_person_writes_in_yaml_is_read_as_meant(tmp_path):
    text = "data: synthetic\nmethod: unimodal\nmethod_options: {modality: no}\ntraining: {lr: 1e-3, weight_decay: 1}\n"
    (spec,) = read_specs(file(tmp_path, text + "seeds: [0, 10]\nmodel: ~\n"))
    assert spec.training["lr"] == 0.001 and spec.method_options["modality"] == "no"
    assert type(spec.training["weight_decay"]) is float and spec.seeds == (0, 10)
    assert spec == RunSpec("synthetic", "unimodal", seeds=[0, np.int64(10)], method_options={"modality": "no"},
                           training={"lr": 0.001, "weight_decay": 1.0})  # fmt: skip


def test_yaml_may_share_options_between_specs(tmp_path):
    text = "- &first {data: synthetic, method: joint, seeds: [3]}\n- {<<: *first, method: agm}\n"
    assert [(s.method, s.seeds) for s in read_specs(file(tmp_path, text))] == [("joint", (3,)), ("agm", (3,))]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{data: synthetic, method: joint, sedes: [1]}", "entry 1: unknown field of a RunSpec 'sedes'.*mean 'seeds'"),
        ("[{data: synthetic, method: joint}, {data: synthetic}]", "entry 2: a RunSpec needs the field 'method'"),
        ("[{}]", "entry 1: a RunSpec needs the field 'data', got no field"),
        ("[joint]", "entry 1: a RunSpec must be a dict of its fields, got 'joint'"),
        ("{data: synthetic, method: joint, seeds: 3}", "entry 1: seeds must be a list, got 3"),
        ("{data: synthetic, method: joint, seeds: ['1']}", "seed must be a whole number, got '1'"),
        ("{data: synthetic, method: joint, seeds: [yes]}", "seed must be a whole number, got 'yes'"),
        ("{data: synthetic, method: agm, method_options: 1}", "method_options must be a dict of options, got 1"),
        ("{data: synthetic, method: joint, training: {lr: '0.1'}}", "lr must be a number, got '0.1'"),
        ("{data: synthetic, method: joint, training: {lr: 010}}", "lr must be a number, got '010'"),
        ("{data: synthetic, method: joint, training: {lr: true}}", "lr must be a number, got True"),
        ("{data: synthetic, method: joint, profile: ''}", "unknown profile ''"),
        ("{data: synthetic, method: joint, model: ''}", "unknown model ''"),
        ("{data: [synthetic], method: joint}", r"unknown data set \['synthetic'\]"),
        ("{data: synthetic, method: joint, data: uci_digits}", "is not a yaml file of specs: 'data' is given twice"),
        ("{data: synthetic, method: joint, model_options: {1: 2}}", "unknown option of encoder 'mlp' 1"),
        ("{data: synthetic, method: joint, model_options: {width: {1: 2}}}", "keys of .*width.* must be texts, got 1"),
        ("{data: synthetic\nmethod: ", "specs.yaml is not a yaml file of specs: while parsing.*line 1"),
        ("{data: !!python/name:os.system x}", "is not a yaml file of specs: could not determine a constructor"),
        ("", "specs.yaml holds no spec: expected a dict"),
        ("[]", "specs.yaml holds no spec: expected a dict"),
    ],
)  # fmt: skip
def test_what_is_no_spec_is_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_specs(file(tmp_path, text))
    assert str(tmp_path / "specs.yaml") in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"data": "synthetic", "data": "x"}', "is not a json file of specs: 'data' is given twice"),
        ('[{"data": "synthetic"', "is not a json file of specs: .*line 1"),
        ('{"data": "synthetic", "method": "joint", "training": {"lr": NaN}}', "entry 1: lr must be .*nan"),
        ('{"data": "synthetic", "method": "joint", "model_options": {"width": Infinity}}', "model_options.*inf"),
    ],
)
def test_json_is_refused_alike(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_specs(file(tmp_path, text, "json"))


def test_files_that_are_not_there_or_of_another_kind_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file of specs .*none.yaml"):
        read_specs(tmp_path / "none.yaml")
    with pytest.raises(ValueError, match="end in .yaml, .yml or .json, got .*specs.txt"):
        read_specs(file(tmp_path, "", "txt"))
    with pytest.raises(ValueError, match="end in .yaml, .yml or .json, got .*specs.txt"):
        write_specs(tmp_path / "specs.txt", [])
    (tmp_path / "specs.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="specs.yaml is not a yaml file of specs"):
        read_specs(tmp_path / "specs.yaml")


DEEP = "[" * 3000 + "]" * 3000
ITSELF = "it refers to itself, or is nested more than 50 deep"
LAUGHS = "x: &a0 [1, 1]\n" + "".join(f"x{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 30))
MERGES = "x: &a0 {k: 1}\n" + "".join(f"x{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 30))


@pytest.mark.parametrize(
    ("ending", "text", "message"),
    [
        ("yaml", "&a [*a]", ITSELF),
        ("yaml", "&a {data: synthetic, method: joint, data_options: *a}", ITSELF),
        ("yaml", "- &a {data: synthetic, method: joint, training: {x: [*a]}}", ITSELF),
        ("yaml", "&a {<<: *a, data: synthetic, method: joint}", ITSELF),
        ("yaml", "{data: synthetic, method: joint, training: " + DEEP + "}", "it is nested too deeply|" + ITSELF),
        (
            "json",
            '{"data": "synthetic", "method": "joint", "training": ' + DEEP + "}",
            "it is nested too deeply|" + ITSELF,
        ),
        ("json", '{"data": "synthetic", "method": "joint", "training": ' + DEEP[2700:-2700] + "}", ITSELF),
        ("yaml", LAUGHS, "it unfolds to more than 1,000,000 entries"),
        ("yaml", MERGES, "it unfolds to more than 1,000,000 entries"),
    ],
    ids=["list", "dict", "options", "merge", "deep yaml", "deep json", "less deep json", "laughs", "merges"],
)
def test_what_refers_to_itself_or_never_ends_is_named(tmp_path, ending, text, message):
    start = time.monotonic()
    with pytest.raises(ValueError, match=f"specs.{ending} is not a {ending} file of specs: ({message})") as caught:
        read_specs(file(tmp_path, text, ending))
    assert "\n" not in str(caught.value) and time.monotonic() - start < 10


def test_aliases_are_read_where_they_end(tmp_path):
    text = "- {data: synthetic, method: agm, training: &t {lr: 0.1}}\n- {data: synthetic, method: mcr, training: *t}\n"
    assert [(spec.method, spec.training["lr"]) for spec in read_specs(file(tmp_path, text))] == [
        ("agm", 0.1),
        ("mcr", 0.1),
    ]


@pytest.mark.parametrize("why", [errno.EACCES, errno.EIO])
def test_a_file_that_cannot_be_read_is_named(tmp_path, monkeypatch, why):
    path = file(tmp_path, "{data: synthetic, method: joint}")

    def refuse(self, *_, **__):
        raise OSError(why, os.strerror(why), str(self))

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(ValueError, match=f"specs.yaml cannot be read .{os.strerror(why)}.: make it readable"):
        read_specs(path)


def test_specs_can_be_compared_and_kept_in_sets():
    one, same = (RunSpec("synthetic", "agm", method_options={"alpha": a}) for a in (1, 1.0))
    other = RunSpec("synthetic", "agm", method_options={"alpha": 2})
    assert one == same and hash(one) == hash(same) and one != other and one != one.as_dict()
    assert {one, same, other} == {one, other}
    whole, flag = (RunSpec("synthetic", "joint", model_options={"width": x}) for x in (1, True))
    assert whole != flag


def test_a_dict_of_fields_makes_the_same_spec():
    spec = RunSpec("synthetic", "agm", seeds=(4, 2), measures=["probe"])
    assert RunSpec.from_dict(spec.as_dict()) == spec
    assert RunSpec.from_dict(json.loads(json.dumps(spec.as_dict()))).hash == spec.hash
