"""Runs side by side, each in a process of its own, and what became of each as soon as it is known."""

import os
from collections.abc import Iterable, Iterator
from unittest.mock import patch

from joblib import Parallel, cpu_count, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError

from mmlib import paths
from mmlib.device import resolve_device
from mmlib.records.code.imported import CodeChanged
from mmlib.runs.spec import RunSpec
from mmlib.runs.store import get_or_run


def outcomes(
    specs: Iterable[RunSpec], jobs: int | None = None, device: str = "auto"
) -> Iterator[tuple[RunSpec, Exception | None]]:
    """Computes ``specs``, ``jobs`` of them at a time; gives each with None or what went wrong, as they end.

    jobs: None takes one process per core that this one may use, or one in all on a GPU. Processes keep to one thread
    each; with one job, or one run to do, this process computes. If one of them is killed, as where memory runs out,
    all runs that were not done by then have that as what went wrong.
    """
    open_ends = {spec.hash: spec for spec in specs}
    if jobs is None:
        jobs = 1 if resolve_device(device).type == "cuda" else cpu_count()
    # Processes are used again by later calls and would keep the folders that were set when they began.
    folders = {"MMLIB_RESULTS": str(paths.results_dir()), "MMLIB_DATA": str(paths.data_dir())}
    with parallel_config(backend="loky", inner_max_num_threads=1):
        at_once = Parallel(n_jobs=min(jobs, max(1, len(open_ends))), return_as="generator_unordered")
        try:
            asked = [*open_ends.items()]
            for name, failure in at_once(delayed(_outcome)(spec, name, device, folders) for name, spec in asked):
                yield open_ends.pop(name), failure
        except TerminatedWorkerError as error:
            for spec in open_ends.values():
                yield spec, error


def _outcome(spec: RunSpec, name: str, device: str, folders: dict[str, str]) -> tuple[str, Exception | None]:
    """Computes the run; the run itself is too large to send back, so only what went wrong is.

    name: that of the run where it was asked for; a process that would give it another one has other code or data.
    """
    with patch.dict(os.environ, folders):
        try:
            if spec.hash != name:
                raise CodeChanged(
                    f"the run {name} ({spec.method} on {spec.data}) would be {spec.hash} in a process that starts now, "
                    "as code or data have changed: restart this one and ask again."
                )
            get_or_run(spec, device)
        except Exception as error:
            return name, error
    return name, None
