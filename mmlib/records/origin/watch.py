"""Which cells the kernel that this process is has executed: from its history until now, and from here on as they run.

The history alone is not enough: nbval and some editors execute cells without storing them. What ran so before mmlib was
first imported stays unknown, which can only be the cell that sets the parameters, whose values are compared instead.
"""

import sys
from collections.abc import Mapping


class Watch:
    """cells: the sources, the running one last; failed: whether one ended with an error; space: the names defined."""

    def __init__(self) -> None:
        self.cells: list[str] = []
        self.failed = False
        self.space: Mapping[str, object] = {}
        self._begun = 0
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        if shell is None:
            return
        self.space = shell.user_ns
        self.cells = [cell for cell in shell.history_manager.input_hist_raw if cell.strip()]
        self.failed = bool(getattr(shell.history_manager, "exceptions", {}))  # IPython 9 notes them
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)

    def _begin(self, info: object) -> None:
        self._begun += 1
        if info.raw_cell.strip():
            self.cells.append(info.raw_cell)

    def _end(self, result: object) -> None:
        cell = result.info.raw_cell if result.info is not None else ""
        # The cell that imported mmlib began before the watch did.
        if not self._begun and cell.strip() and not result.info.store_history:
            self.cells.append(cell)
        self._begun = max(self._begun, 1)
        self.failed |= not result.success


WATCH = Watch()  # as early as possible: what runs before cannot be seen
