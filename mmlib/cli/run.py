"""``python -m mmlib run SPECS.yaml [MORE ...]``: computes runs that are written down in files."""

import argparse
from typing import TYPE_CHECKING

from mmlib.cli import say
from mmlib.records.states import CACHED, DONE, FAILED, counted

if TYPE_CHECKING:  # the command line answers before PyTorch is loaded
    from mmlib.runs import RunSpec


def register(commands: argparse._SubParsersAction) -> None:
    """Adds the command."""
    run = commands.add_parser("run", help="compute the runs of spec files (YAML or JSON) that are not there yet")
    run.add_argument("files", nargs="+", metavar="SPECS.yaml", help="a file with one spec or a list of them")
    run.add_argument("--jobs", type=int, metavar="N", help="runs at once (one per core, or one on a GPU)")
    run.add_argument("--device", default="auto", help="auto (the default), cpu, cuda or cuda:N")
    run.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    """Exit code 0, or 1 if a run failed; the others are done all the same."""
    from mmlib import checks
    from mmlib.device import resolve_device
    from mmlib.runs import Run
    from mmlib.runs.outcomes import outcomes
    from mmlib.runs.spec_files import read_specs

    if options.jobs is not None:
        checks.whole("jobs", options.jobs, 1)
    resolve_device(options.device)
    specs = list(dict.fromkeys(spec for file in options.files for spec in read_specs(file)))
    there = [spec for spec in specs if Run(spec).done]
    states = [_tell_old(spec) for spec in there]
    for spec, failure in outcomes([spec for spec in specs if spec not in there], options.jobs, options.device):
        states.append(_tell_new(spec, failure))
    say(f"{len(specs)} {'run' if len(specs) == 1 else 'runs'}: {counted(states)}")
    return 1 if FAILED in states else 0


def _tell_old(spec: "RunSpec") -> str:
    from mmlib.runs import RunDamaged, get_or_run

    try:
        get_or_run(spec)
    except RunDamaged as error:
        return _tell_new(spec, error)
    say(f"{spec.label}: {CACHED}")
    return CACHED


def _tell_new(spec: "RunSpec", failure: Exception | None) -> str:
    from mmlib.runs import Run

    if failure is not None:
        say(f"{spec.label}: FAILED with {type(failure).__name__}: {' '.join(str(failure).split())}")
        return FAILED
    say(f"{spec.label}: {DONE} in {Run(spec).metrics['provenance']['seconds']:.1f} s")
    return DONE
