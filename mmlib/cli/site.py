"""``python -m mmlib site``: pages of everything that was made so far."""

import argparse

from mmlib.cli import say


def register(commands: argparse._SubParsersAction) -> None:
    """Adds the command."""
    site = commands.add_parser("site", help="write results/site from the notebooks and figures made so far")
    site.set_defaults(run=_site)


def _site(options: argparse.Namespace) -> None:
    from mmlib.site import build_site

    build_site(say=say)
