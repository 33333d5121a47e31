"""Stopping a command from outside (Ctrl-C, kill, the time limit of a batch system): it cleans up and says one line."""

import signal
import sys
from collections.abc import Callable

STOPPED = 130  # the exit code that shells give to a command ended by Ctrl-C


def stoppable(name: str, command: Callable[[], int]) -> int:
    """The exit code of ``command()``; STOPPED, after its clean-up has run, if SIGINT or SIGTERM came before its end."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return command()
    except KeyboardInterrupt:
        print(f"{name}: stopped before its end: run the same command again to go on.", file=sys.stderr)
        return STOPPED
