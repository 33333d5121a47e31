"""Whether a results folder still holds what was written: every hash in it computed again."""

from pathlib import Path

from mmlib import paths
from mmlib.audit.verify.data import check_data
from mmlib.audit.verify.findings import Findings
from mmlib.audit.verify.outputs import check_foreign, check_outputs
from mmlib.audit.verify.runs import check_runs
from mmlib.batch.missing import read_sealed
from mmlib.batch.plan_inputs import plan_inputs

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
    _check_code(folder, findings)
    for variant in findings.listed(folder / "variants", "remove it and execute the notebooks again"):
        if variant.is_dir():
            check_outputs(variant, folder / "runs", findings)
        else:
            findings.add("damaged", variant, "it is a file where a folder was written", "remove it")
    if not (findings.counts or findings.found):
        raise ValueError(f"{folder} holds no results: expected in it what `make figures` leaves, {', '.join(PARTS)}.")
    check_data(paths.data_dir(), findings)
    return findings


def _check_code(folder: Path, findings: Findings) -> None:
    """Whether the batch in ``folder`` was planned with the code, notebooks and list of figures that are here."""
    plan = read_sealed(folder / "plan.json")
    now = plan_inputs(runs_per_job=0)
    for part in ("code", "notebooks", "figures") if plan else ():
        if plan["made_from"].get(part) != now[part]:
            why = f"it was made with other {part} than is here"
            findings.add("outdated", folder / "plan.json", why, "run  make figures  again")
