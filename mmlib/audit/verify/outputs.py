"""Whether the figures and the notebooks' results in an outputs folder are what was written, and of the runs there."""

import os
from pathlib import Path

from mmlib.audit.verify.findings import Findings, require_file
from mmlib.notebooks.foreign import foreign_files
from mmlib.records.execution_record import record_file
from mmlib.records.figure_list import disagreements, figures_listed, outdated_words
from mmlib.records.figure_record import KINDS, RUN, check_record, read_record
from mmlib.records.files import sha256_of
from mmlib.records.origin.suite import suite_notebooks

AGAIN = "remove it and execute the notebooks again"


def check_outputs(outputs: Path, runs: Path, findings: Findings) -> None:
    """The figures, the executed notebooks, their metrics and tables, and whether figures.yaml lists what was made."""
    for id in sorted({file.stem for file in findings.listed(outputs / "figures", AGAIN) if file.suffix in KINDS}):
        _check_figure(outputs / "figures" / f"{id}.json", runs, findings)
    files = findings.listed(outputs / "notebooks", AGAIN)
    executed = {file.stem.removesuffix(".failed") for file in files if file.suffix == ".ipynb"}
    for name in sorted(executed | {file.name for file in files if not file.suffix}):
        _check_notebook(outputs / "notebooks" / name, findings)
    findings.found += [f"unlisted: {sentence}" for sentence in disagreements(outputs)]


def check_foreign(folder: Path, findings: Findings) -> None:
    """Whether the suite's places in the results ``folder`` hold what its notebooks made with their own parameters."""
    for name in suite_notebooks():
        for file, why in foreign_files(folder, name).items():
            again = f"execute it again: python -m mmlib notebook {name}"
            findings.add("foreign", file, f"it was made with {why}", again)


def _check_figure(file: Path, runs: Path, findings: Findings) -> None:
    findings.counts["figures"] += 1
    listed = figures_listed().get(file.stem, {})
    do = f"make it again: python -m mmlib notebook {listed.get('notebook', 'NAME')}"
    record = findings.sealed_json(file, do)
    if record is None:
        return
    with findings.damage(file, do):
        hashes = record.pop("sha256")
        check_record(record)
        if record["id"] != file.stem:
            raise ValueError(f"it is the record of the figure {record['id']}")
        if words := outdated_words(file.stem, record):
            findings.add("outdated", file, f"figures.yaml has another {' and '.join(words)} for it", do)
        for kind in ("png", "svg"):
            _check_picture(file.with_suffix(f".{kind}"), hashes[kind], record, do, findings)
        for name, expected in record["inputs"].items():
            if name.startswith(RUN):
                _check_input(file, runs / name.removeprefix(RUN) / "metrics.json", expected, do, findings)


def _check_picture(picture: Path, expected: str, record: dict, do: str, findings: Findings) -> None:
    if findings.expect_hash(picture, expected, do):
        with findings.damage(picture, do):
            if read_record(picture) != record:
                raise ValueError(f"the record in it is not that in {picture.stem}.json")


def _check_input(figure: Path, metrics: Path, expected: str, do: str, findings: Findings) -> None:
    findings.counts["links from a figure to a run"] += 1
    if not metrics.exists():
        findings.add("missing", metrics, f"{figure.stem} was drawn from this run, which is not there", do)
        return
    with findings.damage(metrics, do):
        require_file(metrics)
        if sha256_of(metrics) != expected:
            findings.add("outdated", figure, f"{metrics} has changed since it was drawn", do)


def _check_notebook(folder: Path, findings: Findings) -> None:
    """notebooks/NAME, and the executed notebook beside it."""
    do = f"execute it again: python -m mmlib notebook {folder.name}"
    executed = folder.with_name(f"{folder.name}.ipynb")
    files = findings.listed(folder, do)
    if os.path.lexists(executed) or folder / "metrics.json" in files:
        findings.counts["notebooks"] += 1
        _check_metrics(folder, do, findings)
    else:
        findings.counts["unfinished notebooks"] += 1
    _check_executed(executed, do, findings)


def _check_executed(executed: Path, do: str, findings: Findings) -> None:
    """NAME.ipynb or NAME.failed.ipynb, and the record of its hash, without which an earlier version wrote it."""
    both = [executed, executed.with_name(f"{executed.stem}.failed.ipynb")]
    record = record_file(executed)
    if not os.path.lexists(record):
        for file in filter(os.path.lexists, both):
            findings.add("unproven", file, "there is no hash of it, as after an earlier version or a kill", do)
        return
    content = findings.sealed_json(record, do)
    if content is not None:
        with findings.damage(record, do):
            if content["file"] not in [file.name for file in both]:
                raise ValueError(f"it is that of {content['file']}")
            findings.expect_hash(executed.with_name(content["file"]), content["sha256"], do)


def _check_metrics(folder: Path, do: str, findings: Findings) -> None:
    metrics = findings.sealed_json(folder / "metrics.json", do)
    if metrics is not None:
        with findings.damage(folder / "metrics.json", do):
            findings.expect_hash(folder / "table.csv", metrics["table_sha256"], do)
            if metrics["notebook"] != folder.name:
                raise ValueError(f"it is that of {metrics['notebook']}")
