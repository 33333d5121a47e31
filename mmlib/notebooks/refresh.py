"""Putting fresh outputs into a notebook that is kept in git."""

from collections.abc import Callable
from pathlib import Path

import nbformat

from mmlib import paths
from mmlib.notebooks.clean import normalise
from mmlib.notebooks.execute import execute, find_notebook
from mmlib.notebooks.foreign import foreign_files
from mmlib.records.execution_record import record_file, require_whole
from mmlib.records.files import write_atomically
from mmlib.records.profiles import default_profile
from mmlib.records.sealed import opened, read_exactly


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
    """The notebook as the engine has executed it, if that is whole and was this text in this profile."""
    output = paths.outputs_dir() / "notebooks" / source.name
    if not record_file(output).is_file():
        return None
    try:
        require_whole(output)
        parameters = opened(read_exactly(output.with_suffix("") / "metrics.json"))["parameters"]
    except (ValueError, OSError):  # damaged or not there: it is executed again
        return None
    if parameters.get("profile") != default_profile() or foreign_files(paths.outputs_dir(), source.stem):
        return None
    executed, now = (nbformat.read(file, as_version=4) for file in (output, source))
    same = [(cell.id, cell.source) for cell in executed.cells] == [(cell.id, cell.source) for cell in now.cells]
    return executed if same else None
