"""``python -m mmlib plan``: names the runs of every notebook before anything is computed."""

import argparse

from mmlib.commands import say


def register(commands: argparse._SubParsersAction) -> None:
    """Adds the command."""
    plan = commands.add_parser("plan", help="write results/plan.json: the runs that every notebook needs")
    plan.add_argument("names", nargs="*", metavar="NAME", help="notebooks; all of them without a name")
    plan.add_argument("--runs-per-job", type=int, default=10, metavar="N", help="at most so many runs in a job (10)")
    plan.set_defaults(run=_plan)


def _plan(options: argparse.Namespace) -> None:
    from mmlib import checks, paths
    from mmlib.engine.suite_plan import write_plan
    from mmlib.execute import find_notebook

    checks.whole("--runs-per-job", options.runs_per_job, 1)
    notebooks = [find_notebook(name) for name in options.names] or sorted(paths.NOTEBOOKS.glob("*.ipynb"))
    write_plan(notebooks, options.runs_per_job, say)
