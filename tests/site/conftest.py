"""Small results to make a site of: two notebooks, one of which failed, figures, and the run of one of them."""

import base64
import io
import json
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mmlib import paths
from mmlib.figures import save_figure
from mmlib.records.files import sha256_of, write_json
from mmlib.site import build_site

ENTRIES = {
    id: {"notebook": notebook, "answers": answers, "data": "synthetic", "caption": caption, "alt": alt}
    for id, notebook, answers, caption, alt in [
        ("one", "12_agm", "AGM, figure 3", "The <first>, 5 * 3 * 2.", 'A "line".'),
        ("two", "13_broken", "none", "The second.", "Dots."),
        ("old", "12_agm", "none", "An old one.", "Bars."),
    ]
}
TEXT = (
    "## A section\n\nWith $\\phi_m < 1$ in a line, and\n\n$$R = \\sum_{b \\ne m} \\frac{J_b}{M!}"
    + " + J_b" * 40
    + ".$$"
)
TABLE = (
    "<style>#T_1 th {color: red}</style><table border='1' id='T_1'><tr>" + "<th>a column</th>" * 30 + "</tr></table>"
)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10"><rect width="9" height="9"/></svg>'
RUN = "0123456789abcdef"
SPEC = {
    **{"data": "synthetic", "method": "agm", "model": "mlp", "profile": "quick", "seeds": [0, 1]},
    **{"method_options": {"alpha": 1.5}, "data_options": {}, "model_options": {}, "training": {"epochs": 3}},
}
NOTED = '<span>An Exception was encountered at <a href="#papermill-error-cell">In [2]</a></span>'
STOPPED = '<span id="papermill-error-cell" style="color:red">Execution stopped here:</span>'


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A results folder of this test's own."""
    fill(tmp_path, monkeypatch)
    return tmp_path / "results"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a site made once for all tests that only read it."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as monkeypatch:
        fill(folder, monkeypatch)
        return build_site(say=lambda line: None).parent


def fill(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes notebooks and results below ``folder`` and makes mmlib look for them there."""
    source, results = folder / "source", folder / "results"
    monkeypatch.setattr(paths, "NOTEBOOKS", source)
    monkeypatch.setenv("MMLIB_RESULTS", str(results))
    monkeypatch.setenv("MMLIB_OUTPUTS", str(results))  # no notebook runs here
    source.mkdir()
    for name in ("12_agm", "13_broken", "21_absent"):
        nbformat.write(new_notebook(), source / f"{name}.ipynb")
    run = results / "runs" / RUN
    write_json(run / "spec.json", SPEC)
    records = [{"measure": "accuracy", "modality": "all", "seed": seed, "value": 0.5 + seed / 4} for seed in (0, 1)]
    write_json(run / "metrics.json", {"records": records, "provenance": {"seconds": 7.2}})
    (source / "figures.yaml").write_text(yaml.safe_dump(ENTRIES))
    for id in ("one", "old"):
        inputs = {f"runs/{RUN}": sha256_of(run / "metrics.json")}
        save_figure(id, picture(), parameters={"alpha": 1.5}, seeds=[3, 4], inputs=inputs)
    (source / "figures.yaml").write_text(yaml.safe_dump({id: ENTRIES[id] for id in ("one", "two")}))
    (results / "notebooks").mkdir(parents=True)
    nbformat.write(whole_notebook(), results / "notebooks" / "12_agm.ipynb")
    nbformat.write(failed_notebook(), results / "notebooks" / "13_broken.failed.ipynb")
    (results / "notebooks" / ".14_busy.ipynb.partial.ipynb").write_text("{")
    plan = {"notebooks": {"21_absent": {"missing": {"smartwatch": "python -m data_prep smartwatch"}}}}
    (results / "plan.json").write_text(json.dumps(plan))


def picture() -> plt.Figure:
    """A small figure."""
    figure = plt.figure(figsize=(2, 1))
    plt.close(figure)
    return figure


def whole_notebook() -> nbformat.NotebookNode:
    """Formulas, and an output of every kind."""
    png = io.BytesIO()
    picture().savefig(png)
    image = {"image/png": base64.b64encode(png.getvalue()).decode(), "text/plain": "<Figure>"}
    drawn = new_output("display_data", image, metadata={"image/png": {"alt": "Two curves that cross."}})
    outputs = [
        drawn,
        new_output("display_data", {"image/svg+xml": SVG}),
        new_output("display_data", {"text/html": TABLE, "text/plain": "a table"}),
        new_output("display_data", {"text/markdown": "| left |\n|---|\n| **bold** |", "text/plain": "a table"}),
        new_output("stream", name="stdout", text="x" * 300 + "\n"),
    ]
    code = new_code_cell("draw()  # " + "long " * 60, outputs=outputs, execution_count=1)
    return new_notebook(cells=[new_markdown_cell("# A title of $\\alpha$"), new_markdown_cell(TEXT), code])


def failed_notebook() -> nbformat.NotebookNode:
    """What papermill leaves of a notebook whose second cell raised."""
    trace = ["\x1b[31mValueError\x1b[39m: no such view", "-" * 200]
    error = new_output("error", ename="ValueError", evalue="no such view", traceback=trace)
    tagged = {"tags": ["papermill-error-cell-tag"]}
    return new_notebook(
        cells=[
            new_markdown_cell(NOTED, metadata=tagged),
            new_markdown_cell("# A broken one"),
            new_markdown_cell(STOPPED, metadata=tagged),
            new_code_cell("load()", outputs=[error], execution_count=2),
        ]
    )
