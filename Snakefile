# data -> plan -> runs -> notebooks (with their figures) -> site. `make figures` runs it here, and
# `snakemake --profile profiles/slurm` on a cluster. MMLIB_PROFILE chooses smoke, quick (the default) or full;
# MMLIB_DATA and MMLIB_RESULTS choose the folders. --config gpu=1 gives every job that trains one GPU and only one;
# --config runs_per_job=N sets how many runs share a job.
import atexit
import json
import shlex
import sys
import time
from pathlib import Path

from data_prep.sources import SOURCES
from mmlib import paths
from mmlib.engine.at_work import only_engine, quieter, wanted_notebooks
from mmlib.engine.stale import forget_stale
from mmlib.engine.summary import tell
from mmlib.catalogue import PREPARED
from mmlib.profiles import default_profile

DATA, RESULTS, SOURCE = paths.data_dir(), paths.results_dir(), paths.NOTEBOOKS
OUTPUTS = paths.outputs_dir()
NAMES = sorted(file.stem for file in SOURCE.glob("*.ipynb"))
PYTHON = shlex.quote(sys.executable)
MMLIB = f"{PYTHON} -m mmlib"
# These shape plans, pages and checks but no figure, so a change in them runs no notebook again.
APART = {"audit", "commands", "engine", "site", "__main__.py", "refresh.py"}
FILES = sorted((paths.ROOT / "mmlib").rglob("*.py"))
CODE = [file for file in FILES if not APART & set(file.relative_to(paths.ROOT / "mmlib").parts)]
if workflow.is_main_process:
    LOCK = only_engine(RESULTS)
    forget_stale()
    quieter(logger)
    # Also where there is nothing to do: what was skipped or has failed is said each time.
    atexit.register(tell, time.time())


# Snakemake's own notes go beside the results: nothing is written into the source tree.
workdir: RESULTS / "engine"


# Several processes share the cores, so each keeps to one thread.
shell.prefix("export OMP_NUM_THREADS=1 PYTHONPATH=" + shlex.quote(str(paths.ROOT)) + "${{PYTHONPATH:+:$PYTHONPATH}}; ")


def notebooks_planned() -> dict[str, dict]:
    """Notebook -> its runs, batches and missing data, as soon as the plan is made."""
    return json.loads(Path(checkpoints.plan.get().output[0]).read_text(encoding="utf-8"))["notebooks"]


def asked_by(wildcards) -> list[Path]:
    """What the plan says of a notebook: its cells without their outputs, and the receipts of its runs."""
    batches = notebooks_planned()[wildcards.name]["batches"]
    # The source names the runs too: a job that was cut in another way is no reason to execute a notebook again.
    receipts = [ancient(RESULTS / "batches" / f"{batch}.done.json") for batch in batches]
    return [RESULTS / "sources" / f"{wildcards.name}.json", *receipts]


wildcard_constraints:
    name="[^/.]+",
    batch="[0-9a-f]+",


localrules:
    site,
    plan,
    data,


rule site:
    input:
        lambda _: expand(OUTPUTS / "notebooks" / "{name}" / "metrics.json", name=wanted_notebooks(notebooks_planned())),
        SOURCE / "figures.yaml",
        sorted(file for file in (paths.ROOT / "mmlib" / "site").rglob("*") if file.suffix != ".pyc" and file.is_file()),
    output:
        RESULTS / "site" / "index.html",
    shell:
        "{MMLIB} site"


rule notebook:
    input:
        CODE,
        asked_by,
    output:
        OUTPUTS / "notebooks" / "{name}.ipynb",
        OUTPUTS / "notebooks" / "{name}" / "metrics.json",
    params:
        # A recorded parameter: results of another profile do not count as done.
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
        expand(SOURCE / "{name}.ipynb", name=NAMES),
        expand(DATA / "{data}.json", data=SOURCES),
        FILES,
        RESULTS / "lost.json",
    output:
        RESULTS / "plan.json",
    params:
        profile=default_profile(),
        runs_per_job=config.get("runs_per_job", 10),
        # Data that were prepared meanwhile bring back the notebooks that were skipped without them.
        prepared=sorted(name for name in PREPARED if (DATA / f"{name}.json").is_file()),
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
