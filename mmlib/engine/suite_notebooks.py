"""Which notebooks a batch is about: those of the suite, named like 12_agm, and no others that lie in the folder."""

import re
from pathlib import Path

from mmlib import paths

NAME = re.compile(r"\d\d_\w+")


def suite_notebooks() -> list[Path]:
    """The suite's notebooks, by name."""
    return [file for file in _all() if NAME.fullmatch(file.stem)]


def other_notebooks() -> list[Path]:
    """What else lies in notebooks/, such as Untitled.ipynb or a copy: no batch runs it, and the plan says so."""
    return [file for file in _all() if not NAME.fullmatch(file.stem)]


def _all() -> list[Path]:
    return sorted(file for file in paths.NOTEBOOKS.glob("[!.]*.ipynb") if file.is_file())
