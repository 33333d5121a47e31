"""Executing one notebook through papermill, so that it either leaves whole results or fails in words.

papermill changes the working folder of the whole process while a notebook runs: one process per notebook, no threads.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import nbformat
import papermill
from filelock import FileLock
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from mmlib import checks, paths
from mmlib.notebooks.clean import describe_images, settle_tables
from mmlib.notebooks.destination import outputs_of, remove_results
from mmlib.notebooks.failure import Incomplete, NotebookFailed, explain, require_complete, shown
from mmlib.notebooks.progress import ENGINE, Progress
from mmlib.records.execution_record import write_record
from mmlib.records.files import write_atomically
from mmlib.records.origin.parameters import check_parameters
from mmlib.records.origin.session import EXECUTED_FILE

__all__ = ["NotebookFailed", "execute", "find_notebook"]

Say = Callable[[str], object]
# Its news (kernel, folders) is reported by mmlib's own lines, its errors by exceptions.
logging.getLogger("papermill").setLevel(logging.CRITICAL)


def find_notebook(name_or_path: str | Path) -> Path:
    """The .ipynb file meant by "12_agm" or by a path. Raises ValueError for an unknown name, FileNotFoundError."""
    path = Path(name_or_path)
    if path.suffix == ".ipynb":
        if not path.is_file():
            raise FileNotFoundError(f"there is no notebook {path}.")
        return path.resolve()
    checks.one_of("notebook", str(name_or_path), sorted(file.stem for file in paths.NOTEBOOKS.glob("*.ipynb")))
    return paths.NOTEBOOKS / f"{name_or_path}.ipynb"


def execute(
    name_or_path: str | Path,
    parameters: Mapping[str, object] | None = None,
    *,
    timeout: int | None = None,
    say: Say = print,
) -> Path:
    """Runs the notebook with ``parameters`` and returns the executed one, results/notebooks/NAME.ipynb.

    With parameters other than the default ones, from another folder, or if it writes its results under another
    notebook's name, as a copy does, it and its figures go to results/variants/NAME-HASH, so that they do not replace
    the suite's; the runs are shared. timeout: seconds one cell may take, None for no limit. say: takes the lines of
    progress.
    What an earlier run of the notebook left is removed first; a second process with the same output waits. Raises
    ValueError or TypeError for a timeout below 1 and for parameters the notebook does not take, NotebookFailed if a
    cell fails or no metrics.json is written.
    """
    if timeout is not None:
        checks.whole("timeout", timeout, 1)
    source = find_notebook(name_or_path)
    values = check_parameters(source, parameters or {})
    outputs = outputs_of(source, values)
    output = outputs / "notebooks" / f"{source.stem}.ipynb"
    output.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(output.with_name(f".{source.stem}.lock")), _environment(source, outputs):
        remove_results(output)
        _run_whole(source, output, values, timeout, say)
    return output


def _run_whole(source: Path, output: Path, values: dict, timeout: int | None, say: Say) -> None:
    metrics = output.with_suffix("") / "metrics.json"
    partial = output.with_name(f".{output.name}.partial.ipynb")
    progress = Progress(source.stem, say)
    say(f"{source.stem}: started" + (f" with {shown(values)}" if values else ""))
    start = time.perf_counter()
    try:
        _run(source, partial, values, timeout, progress)
        executed = nbformat.read(partial, as_version=4)
        require_complete(executed, metrics)
        _write(executed, output)
        write_record(output)
    except (PapermillExecutionError, DeadKernelError, CellTimeoutError, Incomplete) as error:
        kept = output.with_suffix(".failed.ipynb")
        metrics.unlink(missing_ok=True)
        os.replace(partial, kept)
        write_record(kept)
        raise NotebookFailed(explain(error, source.stem, values, kept, progress)) from error
    except BaseException:
        # Ctrl-C or a full disk: without the executed notebook, metrics.json must not say that the run is done.
        metrics.unlink(missing_ok=True)
        raise
    finally:
        partial.unlink(missing_ok=True)
    say(f"{source.stem}: done in {time.perf_counter() - start:.0f} s, see {output}")


def _run(source: Path, partial: Path, values: dict, timeout: int | None, progress: Progress) -> None:
    papermill.execute_notebook(
        _escaped(source),
        _escaped(partial),
        parameters=values,
        engine_name=ENGINE,
        kernel_name="python3",
        language="python",
        progress_bar=False,
        cwd=str(source.parent),
        execution_timeout=timeout,
        progress=progress,
        # ipykernel 7 warns of its transport at every start, and of every shutdown.
        extra_arguments=["--log-level=50"],
    )


def _escaped(path: Path) -> str:
    """``path`` as papermill takes it: it formats {...} in paths, so braces are doubled."""
    return str(path).replace("{", "{{").replace("}", "}}")


@contextmanager
def _environment(source: Path, outputs: Path) -> Iterator[None]:
    """Tells the kernel where to write, for which notebook, and to compute in one thread.

    It starts in the notebook's folder, where a relative $MMLIB_RESULTS would mean another place.
    """
    folders = {
        "MMLIB_RESULTS": str(paths.results_dir()),
        "MMLIB_DATA": str(paths.data_dir()),
        "MMLIB_OUTPUTS": str(outputs),
        EXECUTED_FILE: str(source),
        # What a notebook computes itself is stored too: sums in several threads have other last digits.
        "OMP_NUM_THREADS": "1",
    }
    before = {name: os.environ.get(name) for name in folders}
    os.environ.update(folders)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _write(executed: nbformat.NotebookNode, output: Path) -> None:
    executed.metadata.pop("widgets", None)
    describe_images(executed)
    settle_tables(executed)
    write_atomically(output, lambda file: file.write(nbformat.writes(executed).encode()))
