"""mmlib.records.code.reach: what code can change the numbers of which run."""

import pytest

from mmlib.records.code import imported
from mmlib.records.code.imported import code_version
from mmlib.records.code.reach import imported_names, reached
from mmlib.runs import RunSpec
from mmlib.runs.fingerprint import made_from

SUITE = {
    "p": b"from p.a import A\nfrom p.b import B\nMETHODS = {}\n",
    "p.a": b"from p.tools import helper\nclass A: pass\n",
    "p.b": b"import p.far\nfrom p import METHODS\nclass B: pass\n",
    "p.tools": b"def helper():\n    from p.late import thing\n",
    "p.late": b"thing = 1\n",
    "p.far": b"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.late import thing\n",
    "q": b"from p import A\nfrom elsewhere import B\n",
    "q.r": b"from q import A\n",
}


def names(*starts, apart=()):
    return list(reached(starts, SUITE.get, apart))


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("p.late", ["p.late"]),
        ("p.tools", ["p.late", "p.tools"]),  # an import inside a function counts
        ("p.b", ["p.b", "p.far"]),  # a list of alternatives and what is for type checkers do not
        ("q", ["p.a", "p.late", "p.tools", "q"]),  # through a face only to where the name comes from
        ("q.r", ["p.a", "p.late", "p.tools", "q.r"]),  # through two faces
    ],
)
def test_what_is_reached(start, expected):
    assert names(start) == expected


def test_what_is_left_out_leads_nowhere():
    assert names("p.a", "p.b", apart=["p.tools"]) == ["p.a", "p.b", "p.far"]


def test_circles_end():
    assert list(reached(["a"], {"a": b"import b", "b": b"import a"}.get)) == ["a", "b"]


def test_a_start_that_is_no_module_is_refused():
    with pytest.raises(ValueError, match="'p.c' is not a module of this project"):
        names("p.c")


def test_half_written_code_imports_nothing():
    assert imported_names(b"import (") == ()


RUNS = {
    "joint": RunSpec("synthetic", "joint"),
    "joint, probe": RunSpec("synthetic", "joint", measures=("probe",)),
    "joint, depth": RunSpec("synthetic", "joint", measures=("depth_performance",)),
    "agm": RunSpec("synthetic", "agm"),
    "mcr": RunSpec("synthetic", "mcr"),
    "aim": RunSpec("synthetic", "aim"),
    "conv": RunSpec("av_digits", "joint"),
}
EDITS = {
    "a comment in AIM": ("mmlib.methods.aim.method", b"# a comment\n", set()),
    "AGM": ("mmlib.methods.agm", b"X = 1\n", {"agm"}),
    "MCR's game": ("mmlib.methods.mcr.game", b"X = 1\n", {"mcr"}),
    "AIM's performance": ("mmlib.methods.aim.performance", b"X = 1\n", {"aim", "joint, depth"}),
    "the Shapley value": ("mmlib.coalitions.shapley", b"X = 1\n", {"agm"}),
    "the probe": ("mmlib.measures.probes", b"X = 1\n", {"joint, probe", "joint, depth"}),
    "unimodal training": ("mmlib.methods.unimodal", b"X = 1\n", {"joint, probe", "joint, depth"}),
    "convolutions": ("mmlib.models.conv", b"X = 1\n", {"conv"}),
    "spoken digits": ("mmlib.data.av_digits", b"X = 1\n", {"conv"}),
    "words on spoken digits": ("mmlib.data.av_digits", b"CARD = {'size': 'many'}\nRECIPE: object = None\n", set()),
    "the usual optimiser": ("mmlib.data.recipe", b"X = 1\n", set()),
    "the loop": ("mmlib.training.loop", b"X = 1\n", set(RUNS)),
    "one thread": ("mmlib.runs.threads", b"X = 1\n", set(RUNS)),
    "checkpoints": ("mmlib.training.checkpoint", b"X = 1\n", set()),
    "a new method": ("mmlib.methods.another", b"from mmlib.methods.base import Method\n", set()),
    "the list of methods": ("mmlib.methods", b"METHODS['another'] = Joint\n", set()),
}


def versions():
    imported._reached.cache_clear()
    return {name: made_from(spec.as_dict())["code"] for name, spec in RUNS.items()}


@pytest.mark.parametrize("edit", EDITS)
def test_a_run_is_renamed_by_what_can_change_its_numbers_and_by_nothing_else(edit, monkeypatch):
    monkeypatch.setattr("mmlib.runs.fingerprint.require_unchanged", lambda starts: None)
    before = versions()
    module, added, renamed = EDITS[edit]
    monkeypatch.setitem(imported._imported, module, imported._imported.get(module, b"") + added)
    after = versions()
    imported._reached.cache_clear()
    assert {name for name in RUNS if before[name] != after[name]} == renamed


def test_code_of_the_users_may_use_any_module():
    assert code_version(imported.all_modules()) != code_version({"mmlib.runs.compute"})
