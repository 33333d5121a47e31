"""Tiny notebooks made on the spot."""

from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from mmlib import paths
from mmlib.notebooks.clean import KERNEL

PARAMETERS = 'views = ["a"]  # which\nepochs = 3  # how many\nlabel = "x"  # a text\nfast = True'
# Its first line marks the notebook as one that reports under its own name.
REPORT = """
# write_results("{name}", ...) without what it imports
import json, os, pathlib
folder = pathlib.Path(os.environ["MMLIB_OUTPUTS"]) / "notebooks" / "{name}"
folder.mkdir(exist_ok=True)
parameters = dict(views=views, epochs=epochs, label=label, fast=fast)
(folder / "metrics.json").write_text(json.dumps({{"parameters": parameters}}))
"""


@pytest.fixture
def make_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """make(*cells, name="toy", report=True) -> path of a notebook whose results go to tmp_path/results."""
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)  # so that they count as the suite's
    (tmp_path / "figures.yaml").write_text("{}")

    def make(*cells: str, name: str = "toy", report: bool = True) -> Path:
        first = v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
        last = [v4.new_code_cell(REPORT.format(name=name))] if report else []
        notebook = v4.new_notebook(cells=[v4.new_markdown_cell("# Toy"), first, *map(v4.new_code_cell, cells), *last])
        notebook.metadata.update(kernelspec=KERNEL, widgets={"state": {}})
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
        return tmp_path / f"{name}.ipynb"

    return make
