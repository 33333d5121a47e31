"""Whether the runs in a results folder are what was written."""

from pathlib import Path

from mmlib.audit.verify.findings import Findings, require_file
from mmlib.records.sealed import read_exactly


def check_runs(runs: Path, findings: Findings) -> None:
    """Every run folder in ``runs``: metrics.json, the files it vouches for, spec.json and the checkpoints.

    A run without metrics.json is not finished: it is counted and not looked at, as it goes on when asked for.
    """
    for folder in findings.listed(runs, "remove it and run the same command again"):
        if folder.suffix:  # the lock beside a run
            continue
        do = f"delete the folder {folder} and the run is computed again when it is asked for"
        if folder / "metrics.json" in findings.listed(folder, do):
            _check_run(folder, do, findings)
        else:
            findings.counts["unfinished runs"] += 1


def _check_run(folder: Path, do: str, findings: Findings) -> None:
    findings.counts["runs"] += 1
    metrics = findings.sealed_json(folder / "metrics.json", do)
    if metrics is None:
        return
    with findings.damage(folder / "metrics.json", do):
        _check_files(folder, metrics, do, findings)


def _check_files(folder: Path, metrics: dict, do: str, findings: Findings) -> None:
    spec = metrics["spec"]
    if metrics["run"] != folder.name:
        findings.add("damaged", folder, f"it holds the run {metrics['run']}, as a copied folder does", do)
    with findings.damage(folder / "spec.json", do):
        require_file(folder / "spec.json")
        if read_exactly(folder / "spec.json") != spec:
            raise ValueError("it is not the spec in metrics.json")
    findings.expect_hash(folder / "history.csv", metrics["history_sha256"], do)
    if "environment_sha256" in metrics:
        findings.expect_hash(folder / "environment.json", metrics["environment_sha256"], do)
    else:
        findings.counts["runs of an earlier version, without a record of the environment"] += 1
    for seed in spec["seeds"]:
        findings.counts["checkpoints"] += 1
        findings.expect_hash(folder / f"checkpoint-{seed}.pt", metrics.get(f"checkpoint-{seed}_sha256"), do)
