"""Whoever executes a notebook, only the suite's own one with its own parameters writes to the suite's places.

A tiny suite in a folder of its own, executed by the real programs: papermill, nbconvert, nbval, mmlib's command, a
kernel driven as JupyterLab and VS Code do, and Python.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient
from nbformat import v4

from mmlib import paths
from mmlib.notebooks.clean import KERNEL, LANGUAGE
from mmlib.records.files import sha256_of

PARAMETERS = 'import os\n\nprofile = os.environ.get("MMLIB_PROFILE", "quick")  # how much\nviews = ["a", "b"]  # which'
SETUP = """\
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
import pandas as pd
from mmlib.figures.save import save_figure
from mmlib.notebooks.results import write_results
given = {"profile": profile}"""
DRAW = """\
figure = plt.figure(figsize=(1, 1))
figure.text(0, 0, str(views))
save_figure("drawn", figure, parameters=given, seeds=[0], inputs={})"""
REPORT = """\
write_results("10_one", {"views": len(views)}, pd.DataFrame({"value": [len(views)]}), given)"""
ENTRY = {"notebook": "10_one", "answers": "none", "data": "synthetic", "caption": "Views.", "alt": "Words."}
SUITES = ("figures/drawn.json", "figures/drawn.png", "figures/drawn.svg")
SUITES += ("notebooks/10_one/metrics.json", "notebooks/10_one/table.csv")


@dataclass
class Suite:
    """A copy of the package beside a notebooks folder with one notebook; ``results`` lies outside."""

    root: Path
    results: Path

    @property
    def notebook(self) -> Path:
        return self.root / "notebooks" / "10_one.ipynb"

    def environment(self, **more: str) -> dict[str, str]:
        own = {"MMLIB_RESULTS": str(self.results), "MMLIB_PROFILE": "smoke", "PYTHONPATH": str(self.root)}
        return os.environ | dict.fromkeys(("MMLIB_OUTPUTS", "MMLIB_NOTEBOOK", "JPY_SESSION_NAME"), "") | own | more

    def run(self, *arguments: object, code: int = 0, cwd: Path | None = None) -> str:
        """``python ARGUMENTS`` as a user calls it in the folder of the notebooks; what it printed."""
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=cwd or self.root / "notebooks",
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def session(self, cells: list[str], space: str = "", **environment: str) -> str:
        """Executes ``cells`` one after the other in one kernel, as an editor does; what they printed.

        space: code that the editor executes silently before. A cell may fail.
        """
        notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells], metadata={"kernelspec": KERNEL})
        client = NotebookClient(notebook, allow_errors=True, resources={"metadata": {"path": str(self.root)}})
        with client.setup_kernel(env=self.environment(**environment)):
            if space:
                client.kc.execute(space, silent=True, store_history=False)
            for number, cell in enumerate(notebook.cells):
                client.execute_cell(cell, number)
        outputs = [output for cell in notebook.cells for output in cell.outputs]
        return "".join(output.get("text", "") or output.get("evalue", "") for output in outputs)

    def state(self) -> dict[str, str]:
        """The suite's places: file -> hash."""
        files = [self.results / name for name in SUITES]
        return {str(file.relative_to(self.results)): sha256_of(file) for file in files if file.is_file()}

    def variants(self) -> list[str]:
        return sorted(path.name for path in (self.results / "variants").glob("*"))

    def written(self, place: str = "", name: str = "10_one") -> dict[str, object]:
        """The parameters that metrics.json and the figure's record hold, which must be equal."""
        folder = self.results / "variants" / place if place else self.results
        metrics = json.loads((folder / "notebooks" / name / "metrics.json").read_text())
        record = json.loads((folder / "figures" / "drawn.json").read_text())
        assert metrics["parameters"] == record["parameters"] and metrics["notebook"] == name
        return metrics["parameters"]

    def files(self) -> list[str | None]:
        """The file of code that the records of each variant name, which must be one; "" where they name none."""
        found = []
        for place in self.variants():
            records = [*(self.results / "variants" / place).glob("notebooks/*/metrics.json")]
            records += [self.results / "variants" / place / "figures" / "drawn.json"]
            [file] = {json.loads(record.read_text()).get("file", "") for record in records}
            found.append(file)
        return found


PROVENANCE = """\
def provenance():
    return {"commit": None, "dirty": None, "versions": {}, "platform": "x", "threads": 1, "device": "cpu"}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """Nothing was executed yet."""
    return new_suite(tmp_path)


def new_suite(folder: Path) -> Suite:
    """Without PyTorch and seaborn, which take most of the time of a tiny notebook."""
    root = folder / "project"
    shutil.copytree(paths.ROOT / "mmlib", root / "mmlib", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "mmlib" / "provenance.py").write_text(PROVENANCE)
    (root / "mmlib" / "figures" / "__init__.py").write_text("")
    (root / "notebooks").mkdir()
    (root / "notebooks" / "figures.yaml").write_text(yaml.safe_dump({"drawn": ENTRY}))
    made = Suite(root, folder / "results")
    write(made.notebook)
    return made


@pytest.fixture(scope="module")
def results_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the suite's own notebook leaves when ``make figures`` executes it."""
    suite = new_suite(tmp_path_factory.mktemp("made"))
    suite.run("-m", "mmlib", "notebook", "10_one", cwd=suite.root)
    assert len(suite.state()) == len(SUITES)
    return suite.results


