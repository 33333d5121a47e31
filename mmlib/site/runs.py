"""The runs that figures are drawn from, a row each."""

import json
from statistics import mean

from mmlib import paths
from mmlib.records.figure_record import RUN
from mmlib.records.files import sha256_of

Row = dict[str, object]
COLUMNS = ("run", "data", "method", "model", "profile", "seeds", "options", "score", "seconds", "state", "figures")


def rows_of(figures: dict[str, dict]) -> list[Row]:
    """One row (see COLUMNS) per run that a record in ``figures`` (id -> record) names, in the order of the figures.

    state: "as drawn", "changed since", "unreadable" or "not here"; of the latter two only run and figures are known.
    """
    drawn: dict[str, dict[str, str]] = {}
    for id, record in figures.items():
        for name, sha in record["inputs"].items():
            if name.startswith(RUN):
                drawn.setdefault(name.removeprefix(RUN), {})[id] = sha
    return [_row(hash, shas) for hash, shas in drawn.items()]


def _row(hash: str, shas: dict[str, str]) -> Row:
    row = dict.fromkeys(COLUMNS, "") | {"run": hash, "figures": list(shas)}
    folder = paths.results_dir() / "runs" / hash
    if not (folder / "metrics.json").is_file():
        return row | {"state": "not here"}
    try:
        spec, metrics = (json.loads((folder / name).read_bytes()) for name in ("spec.json", "metrics.json"))
        known = _known(spec, metrics)
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError):
        return row | {"state": "unreadable"}
    unchanged = set(shas.values()) == {sha256_of(folder / "metrics.json")}
    return row | known | {"state": "as drawn" if unchanged else "changed since"}


def _known(spec: dict, metrics: dict) -> Row:
    return {
        **{name: spec[name] for name in ("data", "method", "profile", "seeds")},
        "model": _text(spec["model"]),
        "options": _options(spec),
        "score": _score(metrics["records"]),
        "seconds": metrics["provenance"]["seconds"],
    }


def _options(spec: dict) -> str:
    """The options of method, data, model and training as name=value."""
    parts = ("method_options", "data_options", "model_options", "training")
    pairs = [(name, value) for part in parts for name, value in spec[part].items()]
    return ", ".join(f"{name}={_text(value)}" for name, value in pairs)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _score(records: list[dict]) -> str:
    """The mean over seeds of what the run is judged by on the test split."""
    for measure in ("accuracy", "mae"):
        values = [r["value"] for r in records if r["measure"] == measure and r["modality"] == "all"]
        if values:
            return f"{mean(values):.3f} {measure}"
    raise ValueError("neither accuracy nor mae was measured")
