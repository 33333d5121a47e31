"""``python -m mmlib trace FIGURE``: what made a figure."""

import argparse
import json

from mmlib.cli import say


def register(commands: argparse._SubParsersAction) -> None:
    """Adds the command."""
    trace = commands.add_parser("trace", help="print what made a figure: notebook, runs, data, commit, versions")
    trace.add_argument("figure", metavar="FIGURE", help="its id, or the path of its .png, .svg or .json")
    trace.add_argument("--json", action="store_true", help="for programs: the record and the runs as JSON")
    trace.set_defaults(run=_trace)


def _trace(options: argparse.Namespace) -> None:
    from mmlib.audit.trace import trace
    from mmlib.audit.trace_text import trace_lines

    traced = trace(options.figure)
    say(json.dumps(traced, indent=1, ensure_ascii=False) if options.json else "\n".join(trace_lines(traced)))
