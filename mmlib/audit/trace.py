"""What made a figure, gathered from its record and from the runs it names."""

import json
import shlex
from pathlib import Path

from mmlib import checks, paths
from mmlib.records.catalogue import PREPARED, command_for
from mmlib.records.figure_list import figures_listed
from mmlib.records.figure_record import KINDS, RUN, read_record
from mmlib.records.files import sha256_of
from mmlib.records.origin.parameters import known_parameters

# What is shown of a run: entries of its metrics.json, and what each must have.
OF_RUN = {"spec": {"data", "data_options"}, "data": set(), "provenance": {"commit", "dirty", "device"}}


def trace(figure: str) -> dict[str, object]:
    """Everything known of a figure: {"record", "runs", "prepared", "commands"}, JSON values.

    figure: an id, or the path of a .png, .svg or .json, which needs no other file. runs: hash -> state, and, where the
    run is here, spec, data (seed -> hash) and provenance. prepared: data set -> SHA-256 of its manifest, or None.
    commands: what makes the figure again. Raises ValueError or FileNotFoundError where there is nothing to trace.
    """
    is_file = Path(figure).suffix in KINDS or "/" in figure
    record = read_record(Path(figure)) if is_file else _of_id(figure)
    hashes = {name.removeprefix(RUN): sha for name, sha in record["inputs"].items() if name.startswith(RUN)}
    return {
        "record": record,
        "runs": {hash: _run(hash, sha) for hash, sha in hashes.items()},
        "prepared": {name: _manifest_hash(name) for name in _prepared_sets(record)},
        "commands": _commands(record),
    }


def _of_id(id: str) -> dict:
    listed, folder = figures_listed(), paths.outputs_dir() / "figures"
    made = {file.stem for file in folder.glob("*.json")}
    checks.one_of("figure", id, dict.fromkeys([*listed, *sorted(made)]))
    if id in made:
        return read_record(folder / f"{id}.json")
    elsewhere = sorted(paths.results_dir().glob(f"variants/*/figures/{id}.json"))
    other = f"; with other parameters it is there: {', '.join(map(str, elsewhere))}" if elsewhere else ""
    notebook = listed[id]["notebook"]
    raise ValueError(f"figure {id} is listed and not made yet: run  python -m mmlib notebook {notebook}{other}")


def _run(hash: str, expected: str) -> dict[str, object]:
    """state: "as drawn", "changed since", "unreadable" or "not here"; and what metrics.json tells of the run."""
    file = paths.results_dir() / "runs" / hash / "metrics.json"
    if not file.is_file():
        return {"state": "not here"}
    try:
        metrics = json.loads(file.read_bytes())
        known = {name: dict(metrics[name]) for name in OF_RUN}
    except (ValueError, KeyError, TypeError, OSError, RecursionError):
        return {"state": "unreadable"}
    if any(entries - set(known[name]) for name, entries in OF_RUN.items()):
        return {"state": "unreadable"}
    return {"state": "as drawn" if sha256_of(file) == expected else "changed since", **known}


def _prepared_sets(record: dict) -> list[str]:
    return [name for name in record["data"].split(", ") if name in PREPARED]


def _manifest_hash(name: str) -> str | None:
    manifest = paths.data_dir() / f"{name}.json"
    return sha256_of(manifest) if manifest.is_file() else None


def _commands(record: dict) -> list[str]:
    commit = record["provenance"]["commit"]
    prepare = [command_for(name) for name in _prepared_sets(record)]
    return ([shlex.join(["git", "checkout", commit])] if commit else []) + prepare + [_execution(record)]


def _execution(record: dict) -> str:
    """The command line that executes the notebook with the figure's parameters, the default ones left out.

    Of other code than the suite's it names the file, and gives all parameters: their defaults may be others there.
    """
    other, parameters = record.get("file"), dict(record["parameters"])
    profile = parameters.pop("profile", None)
    notebook = paths.NOTEBOOKS / f"{record['notebook']}.ipynb"
    defaults = known_parameters(notebook) if notebook.is_file() else {}
    words = ["python", "-m", "mmlib", "notebook", other or record["notebook"]]
    for name, value in parameters.items():
        # Without the notebook, at another commit say, there is no telling which parameters are its own.
        if not defaults or (name in defaults and (other or value != defaults[name])):
            words += ["-p", name, value if isinstance(value, str) else json.dumps(value)]
    if other and other.endswith(".py"):  # which takes no parameters
        words = ["python", other]
    setting = f"MMLIB_PROFILE={shlex.quote(str(profile))} " if profile else ""
    return setting + shlex.join(words)
