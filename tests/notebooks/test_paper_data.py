"""25_paper_data where one of the papers' sets is prepared and where none is: it shows what is there and says the rest.

The set is a tiny release in its real layout, prepared by the real preparation.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from data_prep.__main__ import main as prepare
from mmlib import paths
from mmlib.batch.notebook_runs import PlanFailed, planned_runs
from mmlib.records.catalogue import RAW
from mmlib.records.figure_list import figures_listed

NAME = "25_paper_data"
NOTEBOOK = paths.NOTEBOOKS / f"{NAME}.ipynb"
FIGURES = sorted(id for id, entry in figures_listed().items() if entry["notebook"] == NAME)
CHOSEN = {"networks": ["cmu_mosi/mcr_vat", "crema_d/agm"], "methods": ["joint", "mcr", "aim"]}


def raw_folders():
    """The module that makes the tiny releases."""
    file = paths.ROOT / "tests" / "data_prep" / "raw_folders_arrays.py"
    spec = importlib.util.spec_from_file_location("raw_folders_arrays", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Executed:
    """What the notebook left in ``results``."""

    def __init__(self, results: Path) -> None:
        [self.file] = results.rglob(f"notebooks/{NAME}/metrics.json")
        self.metrics = json.loads(self.file.read_text())["metrics"]
        records = (self.file.parents[2] / "figures").glob("*.json")
        self.figures = {record["id"]: record for record in (json.loads(file.read_text()) for file in records)}

    @property
    def words(self) -> str:
        """All that its cells show as text."""
        cells = nbformat.read(self.file.parent.with_suffix(".ipynb"), as_version=4).cells
        outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
        return "\n".join(str(output.get("data", {}).get("text/markdown", "")) for output in outputs)


def executed(data: Path, results: Path, **parameters: object) -> Executed:
    """The notebook as the command line executes it, in the smoke profile, with the prepared sets in ``data``."""
    given = [part for key, value in parameters.items() for part in ("-p", key, json.dumps(value))]
    settings = {"MMLIB_PROFILE": "smoke", "MMLIB_RESULTS": str(results), "MMLIB_DATA": str(data)}
    command = [sys.executable, "-m", "mmlib", "notebook", NAME, *given]
    done = subprocess.run(command, env=os.environ | settings, cwd=paths.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Executed(results)


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """The data folder, with a tiny CMU-MOSI in it."""
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MMLIB_PROFILE", "smoke")
    raw = raw_folders().make_cmu_mosi(tmp_path / "raw")
    assert prepare(["cmu_mosi", "--raw", str(raw), "--jobs", "1"]) == 0
    return tmp_path / "data"


def test_a_set_that_is_here_is_shown_and_trained_on_and_one_that_is_not_is_told(data, tmp_path):
    found = executed(data, tmp_path / "results", **CHOSEN)
    assert [name for name, here in found.metrics["prepared"].items() if here] == ["cmu_mosi"]
    assert {network: set(of) for network, of in found.metrics["accuracy"].items()} == {
        "cmu_mosi/mcr_vat": {"joint", "mcr", "aim"}
    }
    assert "**Prepared here**, of the 9 sets: cmu_mosi." in found.words
    assert "`cmu_mosi/mcr_vat`, joint: " in found.words and "mcr compared with joint: " in found.words
    assert found.words.count("not prepared here") == 1  # crema_d

    assert sorted(found.figures) == FIGURES
    assert set(found.figures["paper_data_overview"]["inputs"]) == {"cmu_mosi"}
    planned = {f"runs/{spec.hash}" for spec in planned_runs(NOTEBOOK, CHOSEN)}
    assert set(found.figures["paper_data_methods"]["inputs"]) == planned and len(planned) == 3


def test_where_none_is_here_it_runs_and_says_so(tmp_path, monkeypatch):
    found = executed(tmp_path / "empty", tmp_path / "results")
    assert found.metrics["prepared"] == dict.fromkeys(RAW, False)
    assert found.metrics["accuracy"] == {} and sorted(found.figures) == FIGURES
    assert "**None of the 9 sets is prepared here**" in found.words and "Nothing was trained" in found.words
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "empty"))
    assert planned_runs(NOTEBOOK) == []


def test_methods_are_compared_with_joint_training():
    with pytest.raises(PlanFailed, match="unknown method 'joint': expected one of agm, mcr"):
        planned_runs(NOTEBOOK, {"methods": ["agm", "mcr"]})
