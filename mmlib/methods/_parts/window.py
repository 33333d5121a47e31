"""The range of epochs in which a method acts."""

from dataclasses import dataclass

from mmlib import checks


@dataclass(frozen=True)
class Window:
    """Epochs from ``start`` to ``end``, both included, counted from 0; end None: to the last epoch.

    Raises TypeError or ValueError unless 0 <= start <= end are whole numbers.
    """

    start: int = 0
    end: int | None = None

    def __post_init__(self) -> None:
        checks.whole("modulation_start", self.start)
        if self.end is not None:
            checks.whole("modulation_end", self.end)
            if self.end < self.start:
                raise ValueError(f"modulation_end must not be before modulation_start = {self.start}, got {self.end}.")

    def __contains__(self, epoch: int) -> bool:
        return self.start <= epoch and (self.end is None or epoch <= self.end)
