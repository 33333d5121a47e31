# data -> plan -> runs -> notebooks (with their figures) -> site. `make figures` runs it here, and
# `snakemake --profile profiles/slurm` on a cluster. MMLIB_PROFILE chooses smoke, quick (the default) or full;
# MMLIB_DATA and MMLIB_RESULTS choose the folders. --config gpu=1 gives every job that trains one GPU and only one;
# --config runs_per_job=N sets how many runs share a job.
#
# What a file is made from is compared by content before the batch begins, and what does not hold is removed
# (mmlib/batch/invalidate.py); Snakemake then makes what is not there. So the rules name as inputs what has to be made
# first.
import atexit
import json
import os
import shlex
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from snakemake.exceptions import WorkflowError

from data_prep.sources import SOURCES
from mmlib import paths
from mmlib.batch.invalidate import forget_stale
from mmlib.batch.start import check_settings, is_dry_run, only_engine, quieter, wanted_notebooks
from mmlib.batch.summary import tell
from mmlib.cli.interrupt import ENGINE
from mmlib.records.profiles import default_profile

try:
    check_settings()
except ValueError as error:
    raise WorkflowError(str(error))
DATA, RESULTS, OUTPUTS = paths.data_dir(), paths.results_dir(), paths.outputs_dir()
PYTHON = shlex.quote(sys.executable)
MMLIB = f"{PYTHON} -m mmlib"
RUNS_PER_JOB = config.get("runs_per_job", 10)
# A dry run only looks; it may name less than the next call does, as nothing was forgotten.
if workflow.is_main_process and not is_dry_run(sys.argv):
    LOCK = only_engine(RESULTS)
    try:
        forget_stale(RUNS_PER_JOB)
    except (OSError, ValueError) as error:
        raise WorkflowError(f"what is in {RESULTS} cannot be looked at: {error}")
    quieter(logger)
    # Also where there is nothing to do: what was skipped or has failed is said each time.
    atexit.register(tell, time.time())


# Snakemake's own notes go beside the results: nothing is written into the source tree.
workdir: RESULTS / "engine"


# Several processes share the cores, so each keeps to one thread. None works on when this one has ended.
shell.prefix(
    f"export OMP_NUM_THREADS=1 {ENGINE}={os.getpid()} PYTHONPATH={shlex.quote(str(paths.ROOT))}"
    + "${{PYTHONPATH:+:$PYTHONPATH}}; "
)


def notebooks_planned() -> dict[str, dict]:
    """Notebook -> its runs, batches and missing data, as soon as the plan is made."""
    return json.loads(Path(checkpoints.plan.get().output[0]).read_text(encoding="utf-8"))["notebooks"]


def receipts_of(names: Iterable[str]) -> list[Path]:
    """The receipts of the jobs that compute the runs of these notebooks."""
    batches = dict.fromkeys(batch for name in names for batch in notebooks_planned()[name]["batches"])
    return [RESULTS / "batches" / f"{batch}.done.json" for batch in batches]


def results_planned(_) -> list[Path]:
    """Everything that a complete batch leaves: receipts, executed notebooks, what these report."""
    names = wanted_notebooks(notebooks_planned())
    return receipts_of(names) + expand(rules.notebook.output, name=names)


def asked_by(wildcards) -> list[Path]:
    """What the plan says of a notebook, its source (cells, runs, code), and the receipts of its runs."""
    # The source names the runs too: a job that was cut in another way is no reason to execute a notebook again.
    receipts = [ancient(receipt) for receipt in receipts_of([wildcards.name])]
    return [RESULTS / "sources" / f"{wildcards.name}.json", *receipts]


wildcard_constraints:
    name="[^/.]+",
    batch="[0-9a-f]+",


localrules:
    batch,
    plan,
    data,


# The target. Its file is there only while everything is there: `complete` looks, and `forget_stale` looks again.
rule batch:
    input:
        results_planned,
    output:
        RESULTS / "complete.json",
    shell:
        "{MMLIB} site && {MMLIB} complete"


rule notebook:
    input:
        asked_by,
    output:
        OUTPUTS / "notebooks" / "{name}.ipynb",
        OUTPUTS / "notebooks" / "{name}" / "metrics.json",
    params:
        profile=default_profile(),
    resources:
        gpu=config.get("gpu", 0),
    shell:
        # What the notebook computes besides the planned runs keeps to its share of the machine.
        "LOKY_MAX_CPU_COUNT={threads} MMLIB_GPUS={resources.gpu} MMLIB_PROFILE={params.profile} {MMLIB} notebook {wildcards.name}"


rule runs:
    output:
        RESULTS / "batches" / "{batch}.done.json",
    resources:
        gpu=config.get("gpu", 0),
    shell:
        "MMLIB_GPUS={resources.gpu} {MMLIB} batch {wildcards.batch}"


# A checkpoint: which runs there are is known only after the data are, as a run is named by its content.
checkpoint plan:
    input:
        expand(DATA / "{data}.json", data=SOURCES),
    output:
        RESULTS / "plan.json",
    params:
        profile=default_profile(),
        runs_per_job=RUNS_PER_JOB,
    shell:
        "MMLIB_PROFILE={params.profile} {MMLIB} plan --runs-per-job {params.runs_per_job}"


rule data:
    output:
        DATA / "{data}.npz",
        DATA / "{data}.json",
    shell:
        "{PYTHON} -m data_prep {wildcards.data}"


onerror:
    # The site then names what is missing.
    shell("{MMLIB} site")
