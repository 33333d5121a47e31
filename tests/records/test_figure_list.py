"""figures.yaml: its fields, and whether the figures made agree with it in both directions."""

import re

import pytest
import yaml

from mmlib import paths
from mmlib.records.figure_list import disagreements, figures_listed

ENTRY = {"notebook": "12_agm", "answers": "MCR, figure 4", "data": "synthetic", "caption": "Kappa.", "alt": "A line."}


@pytest.fixture
def listed(tmp_path, monkeypatch):
    """listed(id=entry, ...) replaces notebooks/figures.yaml."""
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)

    def write(**entries):
        (tmp_path / "figures.yaml").write_text(yaml.safe_dump(entries))

    return write


@pytest.fixture
def made(tmp_path):
    """made(figures, notebooks) leaves what executing these notebooks leaves; returns the outputs folder."""

    def make(figures, notebooks):
        for id in figures:
            (tmp_path / "out" / "figures").mkdir(parents=True, exist_ok=True)
            (tmp_path / "out" / "figures" / f"{id}.json").touch()
        for name in notebooks:
            (tmp_path / "out" / "notebooks" / name).mkdir(parents=True)
            (tmp_path / "out" / "notebooks" / name / "metrics.json").touch()
        return tmp_path / "out"

    return make


@pytest.mark.parametrize("field", list(ENTRY))
@pytest.mark.parametrize("text", ["", "  ", None, 3])
def test_a_missing_text_is_refused(listed, field, text):
    listed(kappa=ENTRY | {field: text})
    with pytest.raises(ValueError, match=f"'kappa'.*needs a text for '{field}'"):
        figures_listed()


@pytest.mark.parametrize("name", ["../kappa", "a b", "", "a/b", "-f", 3, "a`b"])
def test_ids_and_notebooks_are_names(listed, tmp_path, name):
    (tmp_path / "figures.yaml").write_text(yaml.safe_dump({name: ENTRY}))
    with pytest.raises(ValueError, match="a figure in figures.yaml must be a name"):
        figures_listed()
    if isinstance(name, str) and name:
        listed(kappa=ENTRY | {"notebook": name})
        with pytest.raises(ValueError, match="the notebook of figure 'kappa' in figures.yaml must be a name"):
            figures_listed()


def test_a_misspelt_field_is_refused(listed):
    listed(kappa=ENTRY | {"captoin": "x"})
    with pytest.raises(ValueError, match="'captoin'.*Did you mean 'caption'"):
        figures_listed()


@pytest.mark.parametrize("answers", ["none", "MCR, figure 1, right", "AGM, table 2", "AIM, claim that it helps"])
def test_what_a_figure_can_answer(listed, answers):
    listed(kappa=ENTRY | {"answers": answers})
    assert figures_listed()["kappa"]["answers"] == answers


@pytest.mark.parametrize(
    "answers",
    ["None", "MCR", "MCR figure 4", "MCR, figure four", "XYZ, figure 4", "AIM, claim ", "so MCR, table 1"],
)
def test_an_answer_in_another_form_is_refused(listed, answers):
    listed(kappa=ENTRY | {"answers": answers})
    with pytest.raises(ValueError, match=f"'kappa'.*answers {re.escape(repr(answers))}: expected none, or a paper"):
        figures_listed()


def test_the_suites_own_list_is_valid_and_names_what_is_known_of_the_papers():
    answers = {id: entry["answers"] for id, entry in figures_listed().items()}
    assert len(answers) > 60
    assert answers["mcr_ratio"] == "MCR, figure 1, right" and answers["mcr_groups"] == "MCR, figure 4"
    for paper in ("AGM", "MCR", "AIM"):
        notebook = {"AGM": "32_agm_paper", "MCR": "30_mcr_paper", "AIM": "31_aim_paper"}[paper]
        papers = {answers[id].split(",")[0] for id, e in figures_listed().items() if e["notebook"] == notebook}
        assert papers <= {paper, "none"} and paper in papers


def test_what_was_made_agrees_with_the_list(listed, made):
    listed(kappa=ENTRY, later=ENTRY | {"notebook": "20_uci"})
    assert disagreements(made(["kappa"], ["12_agm"])) == []


def test_a_figure_that_was_made_and_is_not_listed_is_named(listed, made):
    listed(kappa=ENTRY)
    [sentence] = disagreements(made(["kappa", "stray"], ["12_agm"]))
    assert re.match("figure stray was made and is not listed: list it in notebooks/figures.yaml, or delete", sentence)


def test_a_figure_that_an_executed_notebook_did_not_make_is_named(listed, made):
    listed(kappa=ENTRY, rho=ENTRY, later=ENTRY | {"notebook": "20_uci"})
    [sentence] = disagreements(made(["kappa"], ["12_agm"]))
    assert "figure rho is listed and was not made, though 12_agm was executed" in sentence
    assert sentence.endswith("python -m mmlib notebook 12_agm")


def test_a_picture_without_its_record_does_not_count_as_made(listed, made):
    listed(kappa=ENTRY)
    outputs = made(["kappa"], ["12_agm"])
    (outputs / "figures" / "kappa.json").rename(outputs / "figures" / "kappa.png")
    assert len(disagreements(outputs)) == 1
