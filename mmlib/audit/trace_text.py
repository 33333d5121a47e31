"""What made a figure, as lines that a person reads."""

import json
import re
import textwrap
from collections import Counter
from collections.abc import Iterable

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # also those that turn the direction
WIDTH = 110
LABEL = 13


def trace_lines(traced: dict) -> list[str]:
    """The lines that ``python -m mmlib trace`` prints for a result of ``mmlib.audit.trace.trace``.

    A record may come from anywhere: a character that would command the terminal is shown as a replacement character.
    """
    return [UNPRINTABLE.sub("\ufffd", line) for line in _lines(traced)]


def _lines(traced: dict) -> list[str]:
    record = traced["record"]
    made_by = record["provenance"]
    return [
        record["id"],
        *textwrap.wrap(record["caption"], WIDTH, initial_indent="  ", subsequent_indent="  "),
        *_part("answers", [record.get("answers", "not recorded: made by an earlier version")]),
        *_part("notebook", [_notebook(record)]),
        *_part("parameters", [", ".join(f"{k} = {_short(v)}" for k, v in record["parameters"].items()) or "none"]),
        *_part("seeds", [" ".join(map(str, record["seeds"])) or "none"]),
        *_part("runs", _runs(traced["runs"])),
        *_part("data", [*_data(record, traced["runs"]), *_prepared(traced["prepared"])]),
        *_part("commit", [_commit(made_by)]),
        *_part("versions", [", ".join(f"{name} {version}" for name, version in made_by["versions"].items())]),
        *_part("machine", [f"{made_by['device']}, {made_by['threads']} thread(s), {made_by['platform']}"]),
        *_part("make again", traced["commands"], wrap=False),
    ]


def _part(label: str, paragraphs: Iterable[str], wrap: bool = True) -> list[str]:
    lines = [line for text in paragraphs for line in (textwrap.wrap(text, WIDTH - LABEL) if wrap else [text])]
    return [f"{label if i == 0 else '':<{LABEL}}{line}" for i, line in enumerate(lines)]


def _notebook(record: dict) -> str:
    own = f"notebooks/{record['notebook']}.ipynb"
    return f"{own} with other code: {record['file'] or 'of no known file'}" if "file" in record else own


def _runs(runs: dict[str, dict]) -> list[str]:
    if not runs:
        return ["none: the figure was drawn from what its notebook computed itself"]
    flat = {hash: _flat(run["spec"]) for hash, run in runs.items() if "spec" in run}
    names = dict.fromkeys(name for options in flat.values() for name in options)
    differ = [n for n in names if len({options.get(n) for options in flat.values()}) > 1]
    same = ", ".join(f"{n} = {options[n]}" for options in list(flat.values())[:1] for n in names if n not in differ)
    lines = [f"{len(runs)}, in all of those here: {same}" if same else f"{len(runs)}"]
    for hash, run in runs.items():
        options = [f"{n} = {flat[hash][n]}" for n in differ if n in flat.get(hash, {})]
        lines.append(f"{hash} ({run['state']})  {', '.join(options)}".rstrip())
    origins = [run["provenance"] for run in runs.values() if "spec" in run]
    made = Counter(f"{_commit(origin)}, on {origin['device']}" for origin in origins)
    return lines + [f"{number} of them computed at {where}" for where, number in made.items()]


def _flat(spec: dict) -> dict[str, str]:
    """Dotted name -> value as text: {"training": {"lr": 0.1}} becomes {"training.lr": "0.1"}."""
    parts = {name.removesuffix("_options"): value for name, value in spec.items() if isinstance(value, dict)}
    plain = {name: _short(value) for name, value in spec.items() if not isinstance(value, dict)}
    return plain | {f"{part}.{n}": _short(value) for part, options in parts.items() for n, value in options.items()}


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _data(record: dict, runs: dict[str, dict]) -> list[str]:
    """One line per data set and options: the hash of what was loaded for every seed."""
    loaded: dict[str, dict[str, str]] = {}
    for run in runs.values():
        if "spec" in run:
            name, options = run["spec"]["data"], run["spec"]["data_options"]
            loaded.setdefault(f"{name} {json.dumps(options)}" if options else name, {}).update(run["data"])
    seeds = [f"{what}: " + ", ".join(f"seed {s} {hash[:16]}" for s, hash in of.items()) for what, of in loaded.items()]
    return seeds or [f"{record['data']} (the runs, which hold the hashes of the data, are not here)"]


def _prepared(manifests: dict[str, str | None]) -> list[str]:
    return [f"{name}.json here: {hash[:16] if hash else 'not prepared'}" for name, hash in manifests.items()]


def _commit(made_by: dict) -> str:
    if made_by["commit"] is None:
        return f"none: mmlib {made_by['versions'].get('mmlib')}, not from a git checkout"
    return made_by["commit"] + (" with files changed since" if made_by["dirty"] else "")
