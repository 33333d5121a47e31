"""Saying in a log how far a notebook has come: a line every few seconds, no moving bars."""

import time
from collections.abc import Callable

from nbformat import NotebookNode
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines

ENGINE = "mmlib"
SECONDS_BETWEEN_LINES = 15.0


class Progress:
    """Which cell of a notebook is running."""

    def __init__(self, name: str, say: Callable[[str], object]) -> None:
        self.name, self.say = name, say
        self.number = self.total = 0
        self.source = ""
        self._last_line = time.monotonic()

    def cell(self, number: int, total: int, source: str) -> None:
        """Notes that cell ``number`` (from 1) of ``total`` starts, and says so if the last line is long ago."""
        self.number, self.total, self.source = number, total, source
        if time.monotonic() - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            self.say(f"{self.name}: cell {number} of {total}")

    def place(self) -> str:
        """The cell that started last, in words: its number and its first line of code."""
        lines = [line.strip() for line in self.source.splitlines() if line.strip() and not line.startswith(("#", "%"))]
        return f"cell {self.number} of {self.total}" + (f" ({lines[0][:60]})" if lines else "")


class AnnouncingEngine(NBClientEngine):
    """papermill's own engine, telling a Progress of each cell."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, *, progress: Progress, **options: object
    ) -> NotebookNode:
        cell_start = nb_man.cell_start

        def announced(cell: NotebookNode, cell_index: int, **more: object) -> None:
            cells = nb_man.nb.cells
            number = cell_index + 1 - _injected(cells[: cell_index + 1])
            progress.cell(number, len(cells) - _injected(cells), cell.source if cell.cell_type == "code" else "")
            cell_start(cell, cell_index, **more)

        nb_man.cell_start = announced
        return super().execute_managed_notebook(nb_man, kernel_name, **options)


def _injected(cells: list[NotebookNode]) -> int:
    """How many cells papermill put in: the reader counts those of the notebook alone."""
    return sum("injected-parameters" in cell.metadata.get("tags", []) for cell in cells)


papermill_engines.register(ENGINE, AnnouncingEngine)
