"""``python -m mmlib complete``: the engine's last step."""

import argparse

from mmlib.cli import say


def register(commands: argparse._SubParsersAction) -> None:
    """Adds the command."""
    complete = commands.add_parser("complete", help="say whether all that was planned is there, and note it if so")
    complete.set_defaults(run=_complete)


def _complete(options: argparse.Namespace) -> int:
    from mmlib.batch.files import complete_file, read_plan
    from mmlib.batch.missing import missing_of_plan
    from mmlib.records.files import write_json

    missing = missing_of_plan(read_plan())
    for line in missing:
        say(f"not complete: {line}")
    if not missing:
        write_json(complete_file(), {"complete": True})
    return 1 if missing else 0
