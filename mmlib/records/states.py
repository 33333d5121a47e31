"""What became of a run or a notebook, in the words that every command prints."""

from collections import Counter
from collections.abc import Iterable, Sequence

DONE, CACHED, FAILED, SKIPPED, DIVERGED, NOT_REACHED = (
    "done", "from cache", "failed", "skipped", "diverged", "not reached"
)  # fmt: skip


def counted(states: Iterable[str], always: Sequence[str] = (DONE, CACHED, FAILED)) -> str:
    """Such as "3 done, 0 from cache, 1 failed"; ``always``: those that are named even if there are none."""
    counts = Counter(dict.fromkeys(always, 0))
    counts.update(states)
    return ", ".join(f"{number} {state}" for state, number in counts.items())
