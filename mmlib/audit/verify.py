"""Whether a results folder still holds what was written: every hash in it computed again."""

from pathlib import Path

from mmlib import paths
from mmlib.audit.findings import Findings
from mmlib.audit.verify_data import check_data
from mmlib.audit.verify_outputs import check_foreign, check_outputs
from mmlib.audit.verify_runs import check_runs

PARTS = ("runs", "figures", "notebooks", "variants")


def verify(folder: Path) -> Findings:
    """Checks the runs, figures and notebooks' results in ``folder``, those of its variants, and the prepared data.

    Raises FileNotFoundError if there is no such folder, ValueError if there are no results in it.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}: give the results folder (results/ by default).")
    findings = Findings()
    check_runs(folder / "runs", findings)
    check_outputs(folder, folder / "runs", findings)
    check_foreign(folder, findings)
    for variant in findings.listed(folder / "variants", "remove it and execute the notebooks again"):
        if variant.is_dir():
            check_outputs(variant, folder / "runs", findings)
        else:
            findings.add("damaged", variant, "it is a file where a folder was written", "remove it")
    if not (findings.counts or findings.found):
        raise ValueError(f"{folder} holds no results: expected in it what `make figures` leaves, {', '.join(PARTS)}.")
    check_data(paths.data_dir(), findings)
    return findings
