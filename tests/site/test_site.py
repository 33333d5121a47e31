"""What stands in the pages. How they look in a browser is tested in test_site_browser.py."""

import csv
import re
from html import unescape
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from mmlib.records.files import write_json
from mmlib.site import build_site

FROM_ELSEWHERE = re.compile(r"""(?:src=|<link[^>]+href=|@import|url\()\s*["']?(?:https?:)?//""")


def page(site: Path, name: str) -> BeautifulSoup:
    """A page of the site, its article only."""
    return BeautifulSoup((site / name).read_text(encoding="utf-8"), "html.parser").find("article")


def test_the_start_page_names_what_is_there_and_what_is_not(site):
    start = page(site, "index.html")
    text = " ".join(start.get_text(" ").split())
    assert start.find("img")["alt"] == 'A "line".'
    assert "notebooks: 1, figures : 2, training runs they are drawn from: 1," in text
    assert "Missing figures" in text and "two , from notebook 13_broken: The second." in text
    assert "Not listed in notebooks/figures.yaml, perhaps left by an earlier version: old." in text
    assert "21_absent: it needs smartwatch: python -m data_prep smartwatch" in text
    assert start.find("a", string="13_broken")["href"] == "notebooks/13_broken.failed.html"
    assert "14_busy" not in text


def test_a_notebook_keeps_its_outputs_and_its_pictures_have_words(site):
    article = page(site, "notebooks/12_agm.html")
    assert [image["alt"] for image in article.find_all("img")][0] == "Two curves that cross."
    assert article.find_all("img")[1]["alt"].startswith("Picture drawn by cell 3 of the notebook")
    assert article.find(id="T_1") and article.find("td").get_text() == "bold"
    formulas = [span["aria-label"] for span in article.find_all(class_="math")]
    assert formulas[:2] == ["\\alpha", "\\phi_m < 1"] and formulas[2].startswith("R = \\sum_{b \\ne m}")
    assert all(span.find("path") for span in article.find_all(class_="math"))


def test_a_failed_notebook_is_marked_and_shows_where_it_stopped(site):
    article = page(site, "notebooks/13_broken.failed.html")
    note = article.find(class_="failed")
    assert article.find("h1").get_text().startswith("A broken one") and "This notebook failed." in note.get_text()
    assert article.find(id=note.find("a")["href"][1:])
    assert "ValueError: no such view" in article.get_text() and "An Exception was encountered" not in article.get_text()
    assert "Failed: 13_broken" in (site / "index.html").read_text()


def test_the_gallery_shows_each_figure_with_its_files_and_its_origin(site):
    figure = page(site, "gallery.html").find(id="figure-one")
    assert figure.find("img")["alt"] == 'A "line".' and "The <first>, 5 * 3 * 2." in figure.get_text()
    assert "AGM, figure 3" in figure.get_text()
    for kind in ("png", "svg", "json"):
        assert figure.find("a", href=f"figures/one.{kind}") and (site / "figures" / f"one.{kind}").is_file()
    assert "3, 4" in figure.get_text() and figure.find("dt", string="Commit") and figure.find("dt", string="alpha")


def test_the_runs_of_figures_have_a_row_each(site):
    cells = [cell.get_text().strip() for cell in page(site, "runs.html").find_all("td")]
    assert cells[:4] == ["synthetic", "agm", "0.625 accuracy", "alpha=1.5, epochs=3"]
    assert cells[5] == "2" and cells[7:9] == ["7", "0123456789abcdef"] and cells[9].split() == ["one", "old"]
    [row] = csv.DictReader((site / "_static" / "runs.csv").open())
    assert row["run"] == "0123456789abcdef" and row["figures"] == "one old" and row["state"] == "as drawn"


def test_the_environment_is_told(site):
    text = page(site, "environment.html").get_text(" ")
    assert "torch" in text and "Commit" in text and "thread" in text and "furo" in text


def test_nothing_is_asked_of_a_network(site):
    files = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(files) > 6
    for file in files:
        assert not FROM_ELSEWHERE.search(unescape(file.read_text(encoding="utf-8"))), file


def test_the_site_replaces_itself_whole_and_leaves_nothing_beside_it(results, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    before = set(tmp_path.rglob("*"))
    lines = []
    assert build_site(say=lines.append) == results / "site" / "index.html"
    assert lines == [f"site: 1 of 2 figures in {results / 'site' / 'index.html'}; missing: two"]
    (results / "site" / "left.html").touch()
    nbformat.write(nbformat.v4.new_notebook(), results / "notebooks" / "12_agm.ipynb")
    build_site(say=lines.append)
    assert not (results / "site" / "left.html").exists() and (results / "site" / "notebooks" / "12_agm.html").is_file()
    new = {path for path in tmp_path.rglob("*") if results / "site" not in [path, *path.parents]} - before
    assert new <= {results / ".site.lock"}


def test_runs_that_changed_or_went_are_told(results):
    metrics = results / "runs" / "0123456789abcdef" / "metrics.json"
    records = [{"measure": "mae", "modality": "all", "seed": 0, "value": 2.0}]
    write_json(metrics, {"records": records, "provenance": {"seconds": 1.0}})
    site = build_site(say=lambda line: None).parent
    assert "changed since they were drawn" in " ".join(page(site, "index.html").get_text().split())
    assert "2.000 mae" in page(site, "runs.html").get_text()
    metrics.write_text("{")
    assert "0123456789abcdef unreadable" in page(build_site().parent, "runs.html").get_text()
    metrics.unlink()
    assert "0123456789abcdef not here" in page(build_site().parent, "runs.html").get_text()


@pytest.mark.parametrize("name", ["figures/one.json", "notebooks/12_agm.ipynb"])
def test_a_damaged_file_is_told_and_the_former_site_stays(results, name):
    (results / "site").mkdir()
    (results / "site" / "index.html").write_text("former")
    (results / name).write_text("{")
    with pytest.raises(ValueError, match=f"{name.split('/')[1]} is"):
        build_site()
    assert (results / "site" / "index.html").read_text() == "former"


def test_a_figure_that_lost_a_picture_counts_as_missing_and_the_site_is_built(results):
    (results / "figures" / "one.svg").unlink()
    said = []
    build_site(say=said.append)
    assert "site: 0 of 2 figures" in said[-1] and said[-1].endswith("missing: one, two")


def test_a_formula_that_cannot_be_read_is_told_and_shown_as_it_is_written(results):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# T\n\n$$\\frac{1}{$$")])
    nbformat.write(notebook, results / "notebooks" / "12_agm.ipynb")
    lines = []
    site = build_site(say=lines.append).parent
    assert any("12_agm" in line and "formula not understood" in line for line in lines)
    assert page(site, "notebooks/12_agm.html").find("code").get_text() == "\\frac{1}{"
