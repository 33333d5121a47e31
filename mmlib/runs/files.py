"""The files of a finished run: what is written, metrics.json last, and the proof that it is still what was written."""

import csv
import io
import json
import shlex
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

from mmlib.records.files import sha256_of, write_atomically, write_json
from mmlib.records.provenance import provenance
from mmlib.records.sealed import opened, read_exactly, sealed

Row = dict[str, object]


class RunDamaged(ValueError):
    """A file of a finished run is not what was written; the message names it and the command to be rid of it."""


def write_finished(folder: Path, rows: Iterable[Row], results: Mapping[str, object]) -> None:
    """Writes history.csv, environment.json and, last, metrics.json: ``results`` and the SHA-256 of all other files.

    rows: seed, epoch, name and value of everything logged in training. ``results`` holds the run's own "provenance".
    """
    _write_history(folder / "history.csv", rows)
    made_by = {**provenance(), **results["provenance"]}
    write_json(folder / "environment.json", {"provenance": made_by, "distributions": distributions()})
    hashes = {hash_name(path): sha256_of(path) for path in (*_vouched(folder), *sorted(folder.glob("checkpoint-*.pt")))}
    metrics = json.loads(json.dumps({**results, "provenance": made_by, **hashes}))
    write_json(folder / "metrics.json", sealed(metrics))


def read_metrics(folder: Path) -> dict[str, object]:
    """The content of metrics.json.

    Raises RunDamaged if it or a file that it vouches for is not as written, or if it is the run of another folder.
    """
    try:
        metrics = opened(read_exactly(folder / "metrics.json"))
    except ValueError:
        raise damaged(folder / "metrics.json") from None
    if metrics["run"] != folder.name:
        raise RunDamaged(
            f"{folder} holds the run {metrics['run']} under another name, as a copied folder does: delete it with  "
            f"rm -r {shlex.quote(str(folder))}  and ask for the run again."
        )
    for file in _vouched(folder):
        if not file.exists():
            raise damaged(file)
        require_as_written(file, metrics)
    return metrics


def require_as_written(file: Path, metrics: Mapping[str, object]) -> None:
    """Raises RunDamaged unless ``file`` is the one that the run's ``metrics`` vouch for. Raises FileNotFoundError."""
    if sha256_of(file) != metrics.get(hash_name(file)):
        raise damaged(file)


def hash_name(file: Path) -> str:
    """Under which name metrics.json holds the hash of a file of its run, such as "history_sha256"."""
    return f"{file.stem}_sha256"


def damaged(path: Path) -> RunDamaged:
    """The error for a file of a finished run."""
    return RunDamaged(
        f"{path} is damaged: delete its run with  rm -r {shlex.quote(str(path.parent))}  and ask for it again."
    )


@cache
def distributions() -> dict[str, str]:
    """Name -> version of everything installed beside this package, the one that is imported if there are several."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        found.setdefault(distribution.name.lower(), distribution.version)
    return found


def _vouched(folder: Path) -> list[Path]:
    return [folder / "spec.json", folder / "history.csv", folder / "environment.json"]


def _write_history(path: Path, rows: Iterable[Row]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["seed", "epoch", "name", "value"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, lambda file: file.write(text.getvalue().encode()))
