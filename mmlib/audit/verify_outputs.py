"""Whether the figures and the notebooks' results in an outputs folder are what was written, and of the runs there."""

from pathlib import Path

from mmlib.audit.findings import Findings
from mmlib.figure_list import disagreements, figures_listed
from mmlib.figure_record import KINDS, read_record
from mmlib.files import sha256_of


def check_outputs(outputs: Path, runs: Path, findings: Findings) -> None:
    """The figures, the metrics and tables of executed notebooks, and whether figures.yaml lists what was made."""
    for id in sorted({file.stem for file in (outputs / "figures").glob("[!.]*") if file.suffix in KINDS}):
        _check_figure(outputs / "figures" / f"{id}.json", runs, findings)
    for folder in sorted(path for path in (outputs / "notebooks").glob("[!.]*") if path.is_dir()):
        if (folder / "metrics.json").exists():
            _check_notebook(folder, findings)
        else:
            findings.counts["unfinished notebooks"] += 1
    findings.found += [f"unlisted: {sentence}" for sentence in disagreements(outputs)]


def _check_figure(file: Path, runs: Path, findings: Findings) -> None:
    findings.counts["figures"] += 1
    notebook = figures_listed().get(file.stem, {}).get("notebook", "NAME")
    do = f"make it again: python -m mmlib notebook {notebook}"
    record = findings.sealed_json(file, do)
    if record is None:
        return
    hashes = record.pop("sha256")
    if record["id"] != file.stem:
        findings.add("damaged", file, f"it is the record of the figure {record['id']}", do)
    for kind, expected in hashes.items():
        picture = file.with_suffix(f".{kind}")
        if findings.expect_hash(picture, expected, do) and read_record(picture) != record:
            findings.add("damaged", picture, f"the record in it is not that in {file.name}", do)
    for name, expected in record["inputs"].items():
        if name.startswith("runs/"):
            _check_input(file, runs / name.removeprefix("runs/") / "metrics.json", expected, do, findings)


def _check_input(figure: Path, metrics: Path, expected: str, do: str, findings: Findings) -> None:
    findings.counts["links from a figure to a run"] += 1
    if not metrics.exists():
        findings.add("missing", metrics, f"{figure.stem} was drawn from this run, which is not there", do)
    elif sha256_of(metrics) != expected:
        findings.add("outdated", figure, f"{metrics} has changed since it was drawn", do)


def _check_notebook(folder: Path, findings: Findings) -> None:
    findings.counts["notebooks"] += 1
    do = f"execute it again: python -m mmlib notebook {folder.name}"
    metrics = findings.sealed_json(folder / "metrics.json", do)
    if metrics is not None:
        findings.expect_hash(folder / "table.csv", metrics["table_sha256"], do)
        if metrics["notebook"] != folder.name:
            findings.add("damaged", folder / "metrics.json", f"it is that of {metrics['notebook']}", do)
