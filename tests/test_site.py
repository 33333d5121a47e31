import json
import re

import matplotlib.pyplot as plt
import pytest
import yaml

from mmlib import paths
from mmlib.figures import save_figure
from mmlib.site import build_site

ENTRIES = {
    "one": {"notebook": "12_agm", "data": "synthetic", "caption": "The <first>.", "alt": 'A "line".'},
    "two": {"notebook": "20_uci", "data": "uci_digits", "caption": "The second.", "alt": "Dots."},
}


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path))
    (tmp_path / "figures.yaml").write_text(yaml.safe_dump(ENTRIES))
    figure = plt.figure(figsize=(1, 1))
    plt.close(figure)
    save_figure("one", figure, parameters={"alpha": 1.5}, seeds=[3, 4], inputs={})
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "12_agm.html").write_text("")
    return tmp_path


def test_a_made_figure_is_shown_and_a_missing_one_is_named(results):
    lines = []
    page = build_site(say=lines.append).read_text()
    assert lines == [f"site: 1 of 2 figures in {results / 'index.html'}; missing: two"]
    assert 'alt="A &#34;line&#34;."' in page and "The &lt;first&gt;." in page and "alpha = 1.5" in page
    assert "3, 4" in page and re.search(r"<li><strong>two</strong>, from notebook 20_uci", page)
    for link in re.findall(r'(?:href|src)="([^"]+)"', page):
        assert (results / link).is_file(), link


def test_a_figure_that_is_no_longer_listed_is_named(results):
    (results / "figures.yaml").write_text(yaml.safe_dump({"two": ENTRIES["two"]}))
    page = build_site(say=lambda line: None).read_text()
    assert "not in notebooks/figures.yaml" in page and "earlier version: one." in page


def test_a_damaged_record_or_a_lost_picture_is_told(results):
    (results / "figures" / "one.svg").unlink()
    with pytest.raises(ValueError, match="one.svg is missing"):
        build_site()
    (results / "figures" / "one.json").write_text("{")
    with pytest.raises(ValueError, match="one.json is damaged.*run its notebook again"):
        build_site()
    assert not (results / "index.html").exists()


def test_the_page_needs_nothing_from_elsewhere(results):
    page = build_site(say=lambda line: None).read_text()
    assert "//" not in page and "<script" not in page and json.dumps("viewport") in page
