"""Results in the suite's places that other parameters made, as the engine and verify ask for them."""

import json
import subprocess
import sys

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook

from mmlib import paths
from mmlib.notebooks.foreign import foreign_files, foreign_results
from mmlib.records.files import write_json

ENTRY = {"notebook": "10_one", "answers": "none", "data": "synthetic", "caption": "A.", "alt": "B."}
OWN = {"profile": "smoke", "views": ["a", "b"], "epochs": 3, "fast": True}


@pytest.fixture
def put(tmp_path, monkeypatch):
    """put(metrics=parameters, drawn=parameters) writes results of 10_one; returns what is foreign in them."""
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path / "notebooks")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "figures.yaml").write_text(yaml.safe_dump({"drawn": ENTRY, "other": ENTRY}))
    source = 'profile = get()\nviews = ["a", "b"]  # which\nepochs = 3\nfast = True\ncomputed = make()'
    for name, claims in {"10_one": "10_one", "mine": "10_one"}.items():
        first = new_code_cell(source, metadata={"tags": ["parameters"]})
        cells = [first, new_code_cell(f'write_results("{claims}", {{}}, t, {{}})')]
        nbformat.write(new_notebook(cells=cells), tmp_path / "notebooks" / f"{name}.ipynb")
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), tmp_path / "notebooks" / "Untitled.ipynb")

    def make(metrics=None, **figures):
        files = {f"figures/{id}.json": parameters for id, parameters in figures.items()}
        for name, parameters in {"notebooks/10_one/metrics.json": metrics, **files}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(json.dumps({"parameters": parameters}))
        return foreign_results(tmp_path)

    return make


@pytest.mark.parametrize("changes", [{}, {"profile": "full"}, {"computed": 7}, {"removed": 1}])
def test_own_results_are_not(put, changes):
    assert put(OWN | changes, drawn=OWN | changes) == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"views": ["a"]}, 'views=["a"]'), ({"epochs": 4}, "epochs=4"), ({"epochs": True}, "epochs=true"),
     ({"fast": 1}, "fast=1"), ({"views": ["b", "a"], "epochs": None}, 'views=["b", "a"], epochs=null')],
)  # fmt: skip
@pytest.mark.parametrize("where", ["metrics", "drawn"])
def test_other_values_are_named_with_their_file(put, tmp_path, changes, words, where):
    found = put(**{"metrics": OWN, "drawn": OWN} | {where: OWN | changes})
    file = tmp_path / {"metrics": "notebooks/10_one/metrics.json", "drawn": "figures/drawn.json"}[where]
    assert found == {"10_one": f"{file} was made with {words}"}


def test_figures_of_two_profiles_do_not_go_together(put, tmp_path):
    found = put(OWN, drawn=OWN, other=OWN | {"profile": "quick"})
    assert found == {"10_one": f'{tmp_path}/figures/other.json was made with profile="quick", unlike metrics.json'}


@pytest.mark.parametrize("parameters", [None, [], 3, {}])
def test_what_says_nothing_of_its_parameters_counts_as_not_there(put, parameters):
    assert put(parameters, drawn=parameters) == {}


def test_the_engine_asks_without_pytorch():
    code = "import sys, mmlib.notebooks.foreign, mmlib.records.origin.suite; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=paths.ROOT).returncode == 0


@pytest.mark.parametrize("text", ['{"cells": [', "[]", "{}", None])
def test_a_notebook_that_cannot_be_read_is_compared_with_nothing(tmp_path, monkeypatch, text):
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    if text is not None:
        (tmp_path / "10_one.ipynb").write_text(text)
    (tmp_path / "figures.yaml").write_text("")
    write_json(tmp_path / "notebooks" / "10_one" / "metrics.json", {"parameters": {"profile": "smoke", "views": ["c"]}})
    assert foreign_files(tmp_path, "10_one") == {}
