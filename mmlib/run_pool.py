"""Several runs at once, each in a process of its own: what a notebook with many runs asks for before it reads them."""

from collections.abc import Iterable

from joblib import Parallel, cpu_count, delayed, parallel_config

from mmlib import checks
from mmlib.device import resolve_device
from mmlib.runs import RunSpec, get_or_run


def run_all(specs: Iterable[RunSpec], jobs: int | None = None, device: str = "auto") -> None:
    """Computes those of ``specs`` that are not there yet, ``jobs`` of them at a time; then ``table`` only reads.

    jobs: None takes one process per core that this one may use, or one in all on a GPU. Every process keeps to one
    thread. Raises what the first run that fails raises; runs that are done stay, others go on when asked for again.
    """
    if jobs is not None:
        checks.whole("jobs", jobs, 1)
    wanted = {spec.hash: spec for spec in specs if not (spec.folder / "metrics.json").exists()}
    if jobs is None:
        jobs = 1 if resolve_device(device).type == "cuda" else cpu_count()
    with parallel_config(backend="loky", inner_max_num_threads=1):
        Parallel(n_jobs=min(jobs, max(1, len(wanted))))(delayed(_compute)(spec, device) for spec in wanted.values())


def _compute(spec: RunSpec, device: str) -> None:
    get_or_run(spec, device)  # the run itself is too large to send back
