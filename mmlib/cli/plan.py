"""``python -m mmlib plan``: names the runs of every notebook before anything is computed."""

import argparse

from mmlib.cli import say


def register(commands: argparse._SubParsersAction) -> None:
    """Adds the command."""
    plan = commands.add_parser("plan", help="write results/plan.json: the runs that every notebook needs")
    plan.add_argument("--runs-per-job", type=int, default=10, metavar="N", help="at most so many runs in a job (10)")
    plan.set_defaults(run=_plan)


def _plan(options: argparse.Namespace) -> None:
    from mmlib import checks, paths
    from mmlib.batch.plan import write_plan
    from mmlib.records.origin.suite import other_notebooks, suite_notebooks

    checks.whole("--runs-per-job", options.runs_per_job, 1)
    for name in other_notebooks():
        say(f"plan: {name}.ipynb is left out: it is not of the suite, as it does not call write_results({name!r}, ...)")
    write_plan([paths.NOTEBOOKS / f"{name}.ipynb" for name in suite_notebooks()], options.runs_per_job, say)
