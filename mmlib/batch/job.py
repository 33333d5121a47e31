"""One job of the engine: the runs of a batch one after another, and a receipt of what became of them."""

from collections.abc import Callable

from mmlib.batch.files import batch_file, failure_file, receipt_file
from mmlib.records.files import write_json
from mmlib.records.sealed import sealed
from mmlib.records.states import CACHED, DIVERGED, DONE, FAILED
from mmlib.runs import Run, RunSpec, get_or_run, inputs_of
from mmlib.runs.spec_files import read_specs
from mmlib.training import TrainingDiverged


def run_batch(id: str, say: Callable[[str], object]) -> bool:
    """Computes the runs of the batch that are not there yet; whether all of them came to an end.

    A training that diverges has come to an end: its notebook has to tell of it. Where a run fails the others are still
    done. Leaves results/batches/ID.done.json if all ended (hash of every run's metrics.json, and what diverged), else
    ID.failed.json (run -> why). Raises FileNotFoundError for a batch that is not planned.
    """
    specs = read_specs(batch_file(id))
    failure_file(id).unlink(missing_ok=True)
    diverged, failed = {}, {}
    for spec in specs:
        try:
            _run(spec, say)
        except TrainingDiverged as error:
            diverged[spec.hash] = str(error)
            say(f"run {spec.label}: {DIVERGED}: {error}")
        except Exception as error:
            failed[spec.hash] = f"{type(error).__name__}: {error}"
            say(f"run {spec.label}: {FAILED}: {failed[spec.hash]}")
    if failed:
        write_json(failure_file(id), failed)
        return False
    finished = inputs_of(spec for spec in specs if spec.hash not in diverged)
    write_json(receipt_file(id), sealed({"runs": finished, "diverged": diverged}))
    return True


def _run(spec: RunSpec, say: Callable[[str], object]) -> None:
    cached = Run(spec).done
    run = get_or_run(spec)
    how = CACHED if cached else f"{DONE} in {run.metrics['provenance']['seconds']:.0f} s"
    say(f"run {spec.label}: {how}")
