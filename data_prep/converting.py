"""Converts parts one after the other, in their order, in as many processes as are wanted."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

import numpy as np

from data_prep.errors import PreparationError
from data_prep.raw_set import Part, Undecodable

Convert = Callable[[Part], dict[str, np.ndarray]]
Outcome = dict[str, np.ndarray] | Undecodable


def converted(convert: Convert, parts: Iterable[Part], jobs: int) -> Iterator[tuple[Part, Outcome]]:
    """Each part with its rows, or with the reason why it cannot be read.

    jobs: processes; 1 converts in this one. Only a few parts are ahead of the one that is given, so that memory does
    not fill where the disk is slow.
    """
    if jobs == 1:
        yield from ((part, _outcome(convert, part)) for part in parts)
        return
    # Forked processes would inherit locks of the decoders' threads.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            yield from _in_order(pool, convert, iter(parts), ahead=4 * jobs)
        except BrokenProcessPool as error:
            raise PreparationError("a converting process was killed: try fewer at once with --jobs.") from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _in_order(
    pool: ProcessPoolExecutor, convert: Convert, parts: Iterator[Part], ahead: int
) -> Iterator[tuple[Part, Outcome]]:
    waiting: deque[tuple[Part, Future]] = deque()
    while True:
        for part in islice(parts, ahead - len(waiting)):
            waiting.append((part, pool.submit(_outcome, convert, part)))
        if not waiting:
            return
        part, future = waiting.popleft()
        yield part, future.result()


def _outcome(convert: Convert, part: Part) -> Outcome:
    try:
        rows = convert(part)
        _check(rows, part)
    except Undecodable as error:
        return error
    return rows


def _check(rows: dict[str, np.ndarray], part: Part) -> None:
    lengths = {name: len(values) for name, values in rows.items()}
    if len(set(lengths.values())) != 1 or "labels" not in rows:
        raise PreparationError(
            f"{part.name} gave arrays of these lengths: {lengths}; expected equal ones, with labels."
        )
    for name, values in rows.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise Undecodable(f"{part.files[0]}: {name} of {part.name} holds NaN or infinite values.")
