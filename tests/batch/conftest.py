"""A whole suite in small: a copy of the project with two tiny notebooks, run by the real engine in real processes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat import v4

from mmlib import paths
from mmlib.notebooks.clean import KERNEL

SETUP = """\
from mmlib.figures import save_figure, seed_points
from mmlib.notebooks.results import write_results
from mmlib.runs.parallel import run_all
from mmlib.runs import RunSpec, inputs_of, table
parameters = {{"profile": profile, "alpha": alpha}}
"""
RUNS = """\
small = dict(data="synthetic", data_options={{"samples": [80, 40, 40], "classes": 3}}, profile=profile, seeds=(0,),
             model_options={{"width": 4, "depth": 1}}, training={{"epochs": {epochs}}})
specs = [RunSpec(method="joint", **small), RunSpec(method="agm", method_options={{"alpha": alpha}}, **small)]
run_all(specs)
"""
DRAW = """\
both = table(specs).query("measure == 'accuracy'")
figure = seed_points(both, "method", "method", xlabel="method", ylabel="accuracy")
save_figure("{figure}", figure, parameters=parameters, seeds=[0], inputs=inputs_of(specs))
"""
REPORT = 'write_results("{name}", {{"runs": len(specs)}}, both[["method", "seed", "value"]], parameters)'


@dataclass
class Suite:
    """A copy of the project; ``results`` lies outside it."""

    root: Path
    results: Path
    data: Path

    @property
    def environment(self) -> dict[str, str]:
        own = {"MMLIB_RESULTS": str(self.results), "MMLIB_PROFILE": "smoke", "PYTHONPATH": str(self.root)}
        return os.environ | {"MMLIB_DATA": str(self.data), "OMP_NUM_THREADS": "1"} | own

    def command(self, *more: str) -> list[str]:
        local = ["--profile", str(self.root / "profiles" / "local"), "--directory", str(self.results / "engine")]
        return [sys.executable, "-m", "snakemake", "--cores", "2", *local, *more]

    def start(self, *more: str) -> subprocess.Popen:
        """The engine in a process group of its own, so that it can be killed as a whole."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "start_new_session": True}
        # A shell that started the tests in the background has SIGINT ignored in all that it starts.
        options["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
        return subprocess.Popen(self.command(*more), cwd=self.root, env=self.environment, **options)

    def make(self, *more: str) -> tuple[int, str, float]:
        """Runs the engine to its end: exit code, what it printed, seconds."""
        start = time.monotonic()
        process = self.start(*more)
        printed = process.communicate(timeout=300)[0]
        return process.returncode, printed, time.monotonic() - start

    def mmlib(self, *arguments: str) -> subprocess.CompletedProcess:
        """``python -m mmlib ...`` of the copy."""
        command = [sys.executable, "-m", "mmlib", *arguments]
        return subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=300)

    def write(self, name: str, alpha: float = 0.5, text: str = "A toy.", epochs: int = 2, extra: str = "") -> None:
        """Writes a notebook with one joint run and one AGM run of strength ``alpha``."""
        cells = [
            v4.new_markdown_cell(f"# {name}\n\n{text}"),
            _tagged("parameters", f'import os\nprofile = os.environ.get("MMLIB_PROFILE", "quick")\nalpha = {alpha}'),
            _tagged("setup", SETUP.format()),
            _tagged("runs", RUNS.format(epochs=epochs)),
            v4.new_code_cell(extra or "pass"),
            v4.new_code_cell(DRAW.format(figure=f"figure_{name}")),
            v4.new_code_cell(REPORT.format(name=name)),
        ]
        notebook = v4.new_notebook(cells=cells)
        notebook.metadata.update(kernelspec=KERNEL)
        for number, cell in enumerate(cells):
            cell["id"] = f"{name[:2]}-{number:02d}"
        nbformat.write(notebook, self.root / "notebooks" / f"{name}.ipynb")

    def list_figures(self, *names: str) -> None:
        """Writes a figures.yaml for the toy notebooks ``names``."""
        entry = {"data": "synthetic", "caption": "Two accuracies.", "alt": "Two dots.", "answers": "none"}
        listed = {f"figure_{name}": {"notebook": name, **entry} for name in names}
        (self.root / "notebooks" / "figures.yaml").write_text(yaml.safe_dump(listed))

    def runs(self) -> dict[str, float]:
        """Hash of every finished run -> when its metrics.json was written."""
        return {f.parent.name: f.stat().st_mtime for f in (self.results / "runs").glob("*/metrics.json")}

    def executed(self) -> dict[str, float]:
        """Name of every executed notebook -> when it was written (inside, as Snakemake touches the file)."""
        files = (self.results / "notebooks").glob("1*.ipynb")
        return {f.stem: nbformat.read(f, 4).metadata.papermill.end_time for f in files}


def _tagged(tag: str, source: str) -> nbformat.NotebookNode:
    return v4.new_code_cell(source, metadata={"tags": [tag]})


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """Two notebooks, 10_one and 11_two, which share their joint run; nothing was run yet."""
    return _suite_in(tmp_path)


@pytest.fixture(scope="module")
def new_suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """The same for all tests of a module, which tell one story."""
    return _suite_in(tmp_path_factory.mktemp("suite"))


def _suite_in(folder: Path) -> Suite:
    root = folder / "project"
    ignored = shutil.ignore_patterns("__pycache__")
    for part in ("mmlib", "data_prep", "profiles"):
        shutil.copytree(paths.ROOT / part, root / part, ignore=ignored)
    (root / "notebooks").mkdir()
    for file in ("Snakefile", "pyproject.toml"):
        shutil.copy(paths.ROOT / file, root / file)
    shutil.copytree(paths.data_dir(), folder / "data")
    made = Suite(root, folder / "results", folder / "data")
    made.write("10_one", alpha=0.5)
    made.write("11_two", alpha=0.7)
    made.list_figures("10_one", "11_two")
    return made
