"""Seeing that a notebook did not run to its end, and telling it so that a reader knows what to do."""

import json
from pathlib import Path

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from mmlib.notebooks.progress import Progress

HINTS = {
    PapermillExecutionError: "It ends with the traceback.",
    DeadKernelError: "A kernel most often dies for want of memory: try profile=smoke or fewer jobs at once.",
    CellTimeoutError: "It took longer than the time limit: raise --timeout or use a smaller profile.",
}


class NotebookFailed(RuntimeError):
    """A notebook did not run to its end; the message names notebook, cell, parameters, output and what to do."""


class Incomplete(Exception):
    """The notebook ended without an error, yet without all of its results."""


def require_complete(executed: NotebookNode, metrics: Path) -> None:
    """Raises Incomplete unless every code cell ran without error and the notebook wrote ``metrics``.

    papermill does not tell: after sys.exit() it leaves the remaining cells out and returns as if all were well.
    """
    code = [cell for cell in executed.cells if cell.cell_type == "code" and cell.source.strip()]
    waiting = [cell for cell in code if cell.execution_count is None]
    if waiting:
        raise Incomplete(
            f"{len(waiting)} of {len(code)} code cells never ran: a cell ended the kernel, as sys.exit() does"
        )
    if any(output.output_type == "error" for cell in code for output in cell.outputs):
        raise Incomplete("a cell ended with an error, as sys.exit() does")
    if not metrics.is_file():
        raise Incomplete(
            "it ran to its end but wrote no metrics.json: its last cell must call mmlib.notebooks.results.write_results"
        )


def explain(error: Exception, name: str, values: dict, kept: Path, progress: Progress) -> str:
    """What went wrong where, with which parameters, where the executed part lies (``kept``), and a hint."""
    raised = isinstance(error, PapermillExecutionError)
    what = f"{error.ename}: {error.evalue}" if raised else str(error).split("\n")[0]
    place = "" if isinstance(error, Incomplete) else f" in {progress.place()}"
    given = f"with {shown(values)}" if values else "with its default parameters"
    hint = next((hint for kind, hint in HINTS.items() if isinstance(error, kind)), "Open it to see how far it came.")
    ended = what if what.endswith((".", "?")) else f"{what}."
    return f"notebook {name} failed{place}, {given}: {ended} What ran is in {kept}. {hint}"


def shown(values: dict) -> str:
    """Parameters as name=value."""
    return ", ".join(f"{name}={json.dumps(value)}" for name, value in values.items())
