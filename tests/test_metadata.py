"""The record of a figure inside the picture itself, read back from one file alone."""

import json
import re
import shutil
from xml.etree import ElementTree

import matplotlib
import matplotlib.pyplot as plt
import pytest
import yaml
from PIL import Image

from mmlib import paths
from mmlib.figures import save_figure
from mmlib.records.figure_record import read_record

matplotlib.use("agg")
CAPTION = 'Größe κ ≤ 1 — "quoted", <tags> & ampersands, 模态, 🎧'
ENTRY = {"notebook": "12_agm", "answers": "none", "data": "synthetic", "caption": CAPTION, "alt": "Ein Bild ∑."}
KINDS = [".png", ".svg", ".json"]


@pytest.fixture
def figure(tmp_path, monkeypatch):
    """A saved figure: its path without the ending."""
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path))
    monkeypatch.setenv("MMLIB_OUTPUTS", str(tmp_path))  # no notebook runs here
    (tmp_path / "figures.yaml").write_text(yaml.safe_dump({"kappa": ENTRY}))
    drawn = plt.figure(figsize=(1, 1))
    plt.close(drawn)
    parameters = {"view": "fac]]>", "lr": 1e-3}
    return save_figure("kappa", drawn, parameters=parameters, seeds=[3], inputs={"runs/0": "0" * 64})


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_alone_tells_the_whole_record(figure, tmp_path, kind):
    alone = tmp_path / "mailed" / f"renamed{kind}"
    alone.parent.mkdir()
    shutil.move(figure.with_suffix(kind), alone)
    record = read_record(alone)
    assert {name: record[name] for name in ENTRY} == ENTRY and record["id"] == "kappa"
    assert record["parameters"] == {"view": "fac]]>", "lr": 1e-3}
    assert record["seeds"] == [3] and record["inputs"] == {"runs/0": "0" * 64}
    assert record["provenance"]["versions"]["torch"] and ("sha256" in record) == (kind == ".json")


def test_viewers_find_title_and_description(figure):
    with Image.open(figure) as picture:
        assert picture.info["Title"] == CAPTION and picture.info["Description"] == ENTRY["alt"]
    root = ElementTree.parse(figure.with_suffix(".svg")).getroot()
    texts = [root.findtext(f".//{{http://purl.org/dc/elements/1.1/}}{tag}") for tag in ("title", "description")]
    assert texts == [CAPTION, ENTRY["alt"]]


def test_a_picture_of_another_program_holds_no_record(tmp_path):
    for kind in (".png", ".svg"):
        plt.figure(figsize=(1, 1)).savefig(tmp_path / f"other{kind}")
        plt.close()
        with pytest.raises(ValueError, match=f"other{kind} holds no record of mmlib.*the .json that lies beside it"):
            read_record(tmp_path / f"other{kind}")


@pytest.mark.parametrize("content", ["[]", "{}", '{"notebook": "12_agm", "metrics": {}}', "null", "3"])
def test_another_json_is_no_record(tmp_path, content):
    (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(ValueError, match="metrics.json (holds no record of mmlib|is damaged)"):
        read_record(tmp_path / "metrics.json")


def test_a_json_of_an_earlier_version_is_still_read(figure):
    file = figure.with_suffix(".json")
    old = json.loads(file.read_text())
    del old["digest"], old["sha256"], old["answers"]
    file.write_text(json.dumps(old))
    assert read_record(file) == old


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_record_is_damage(figure, kind):
    file = figure.with_suffix(kind)
    content = file.read_bytes()
    # The record stands in the PNG and the SVG as one JSON text, with escapes of its own in XML.
    changed = re.sub(rb"(12_ag)m", rb"\1n", content)
    assert changed != content
    file.write_bytes(changed)
    with pytest.raises(ValueError, match=f"kappa{kind} is damaged .*: make the figure again"):
        read_record(file)


def test_a_truncated_picture_is_damage_and_a_missing_one_is_missing(figure):
    for kind in (".png", ".svg"):
        file = figure.with_suffix(kind)
        file.write_bytes(file.read_bytes()[:300])
        with pytest.raises(ValueError, match="is damaged|holds no record"):
            read_record(file)
        file.unlink()
        with pytest.raises(FileNotFoundError, match=f"no file .*kappa{kind}"):
            read_record(file)
    with pytest.raises(ValueError, match="a figure is a .png, .svg or .json file"):
        read_record(figure.with_suffix(".pdf"))