@pytest.fixture
def made(suite: Suite, results_made: Path) -> Suite:
    """The suite's own notebook was executed."""
    shutil.copytree(results_made, suite.results)
    return suite


def write(file: Path, parameters: str = PARAMETERS, draw: str = DRAW) -> Path:
    tagged = v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    cells = [v4.new_markdown_cell("# One"), tagged, *map(v4.new_code_cell, [SETUP, draw, "", REPORT])]
    metadata = {"kernelspec": KERNEL, "language_info": LANGUAGE}
    file.parent.mkdir(exist_ok=True)
    nbformat.write(v4.new_notebook(cells=cells, metadata=metadata), file)
    return file


def papermill(suite: Suite, file: Path, *more: str) -> None:
    suite.run("-m", "papermill", file, suite.root.parent / "out.ipynb", *more)


def nbconvert(suite: Suite, file: Path) -> None:
    suite.run("-m", "nbconvert", "--execute", "--to", "notebook", "--output", suite.root.parent / "out.ipynb", file)


def nbval(suite: Suite, file: Path) -> None:
    options = ("--nbval-lax", "--nbval-current-env", "-q", "-p", "no:cacheprovider")
    suite.run("-m", "pytest", *options, f"--rootdir={file.parent}", file)


def lab(suite: Suite, file: Path) -> None:
    cells = [cell.source for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == "code"]
    suite.session(cells, JPY_SESSION_NAME=str(file))


PROGRAMS = [papermill, nbconvert, nbval, lab]


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_suites_own_notebook_writes_to_its_places_whoever_executes_it(suite, program):
    program(suite, suite.notebook)
    assert sorted(suite.state()) == sorted(SUITES) and suite.variants() == []
    assert suite.written() == {"profile": "smoke", "views": ["a", "b"]}


@pytest.mark.parametrize("program", [papermill, lab])  # the latter says which file
def test_other_parameters_or_code_replace_nothing_and_have_one_place_of_their_own(made, tmp_path, program):
    before = made.state()
    edited = write(tmp_path / "mine" / "mine.ipynb", draw=DRAW.replace("str(views)", "'other'"))
    other = write(tmp_path / "mine" / "other.ipynb", PARAMETERS.replace('["a", "b"]', '["a"]'))
    for file in (edited, edited, other):
        program(made, file)
    assert made.state() == before
    # Only an editor says which file it executes.
    names = ["10_one", "mine" if program is lab else "10_one"]
    assert set(made.files()) == {"", "mine.ipynb" if program is lab else None}
    assert [place[:-9] for place in made.variants()] == names
    views = {tuple(made.written(place, name)["views"]) for place, name in zip(made.variants(), names)}
    assert views == {("a",), ("a", "b")}


def test_parameters_alone_have_the_place_that_mmlibs_command_gives_them(made):
    before = made.state()
    papermill(made, made.notebook, "-y", "views: [c]")
    [place] = made.variants()
    assert made.written(place) == {"profile": "smoke", "views": ["c"]}
    made.run("-m", "mmlib", "notebook", "10_one", "-p", "views", '["c"]', cwd=made.root)
    assert made.files() == [""]
    lab(made, write(made.root / "copy.ipynb", PARAMETERS.replace('["a", "b"]', '["c"]')))
    assert made.variants() == [place] and made.state() == before


@pytest.mark.parametrize("change", ["views = ['c']", "views = ['a', 'b']", "profile = 'full'", "profile = 'smoke'"])
def test_a_second_parameters_cell_counts_by_its_values(suite, change):
    suite.session([PARAMETERS, change, SETUP, DRAW, REPORT])
    same = "'b'" in change or "smoke" in change
    assert len(suite.variants()) == (0 if same else 1) and len(suite.state()) == (len(SUITES) if same else 0)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ([PARAMETERS, SETUP, DRAW, DRAW, REPORT], "each once and in their order"),
        ([PARAMETERS, SETUP, "views", DRAW, REPORT], "each once and in their order"),
        ([PARAMETERS, SETUP, "views = ['c']", DRAW, REPORT], "each once and in their order"),
        ([PARAMETERS, SETUP, DRAW + "  # mine", REPORT], "each once and in their order"),
        ([PARAMETERS + "\nimport sys", SETUP, DRAW, REPORT], "each once and in their order"),
        ([PARAMETERS, SETUP, "raise KeyError", DRAW, REPORT], "a cell ended with an error"),
    ],
)
def test_cells_that_were_repeated_added_edited_or_failed_are_other_code(made, cells, why):
    before = {**made.state()}
    printed = made.session(cells, JPY_SESSION_NAME=str(made.notebook))
    [place] = made.variants()
    assert place.startswith("10_one-") and made.files() == ["notebooks/10_one.ipynb"]
    assert printed.count(f"{why}: figures and results of notebooks/10_one.ipynb go to") == 1 and f"{place}\n" in printed
    # Repeating a cell: the first time it was the suite's own figure still.
    names = ("figures/drawn.json", "figures/drawn.png") if cells.count(DRAW) > 1 else ()
    assert {name: hash for name, hash in made.state().items() if name not in names} == {
        name: hash for name, hash in before.items() if name not in names
    }


