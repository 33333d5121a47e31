"""``python -m mmlib summary --since SECONDS``: what a batch did."""

import argparse

from mmlib.cli import say


def register(commands: argparse._SubParsersAction) -> None:
    """Adds the command."""
    summary = commands.add_parser("summary", help="tell what a batch did: done, from cache, failed, skipped")
    summary.add_argument("--since", type=float, default=0.0, metavar="T", help="start of the batch, seconds since 1970")
    summary.set_defaults(run=_summary)


def _summary(options: argparse.Namespace) -> None:
    from mmlib.batch.summary import summary

    for line in summary(options.since):
        say(line)
