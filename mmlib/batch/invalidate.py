"""Forgetting what no longer holds before a batch begins: Snakemake sees that files are there, not what is in them."""

from mmlib import paths
from mmlib.batch.files import batches_folder, complete_file, metrics_file, plan_file
from mmlib.batch.missing import figures_of, missing_of_job_files, missing_of_notebook, missing_of_plan, read_sealed
from mmlib.batch.plan_inputs import plan_inputs
from mmlib.records.files import sha256_of


def forget_stale(runs_per_job: int) -> None:
    """Takes back the plan, receipts and notebooks' results that do not hold, so that the batch makes them again.

    A plan does not hold if something that it was made from has changed, or a run that it counted on is gone or changed;
    a receipt, if one of its runs is; results of a notebook, if a run of theirs is, or one of their own files, or if
    they were made in another profile. That the batch is complete is forgotten unless everything is there.
    """
    plan = read_sealed(plan_file())
    holds = bool(plan) and plan["made_from"] == plan_inputs(runs_per_job) and not missing_of_job_files(plan)
    # Also receipts of jobs that this plan does not have: a later plan may have them again.
    receipts = {file: read_sealed(file).get("runs", {}) for file in batches_folder().glob("*.done.json")}
    noted = {(run, hash) for runs in [plan.get("finished", {}), *receipts.values()] for run, hash in runs.items()}
    lost = {run for run, hash in noted if not _holds(run, hash)}
    for file, runs in receipts.items():
        if lost & set(runs) or not runs and not read_sealed(file):  # of runs that are gone, or damaged
            file.unlink()
    figures = figures_of()
    for name, entry in plan.get("notebooks", {}).items():
        if any(f"runs/{hash}" in lost for hash in entry["runs"]) or missing_of_notebook(name, figures.get(name, [])):
            metrics_file(name).unlink(missing_ok=True)
    if not holds or lost & set(plan.get("finished", {})):
        plan_file().unlink(missing_ok=True)
    if not plan_file().is_file() or missing_of_plan(plan):
        complete_file().unlink(missing_ok=True)


def _holds(run: str, hash: str) -> bool:
    """Whether "runs/HASH" is as it was when the SHA-256 of its metrics.json was noted."""
    file = paths.results_dir() / run / "metrics.json"
    return file.is_file() and sha256_of(file) == hash
