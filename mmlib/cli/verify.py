"""``python -m mmlib verify [FOLDER]``: computes every hash again and names what does not fit."""

import argparse
import time
from pathlib import Path

from mmlib import paths
from mmlib.cli import say


def register(commands: argparse._SubParsersAction) -> None:
    """Adds the command."""
    verify = commands.add_parser("verify", help="compute every hash in the results again and name what does not fit")
    verify.add_argument("folder", nargs="?", metavar="FOLDER", help="the results folder, if it is another one")
    verify.set_defaults(run=_verify)


def _verify(options: argparse.Namespace) -> int:
    from mmlib.audit.verify import verify

    start = time.perf_counter()
    findings = verify(Path(options.folder).resolve() if options.folder else paths.results_dir())
    for line in findings.found:
        say(line)
    counts = ", ".join(f"{number:,} {what}" for what, number in findings.counts.items())
    say(f"checked in {time.perf_counter() - start:.0f} s: {counts}")
    say(f"{len(findings.found)} do not fit" if findings.found else "all of it fits")
    return 1 if findings.found else 0
