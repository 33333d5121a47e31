"""Texts and files of a results folder may come from anybody: none of them leaves its place in a page."""

import json

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mmlib.records.files import sha256_of, write_json
from mmlib.records.sealed import sealed
from mmlib.site import build_site
from mmlib.site.escape import myst

SECRET = "the-secret-of-the-machine"
PAGES = ("index", "gallery", "runs", "environment")


@pytest.fixture
def hostile(results, tmp_path):
    """A text that closes a fence and asks for a file of the machine, in each of four ways."""
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    fences = ["`" * n for n in (3, 10, 11)] + [":::"]
    asks = [f"\n{fence}\n\n{fence}{{include}} {secret}\n{fence}\n" for fence in fences]
    return f'"><script>alert(1)</script>{"".join(asks)}</p><b>'


def reseal(file, **entries):
    content = json.loads(file.read_text()) | entries
    content.pop("digest", None)
    write_json(file, sealed(content))


def built(results) -> dict[str, str]:
    site = build_site(say=lambda line: None).parent
    return {page: (site / f"{page}.html").read_text(encoding="utf-8") for page in PAGES}


def test_no_text_of_a_record_or_a_run_leaves_its_place(results, hostile, tmp_path):
    figure = results / "figures" / "one.json"
    record = json.loads(figure.read_text())
    provenance = record["provenance"] | {"platform": hostile, "device": hostile}
    provenance["versions"] = {hostile: hostile}
    run = next((results / "runs").iterdir())
    spec = json.loads((run / "spec.json").read_text())
    texts = {"data": hostile, "method": hostile, "model": hostile, "method_options": {hostile: hostile}}
    write_json(run / "spec.json", spec | texts)
    inputs = {f"runs/{run.name}": sha256_of(run / "metrics.json")}
    texts = dict.fromkeys(("caption", "alt", "data", "answers"), hostile)
    reseal(figure, **texts, parameters={hostile: hostile}, provenance=provenance, inputs=inputs)
    plan = {"notebooks": {"21_absent": {"missing": {hostile: hostile}}}}
    (results / "plan.json").write_text(json.dumps(plan))
    listed = yaml.safe_load((tmp_path / "source" / "figures.yaml").read_text())
    listed["two"]["caption"] = hostile
    (tmp_path / "source" / "figures.yaml").write_text(yaml.safe_dump(listed))
    words = " ".join(hostile.split())
    for page, text in built(results).items():
        assert SECRET not in text, page
        article = BeautifulSoup(text, "html.parser").find("article")
        assert "alert(1)" not in "".join(script.get_text() for script in article.find_all("script")), page
        assert words in " ".join(article.get_text().split()), page


def test_no_cell_of_a_notebook_brings_in_a_file(results, tmp_path):
    (tmp_path / "secret.txt").write_text(SECRET)
    asks = [f"```{{{ask}}} {tmp_path / 'secret.txt'}\n```" for ask in ("include", "literalinclude")] + [
        f"```{{raw}} html\n:file: {tmp_path / 'secret.txt'}\n```"
    ]
    outputs = [new_output("display_data", {"text/markdown": ask}) for ask in asks]
    cells = [new_markdown_cell("# T"), *map(new_markdown_cell, asks), new_code_cell("1", outputs=outputs)]
    nbformat.write(new_notebook(cells=cells), results / "notebooks" / "12_agm.ipynb")
    site = build_site(say=lambda line: None).parent
    assert SECRET not in (site / "notebooks" / "12_agm.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "../../one"}, "its id must be a name"),
        ({"notebook": "12_agm`"}, "its notebook must be a name"),
        ({"inputs": {"runs/../../x": "0" * 64}}, "a run in its inputs must be a name"),
        ({"inputs": {"x": "; reboot"}}, "its input 'x' must be a hash"),
        ({"caption": 3}, "its caption must be a text"),
        ({"seeds": "01"}, "its seeds must be a list"),
        ({"parameters": []}, "its parameters must be names and values"),
        ({"id": "two"}, "is the record of the figure two"),
    ],
)
def test_a_record_that_mmlib_did_not_write_is_refused(results, changes, message):
    reseal(results / "figures" / "one.json", **changes)
    with pytest.raises(ValueError, match=f"one.json .*{message}"):
        build_site()


@pytest.mark.parametrize("commit", ["$(reboot)", "HEAD; reboot", "abc", 3])
def test_a_commit_is_hex(results, commit):
    figure = results / "figures" / "one.json"
    reseal(figure, provenance=json.loads(figure.read_text())["provenance"] | {"commit": commit})
    with pytest.raises(ValueError, match="its commit must be a hash in hex"):
        build_site()


@pytest.mark.parametrize("name", ["a<b", "a\nb"])
def test_an_executed_notebook_that_is_not_of_the_suite_is_not_shown(results, name):
    (results / "notebooks" / f"{name}.ipynb").write_bytes((results / "notebooks" / "12_agm.ipynb").read_bytes())
    pages = build_site(say=lambda line: None).parent / "notebooks"
    assert name not in {file.stem for file in pages.glob("*.html")} > {"12_agm"}


def test_a_figure_whose_name_is_not_a_name_is_refused(results):
    (results / "figures" / "one two.json").write_bytes((results / "figures" / "one.json").read_bytes())
    with pytest.raises(ValueError, match="must be a name of letters, digits, _ and -"):
        build_site()


def test_markdown_shows_a_text_as_it_is():
    assert myst("a_b\n`{include}` $x$ <b>") == r"a\_b \`\{include\}\` \$x\$ \<b\>"


def test_a_changed_caption_is_told_and_the_figure_keeps_its_own(results, tmp_path):
    listed = yaml.safe_load((tmp_path / "source" / "figures.yaml").read_text())
    listed["one"]["caption"] = "A claim that nobody drew."
    (tmp_path / "source" / "figures.yaml").write_text(yaml.safe_dump(listed))
    pages = {page: " ".join(BeautifulSoup(t, "html.parser").get_text().split()) for page, t in built(results).items()}
    assert "The <first>, 5 * 3 * 2." in pages["gallery"] and "nobody drew" not in pages["gallery"]
    assert "shown with their own: one." in pages["index"]


def test_results_of_other_parameters_are_told(results, tmp_path):
    cells = [
        new_code_cell("alpha = 0.5", metadata={"tags": ["parameters"]}),
        new_code_cell('write_results("12_agm", {}, table, {})'),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "source" / "12_agm.ipynb")
    text = " ".join(BeautifulSoup(built(results)["index"], "html.parser").get_text().split())
    assert "Made with other parameters than those" in text and "one.json was made with alpha=1.5" in text


def test_a_changed_byte_of_an_executed_notebook_is_seen(results):
    from mmlib.records.execution_record import write_record

    file = results / "notebooks" / "12_agm.ipynb"
    write_record(file)
    build_site(say=lambda line: None)
    file.write_text(file.read_text().replace("a column", "a colum!"))
    with pytest.raises(ValueError, match="12_agm.ipynb is damaged .its sha256"):
        build_site()
