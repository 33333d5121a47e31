"""Converts parts one after the other, in their order, in as many processes as are wanted, and writes their rows."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

import numpy as np

from data_prep.errors import PreparationError
from data_prep.processes import pool
from data_prep.release.layout import Part, RawSet, Stopped, Undecodable
from data_prep.release.rows import RowFiles

Convert = Callable[[Part], dict[str, np.ndarray]]
Outcome = dict[str, np.ndarray] | Undecodable


def written(files: RowFiles, module: RawSet, parts: Iterable[Part], jobs: int) -> Iterator[Outcome]:
    """What became of each part, as soon as ``files`` has its rows, or the note that it cannot be read.

    Raises Stopped, and Undecodable where the set may leave nothing out.
    """
    for part, outcome in converted(module.convert, parts, jobs):
        if not isinstance(outcome, Undecodable):
            files.add(part.name, outcome)
        elif module.SKIPS:
            files.skip(part.name, str(outcome))
        else:
            raise outcome
        yield outcome


def converted(convert: Convert, parts: Iterable[Part], jobs: int) -> Iterator[tuple[Part, Outcome]]:
    """Each part with its rows, or with the reason why it cannot be read. Raises Stopped where a file cannot be reached.

    jobs: processes; 1 converts in this one. A part whose process dies twice, the second time alone, cannot be read.
    Only a few parts are ahead of the one that is given, so that memory does not fill where the disk is slow.
    """
    if jobs == 1:
        yield from ((part, outcome_of(convert, part)) for part in parts)
        return
    waiting = iter(parts)
    while True:
        with pool(jobs) as workers:
            try:
                lost = yield from _in_order(workers, convert, waiting, ahead=4 * jobs)
            finally:
                workers.shutdown(wait=False, cancel_futures=True)
        if not lost:
            return
        yield from ((part, _alone(convert, part)) for part in lost)


def outcome_of(convert: Convert, part: Part) -> Outcome:
    """What ``convert`` makes of one part, checked. Raises Stopped if a file of it cannot be reached any more."""
    try:
        rows = convert(part)
        _check(rows, part)
        return rows
    except (OSError, MemoryError) as error:
        raise Stopped(f"{getattr(error, 'filename', None) or part.files[0]}: {_why(error)}.") from error
    except Undecodable as error:
        _check_reachable(part)
        return error
    except PreparationError:
        raise
    except Exception as error:  # what decoders raise on strange files
        return Undecodable(f"{part.name}: {error!r}.")


def _in_order(
    workers: ProcessPoolExecutor, convert: Convert, parts: Iterator[Part], ahead: int
) -> Generator[tuple[Part, Outcome], None, list[Part]]:
    """Yields as ``converted``; returns the parts that were under way when a process died."""
    waiting: deque[tuple[Part, Future]] = deque()
    while True:
        try:
            for part in islice(parts, ahead - len(waiting)):
                waiting.append((part, None))
                waiting[-1] = (part, workers.submit(outcome_of, convert, part))
            if not waiting:
                return []
            outcome = waiting[0][1].result()
        except BrokenProcessPool:
            return [part for part, _ in waiting]
        yield waiting.popleft()[0], outcome


def _alone(convert: Convert, part: Part) -> Outcome:
    with pool(1) as worker:
        try:
            return worker.submit(outcome_of, convert, part).result()
        except BrokenProcessPool:
            return Undecodable(f"{part.name}: the process that reads it dies.")


def _check(rows: dict[str, np.ndarray], part: Part) -> None:
    lengths = {name: len(values) for name, values in rows.items()}
    if len(set(lengths.values())) != 1 or "labels" not in rows:
        raise PreparationError(f"{part.name} gave arrays of the lengths {lengths}: expected equal ones, with labels.")
    for name, values in rows.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise Undecodable(f"{part.name}: {name} holds NaN or infinite values.")


def _check_reachable(part: Part) -> None:
    """A file on a disk that went away looks damaged to a decoder."""
    for file in part.files:
        try:
            with file.open("rb") as opened:
                opened.read(1)
        except OSError as error:
            raise Stopped(f"{file}: {_why(error)}.") from error


def _why(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
