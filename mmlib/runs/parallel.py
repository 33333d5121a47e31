"""Several runs at once, each in a process of its own: what a notebook with many runs asks for before it reads them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mmlib import checks
from mmlib.runs.outcomes import outcomes
from mmlib.runs.store import Run, RunSpec

_noted: list[RunSpec] | None = None


@contextmanager
def noting() -> Iterator[list[RunSpec]]:
    """Inside, ``run_all`` computes nothing: it adds what it was asked for to the list. For mmlib.batch."""
    global _noted
    _noted = []
    try:
        yield _noted
    finally:
        _noted = None


def run_all(specs: Iterable[RunSpec], jobs: int | None = None, device: str = "auto") -> None:
    """Computes those of ``specs`` that are not there yet, ``jobs`` of them at a time; then ``table`` only reads.

    jobs: as for mmlib.runs.outcomes.outcomes. Where a run fails the others are still done, then the first failure, in
    the order of ``specs``, is raised with the run it belongs to. What is done stays, and what was broken off goes on
    when asked for again. If this process is killed, so that it cannot tell them, the others finish what they were
    given.
    Raises TypeError for anything that is not a RunSpec, ValueError for jobs below 1.
    """
    specs = list(specs)
    for spec in specs:
        checks.of_type("each of specs", spec, RunSpec, "a RunSpec")
    if jobs is not None:
        checks.whole("jobs", jobs, 1)
    if _noted is not None:
        _noted.extend(specs)
        return
    failures = dict(outcomes((spec for spec in specs if not Run(spec).done), jobs, device))
    for spec in specs:
        failure = failures.get(spec)
        if failure is not None:
            failure.add_note(f"in the run {spec}")
            raise failure
