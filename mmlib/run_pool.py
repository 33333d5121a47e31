"""Several runs at once, each in a process of its own: what a notebook with many runs asks for before it reads them."""

import os
from collections.abc import Iterable
from unittest.mock import patch

from joblib import Parallel, cpu_count, delayed, parallel_config

from mmlib import checks, paths
from mmlib.device import resolve_device
from mmlib.runs import RunSpec, get_or_run


def run_all(specs: Iterable[RunSpec], jobs: int | None = None, device: str = "auto") -> None:
    """Computes those of ``specs`` that are not there yet, ``jobs`` of them at a time; then ``table`` only reads.

    jobs: None takes one process per core that this one may use, or one in all on a GPU. Processes keep to one thread
    each; with one job, or one run to do, this process computes. Where a run fails the others are still done, then the
    first failure is raised, with the run it belongs to. What is done stays, and what was broken off goes on when asked
    for again. If this process is killed, so that it cannot tell them, the others finish what they were given.
    Raises TypeError for anything that is not a RunSpec, ValueError for jobs below 1.
    """
    specs = list(specs)
    for spec in specs:
        checks.of_type("each of specs", spec, RunSpec, "a RunSpec")
    if jobs is not None:
        checks.whole("jobs", jobs, 1)
    wanted = {spec.hash: spec for spec in specs if not (spec.folder / "metrics.json").exists()}
    if jobs is None:
        jobs = 1 if resolve_device(device).type == "cuda" else cpu_count()
    # Processes are used again by later calls and would keep the folders that were set when they began.
    folders = {"MMLIB_RESULTS": str(paths.results_dir()), "MMLIB_DATA": str(paths.data_dir())}
    with parallel_config(backend="loky", inner_max_num_threads=1):
        at_once = Parallel(n_jobs=min(jobs, max(1, len(wanted))))
        failures = at_once(delayed(_failure)(spec, device, folders) for spec in wanted.values())
    for spec, failure in zip(wanted.values(), failures, strict=True):
        if failure is not None:
            failure.add_note(f"in the run {spec}")
            raise failure


def _failure(spec: RunSpec, device: str, folders: dict[str, str]) -> Exception | None:
    """Computes the run; the run itself is too large to send back, so only what went wrong is."""
    with patch.dict(os.environ, folders):
        try:
            get_or_run(spec, device)
        except Exception as error:
            return error
    return None
