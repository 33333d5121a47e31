"""Putting fresh outputs into a notebook that is kept in git."""

from collections.abc import Callable
from pathlib import Path

import nbformat

from mmlib.execute import execute, find_notebook
from mmlib.files import write_atomically
from mmlib.tidy import normalise


def refresh(name_or_path: str | Path, *, say: Callable[[str], object] = print) -> Path:
    """Executes the notebook with its default parameters and writes the outputs into it; returns its path.

    Cell ids, sources and tags stay as they are; timings and widgets are left out. A notebook that fails is not touched.
    """
    source = find_notebook(name_or_path)
    executed = nbformat.read(execute(source, say=say), as_version=4)
    normalise(executed)
    text = nbformat.writes(executed)
    write_atomically(source, lambda file: file.write((text.rstrip("\n") + "\n").encode()))
    return source
