"""Where a notebook's figures and results go, by what was executed and not by who executes it.

Only the suite's own notebook with its own parameters writes to results/figures and results/notebooks. Other parameters
or other code go to results/variants/NAME-HASH, the same place each time, so that they never replace the suite's.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mmlib import paths
from mmlib.records.jsonable import to_json
from mmlib.records.origin.parameters import NO_LITERAL, differing, known_parameters
from mmlib.records.origin.session import EXECUTED_FILE, Session, computed_as_in, current_session, other_code
from mmlib.records.origin.suite import variant_place, variants_dir


@dataclass(frozen=True)
class Place:
    """folder: holds figures/ and notebooks/; notebook: under which name results go there.

    origin: what records say of code other than the suite's: {"file": its file, or None where it is not known}, else {}.
    """

    folder: Path
    notebook: str
    origin: Mapping[str, str | None] = field(default_factory=dict)


_said: set[Path] = set()  # the places that this process was told of


def results_place(notebook: str) -> Place:
    """Where what belongs to the suite's ``notebook`` is written now.

    $MMLIB_OUTPUTS decides where it is set, as by ``python -m mmlib notebook``. Otherwise the cells that this kernel has
    executed do: see session.py. Prints one line, once, if it is not the suite's place. Raises ValueError if
    one notebook of the suite is executed and writes what belongs to another one.
    """
    source, executed = paths.NOTEBOOKS / f"{notebook}.ipynb", os.environ.get(EXECUTED_FILE)
    if os.environ.get("MMLIB_OUTPUTS"):
        return _told(notebook, Path(executed or source))
    session = current_session()
    code, values = other_code(session, source), _differing(session, source)
    if not code and not values:
        return Place(paths.outputs_dir(), notebook)
    file = Path(session.file)
    name = file.stem if code and file.suffix == ".ipynb" else notebook
    folder, origin = variant_place(name, values, str(file) if code else None), {"file": _shown(file)} if code else {}
    if folder not in _said:
        _said.add(folder)
        why = code or f"parameters {', '.join(values)} differ from the suite's"
        of = f" of {origin['file']}" if origin.get("file") else ""
        print(f"{why}: figures and results{of} go to {folder}")
    return Place(folder, name, origin)


def all_parameters(notebook: str, given: Mapping[str, object]) -> dict[str, object]:
    """``given``, and the live values of those of the notebook's parameters that it leaves out; JSON values."""
    live = _live(current_session(), paths.NOTEBOOKS / f"{notebook}.ipynb")
    return to_json("parameters", {**live, **given})


def _told(notebook: str, file: Path) -> Place:
    outputs, executed = paths.outputs_dir(), file.stem
    if executed != notebook and outputs.parent != variants_dir():
        raise ValueError(
            f"notebook {executed} writes what belongs to {notebook}: call write_results({executed!r}, ...), and list "
            f"the figures it saves under {executed} in notebooks/figures.yaml."
        )
    return Place(outputs, executed, {} if file == paths.NOTEBOOKS / f"{notebook}.ipynb" else {"file": _shown(file)})


def _shown(file: Path) -> str | None:
    """A file of code as records name it, without what it shows of the machine; None for a folder: a console's."""
    if file.is_dir():
        return None
    for folder in (paths.NOTEBOOKS, paths.results_dir()):
        if file.is_relative_to(folder):
            return file.relative_to(folder.parent).as_posix()
    return file.name


def _live(session: Session, source: Path) -> dict[str, object]:
    if not source.is_file():
        return {}
    return {name: session.space[name] for name in known_parameters(source) if name in session.space}


def _differing(session: Session, source: Path) -> dict[str, object]:
    """The parameters whose live value is not the default. A value that JSON lacks stands as the name of its type."""
    live = _live(session, source)
    if not live:
        return {}
    as_computed = computed_as_in(session, source)
    different = differing(source, {name: _json(value) for name, value in live.items()})
    computed = {name for name, default in known_parameters(source).items() if default is NO_LITERAL} - {"profile"}
    return {name: value for name, value in different.items() if name not in computed & as_computed}


def _json(value: object) -> object:
    try:
        return to_json("parameters", value)
    except (TypeError, ValueError):
        return f"<{type(value).__name__}>"
