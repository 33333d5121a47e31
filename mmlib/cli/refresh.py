"""``python -m mmlib refresh NAME``: fresh outputs for a notebook that is kept in git."""

import argparse

from mmlib.cli import say


def register(commands: argparse._SubParsersAction) -> None:
    """Adds the command."""
    refresh = commands.add_parser("refresh", help="execute a notebook and put the outputs into the notebook itself")
    refresh.add_argument("name", metavar="NAME")
    refresh.set_defaults(run=_refresh)


def _refresh(options: argparse.Namespace) -> None:
    from mmlib.notebooks.refresh import refresh

    refresh(options.name, say=say)