def test_the_place_of_other_code_is_named_after_the_file_that_the_editor_tells(suite, tmp_path):
    edited = [PARAMETERS, SETUP, DRAW + "\nviews", REPORT]
    for _ in range(2):
        suite.session(edited, f"__vsc_ipynb_file__ = {str(tmp_path / 'code.ipynb')!r}")
        suite.session(edited, JPY_SESSION_NAME=str(tmp_path / "lab.ipynb"))
    suite.session(edited, JPY_SESSION_NAME=str(tmp_path / "lab.ipynb-jvsc-0123"))
    assert [name[:-8] for name in suite.variants()] == ["code-", "lab-"] and suite.state() == {}
    assert suite.files() == ["code.ipynb", "lab.ipynb"]


def test_results_that_were_opened_and_changed_are_named_by_their_place(made):
    executed = made.results / "notebooks" / "10_one.ipynb"
    made.session([PARAMETERS, SETUP, DRAW + "\nviews", REPORT], JPY_SESSION_NAME=str(executed))
    assert made.files() == ["results/notebooks/10_one.ipynb"]


def test_a_script_made_of_a_notebook_is_other_code(made):
    before = made.state()
    made.run("-m", "nbconvert", "--to", "script", made.notebook, "--output-dir", made.root.parent)
    printed = made.run(made.root.parent / "10_one.py")
    [place] = made.variants()
    assert "no cells were executed in a notebook's kernel: figures and results of 10_one.py go to" in printed
    assert made.files() == ["10_one.py"]
    assert made.state() == before and (made.results / "variants" / place / "figures" / "drawn.json").is_file()


@pytest.mark.parametrize(("folder", "name"), [("notebooks", "10_one-Copy1"), ("mine", "a copy (1)")])
def test_a_renamed_copy_is_executed_to_its_end_and_touches_nothing_of_the_original(made, folder, name):
    before = made.state()
    copy = made.root / folder / f"{name}.ipynb"
    copy.parent.mkdir(exist_ok=True)
    shutil.copy(made.notebook, copy)
    for views in ('["a", "b"]', '["d"]'):
        made.run("-m", "mmlib", "notebook", copy, "-p", "views", views, cwd=made.root)
    assert made.state() == before and len(made.variants()) == 2
    assert made.files() == [f"notebooks/{name}.ipynb" if folder == "notebooks" else f"{name}.ipynb"] * 2
    found = [made.written(place, name)["views"] for place in made.variants()]
    assert sorted(found) == [["a", "b"], ["d"]]


def test_a_copys_old_figures_do_not_outlive_its_failure(made):
    copy = Path(shutil.copy(made.notebook, made.root / "notebooks" / "mine.ipynb"))
    made.run("-m", "mmlib", "notebook", copy, cwd=made.root)
    [place] = made.variants()
    write(copy, draw=DRAW + "\n1 / 0")
    made.run("-m", "mmlib", "notebook", copy, cwd=made.root, code=1)
    folder = made.results / "variants" / place
    assert sorted(file.name for file in (folder / "figures").iterdir()) == ["drawn.json", "drawn.png", "drawn.svg"]
    write(copy, draw="1 / 0\n" + DRAW)
    made.run("-m", "mmlib", "notebook", copy, cwd=made.root, code=1)
    assert list((folder / "figures").iterdir()) == [] and len(made.state()) == len(SUITES)


def test_a_notebook_of_the_suite_cannot_write_what_belongs_to_another(made):
    before = made.state()
    file = write(made.root / "notebooks" / "11_two.ipynb")
    notebook = nbformat.read(file, as_version=4)
    notebook.cells[-1].source = notebook.cells[-1].source.replace("10_one", "11_two")
    nbformat.write(notebook, file)
    printed = made.run("-m", "mmlib", "notebook", "11_two", cwd=made.root, code=1)
    assert "notebook 11_two writes what belongs to 10_one" in printed and made.state() == before
