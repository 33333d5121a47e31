"""Stopping a command from outside (Ctrl-C, kill, the time limit of a batch system): it cleans up and says one line."""

import os
import signal
import sys
from collections.abc import Callable

from mmlib.records.parent_watch import stop_with

ENGINE = "MMLIB_ENGINE"  # set by the Snakefile: the process of the engine whose job this is
STOPPED = 130  # the exit code that shells give to a command ended by Ctrl-C


def stoppable(name: str, command: Callable[[], int]) -> int:
    """The exit code of ``command()``; STOPPED, after its clean-up has run, if SIGINT or SIGTERM came before its end.

    A job of the engine is stopped so too when its engine has ended, as by a hang-up or a kill that met only that one.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if ENGINE in os.environ:
        stop_with(int(os.environ[ENGINE]))
    try:
        return command()
    except KeyboardInterrupt:
        print(f"{name}: stopped before its end: run the same command again to go on.", file=sys.stderr)
        return STOPPED
