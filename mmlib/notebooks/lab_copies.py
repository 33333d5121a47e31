"""Working copies of the notebooks for ``make lab``, so that nothing is written into the checkout.

A copy that was edited stays as it is. One that was not is renewed when the suite's notebook has changed. A copy that is
executed unedited is the suite's own code, so its results go to the suite's places (mmlib.records.origin.destination).
"""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import nbformat

from mmlib import paths
from mmlib.records.files import sha256_of, write_atomically, write_json

PICTURES = (".png", ".svg", ".jpg")  # texts of notebooks may show those that lie beside them


def lab_dir() -> Path:
    """results/lab, which JupyterLab opens."""
    return paths.results_dir() / "lab"


def renew_copies(say: Callable[[str], object] = print) -> Path:
    """Copies the suite's notebooks, and the pictures beside them, to results/lab; returns that folder.

    say: takes a line for each edited copy whose original has changed since. Raises OSError.
    """
    noted = _noted()
    for source in sorted(paths.NOTEBOOKS.glob("[!.]*.ipynb")):
        copy = lab_dir() / source.name
        if _may_replace(copy, noted.get(source.name, {}), source):
            write_atomically(copy, lambda file, source=source: file.write(source.read_bytes()))
            noted[source.name] = {"file": sha256_of(source), "code": _code_hash(source)}
        elif noted.get(source.name, {}).get("code") != _code_hash(source):
            say(f"{copy} is edited and stays as it is; the suite's {source.name} has changed: delete yours to get it")
    for picture in (file for file in paths.NOTEBOOKS.glob("[!.]*") if file.suffix in PICTURES):
        write_atomically(lab_dir() / picture.name, lambda file, picture=picture: file.write(picture.read_bytes()))
    write_json(_note_file(), noted)
    return lab_dir()


def _may_replace(copy: Path, noted: dict[str, str], source: Path) -> bool:
    """Whether ``copy`` is not there, or is still what was copied and ``source`` has changed since.

    A copy whose code is unchanged may hold new outputs: these go only with the code that made them.
    """
    if not copy.exists():
        return True
    if sha256_of(copy) == noted.get("file"):
        return sha256_of(source) != noted["file"]
    return _code_hash(copy) == noted.get("code") and _code_hash(source) != noted["code"]


def _code_hash(notebook: Path) -> str | None:
    """Of all its cells without their outputs; None for a file that is not a notebook."""
    try:
        cells = nbformat.read(notebook, as_version=4).cells
    except (ValueError, KeyError, AttributeError, OSError):
        return None
    return sha256(json.dumps([(cell.cell_type, cell.source) for cell in cells]).encode()).hexdigest()


def _note_file() -> Path:
    return lab_dir() / ".copied.json"


def _noted() -> dict[str, dict[str, str]]:
    """Name of a copy -> hashes of what was copied; nothing where the note is lost: every copy then counts as edited."""
    try:
        noted = json.loads(_note_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


if __name__ == "__main__":
    renew_copies()
