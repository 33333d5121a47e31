"""When a training is saved: seldom enough that saving takes a small part of its time."""

from time import monotonic

from mmlib import checks

LEAST_WAIT = 20  # times the duration of the last save: saving takes less than 5 % of the time


class SaveTimes:
    """every: seconds from one save to the next, at least, and never less than LEAST_WAIT times as long as the last save
    took; 0 saves at every opportunity. Raises TypeError or ValueError for anything but a number >= 0.
    """

    def __init__(self, every: float) -> None:
        checks.number("checkpoint_every", every, low=0)
        self.every = every
        self._last, self._duration = monotonic(), 0.0

    def due(self) -> bool:
        """Whether it is time to save again."""
        return self.every == 0 or monotonic() - self._last >= max(self.every, LEAST_WAIT * self._duration)

    def saved(self, begun: float) -> None:
        """Notes a save that began at ``begun`` (of ``monotonic``) and has just ended."""
        self._last = monotonic()
        self._duration = self._last - begun
