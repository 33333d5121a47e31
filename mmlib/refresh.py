"""Putting fresh outputs into a notebook that is kept in git."""

import json
from collections.abc import Callable
from pathlib import Path

import nbformat

from mmlib import paths
from mmlib.execute import execute, find_notebook
from mmlib.files import write_atomically
from mmlib.profiles import default_profile
from mmlib.tidy import normalise


def refresh(name_or_path: str | Path, *, say: Callable[[str], object] = print) -> Path:
    """Writes the outputs of the executed notebook into the notebook itself; returns its path.

    It is executed with its default parameters, unless results/notebooks has it executed as it is, in this profile. Cell
    ids, sources and tags stay as they are; timings and widgets are left out. A notebook that fails is not touched.
    """
    source = find_notebook(name_or_path)
    executed = _executed(source) or nbformat.read(execute(source, say=say), as_version=4)
    normalise(executed)
    text = nbformat.writes(executed)
    write_atomically(source, lambda file: file.write((text.rstrip("\n") + "\n").encode()))
    say(f"{source.stem}: outputs are in {source}")
    return source


def _executed(source: Path) -> nbformat.NotebookNode | None:
    """The notebook as the engine has executed it, if that was this text in this profile."""
    output = paths.outputs_dir() / "notebooks" / source.name
    metrics = output.with_suffix("") / "metrics.json"
    if not (output.is_file() and metrics.is_file()):
        return None
    executed, now = (nbformat.read(file, as_version=4) for file in (output, source))
    profile = json.loads(metrics.read_text(encoding="utf-8"))["parameters"].get("profile")
    same = [(cell.id, cell.source) for cell in executed.cells] == [(cell.id, cell.source) for cell in now.cells]
    return executed if same and profile == default_profile() else None
