"""A set is converted again when its own code changes: not for a comment, and not for another set's converter."""

import pytest

from data_prep import reach
from data_prep.sources import RAW, SOURCES

CONVERT = "data_prep.release.convert"


@pytest.fixture
def change(monkeypatch):
    """change(module, line): as if ``line`` stood at the end of the module's file; with docstring=True, in its first."""
    on_disk = reach.source_of
    edits = {}

    def source_of(module):
        source = on_disk(module)
        return edits[module](source) if module in edits else source

    def make(module, line="CHANGED = 1", docstring=False):
        text = line.encode()
        edits[module] = lambda source: source.replace(b'"""', b'"""' + text, 1) if docstring else source + b"\n" + text
        assert source_of(module) != on_disk(module)

    monkeypatch.setattr(reach, "source_of", source_of)
    return make


def all_codes():
    return {name: reach.code_of(name) for name in SOURCES} | {name: reach.code_of(name, CONVERT) for name in RAW}


AFFECT = {"cmu_mosei", "cmu_mosi", "ur_funny"}
SOUND = {"ave", "crema_d", "kinetics_sounds"}
MOTION = {"something_something", "ucf101"}


@pytest.mark.parametrize(
    ("module", "changed"),
    [
        ("data_prep.sets.emoji", {"emoji"}),
        ("data_prep.sets._emoji_bases", {"emoji"}),
        ("data_prep.sets.something_something", {"something_something"}),
        ("data_prep.sets._multibench_splits", AFFECT),
        ("data_prep.unpack.pickles", {*AFFECT, "smartwatch"}),
        ("data_prep.unpack.wheels", {*SOURCES}),
        ("data_prep.decode.speech", {"av_digits"}),
        ("data_prep.decode.audio", SOUND),
        ("data_prep.decode.flow", MOTION),
        ("data_prep.decode.video", {*SOUND, *MOTION}),
        ("data_prep.release.lists", {*SOUND, *MOTION, "av_mnist"}),
        ("data_prep.release.rows", {*RAW}),
        (CONVERT, {*RAW}),
    ],
)
def test_a_change_converts_the_sets_that_reach_it_and_no_other(change, module, changed):
    before = all_codes()
    change(module)
    assert {name for name, code in all_codes().items() if code != before[name]} == changed


@pytest.mark.parametrize(("line", "docstring"), [("# a comment", False), ("Other words. ", True), ("\n\n", False)])
def test_a_comment_a_docstring_and_blank_lines_convert_nothing(change, line, docstring):
    before = all_codes()
    for module in ("data_prep.sets.emoji", "data_prep.sets.something_something", "data_prep.decode.video", CONVERT):
        change(module, line, docstring)
    assert all_codes() == before


@pytest.mark.parametrize(
    "module", ["errors", "processes", "lock", "download", "fetch", "__main__", "release.prepare", "release.publish"]
)
def test_what_only_fetches_locks_and_prints_converts_nothing(change, module):
    before = all_codes()
    change(f"data_prep.{module}")
    assert all_codes() == before


def test_a_helper_that_a_converter_begins_to_use_is_its_code_too(change):
    change("data_prep.sets.emoji", "from data_prep.decode import flow")
    before = reach.code_of("emoji")
    change("data_prep.decode.flow")
    assert reach.code_of("emoji") != before


def test_code_of_the_library_that_a_converter_uses_is_its_code_too(change):
    change("data_prep.sets.emoji", "def late():\n    from mmlib.data.transforms import sound")
    before = reach.code_of("emoji")
    change("mmlib.data.transforms.sound")
    assert reach.code_of("emoji") != before


def test_what_is_left_out_is_there(change):
    """A module that moved would be followed again without a word."""
    for module in reach.APART:
        assert reach.source_of(module) is not None, module
