"""Results in the suite's places that its notebooks with their own parameters did not make. Needs no PyTorch.

Since mmlib.records.origin.destination no notebook puts any there; older versions did, and a file may have been moved.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from mmlib import paths
from mmlib.records.figure_list import figures_listed
from mmlib.records.origin.parameters import NO_LITERAL, known_parameters, same
from mmlib.records.origin.suite import suite_notebooks


def foreign_results(folder: Path) -> dict[str, str]:
    """Notebook of the suite -> which of its results in the results ``folder`` were made with other parameters.

    Of metrics.json and of the record of each figure those parameters are compared that both they and the notebook have.
    The profile may be any, but one and the same for all of a notebook. What cannot be read counts as not there.
    """
    found = {name: foreign_files(folder, name) for name in suite_notebooks()}
    return {name: "; ".join(f"{file} was made with {w}" for file, w in of.items()) for name, of in found.items() if of}


def foreign_files(folder: Path, notebook: str) -> dict[Path, str]:
    """Each file of one notebook's results in ``folder`` that was made with other parameters -> which, in words."""
    source = paths.NOTEBOOKS / f"{notebook}.ipynb"
    defaults = _defaults(source)
    made = dict(_made_with(folder, notebook))
    first, *_ = [*made, None]
    why = {}
    for file, parameters in made.items():
        words = _difference(parameters, defaults)
        if parameters.get("profile") != made[first].get("profile"):
            words += [f"profile={json.dumps(parameters.get('profile'))}, unlike {first.name}"]
        if words:
            why[file] = ", ".join(words)
    return why


def _defaults(source: Path) -> dict[str, object]:
    """The notebook's parameters; none where it cannot be read, which executing it tells."""
    try:
        return known_parameters(source)
    except (ValueError, SyntaxError, OSError):
        return {}


def _made_with(folder: Path, notebook: str) -> Iterator[tuple[Path, Mapping[str, object]]]:
    """metrics.json and the figures' records, each with the parameters that it holds."""
    figures = [id for id, entry in figures_listed().items() if entry["notebook"] == notebook]
    files = [folder / "notebooks" / notebook / "metrics.json", *(folder / "figures" / f"{id}.json" for id in figures)]
    for file in files:
        try:
            parameters = json.loads(file.read_text(encoding="utf-8"))["parameters"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        if isinstance(parameters, dict):
            yield file, parameters


def _difference(parameters: Mapping[str, object], defaults: Mapping[str, object]) -> list[str]:
    """The parameters that are not the defaults as name=value; those with a computed default are left out."""
    compared = {name: default for name, default in defaults.items() if default is not NO_LITERAL and name in parameters}
    different = [name for name, default in compared.items() if not same(parameters[name], default)]
    return [f"{name}={json.dumps(parameters[name])}" for name in different]
