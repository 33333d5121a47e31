"""A process that works for another ends when that one does, however it ends.

A process that is killed (kill -9, or by a system without memory) cannot tell those that it started: they would wait for
work for ever, and hold what they inherited, such as the pipe that a caller reads.
"""

import multiprocessing
import os
import threading


def end_with_parent(*_: object) -> None:
    """From now on this process ends as soon as the one that started it has ended, whatever it is doing then.

    It is to be called in a process that ``multiprocessing`` started, as the initializer of a pool is.
    """
    threading.Thread(target=_wait, args=(multiprocessing.parent_process(),), daemon=True).start()


def _wait(parent: multiprocessing.Process) -> None:
    parent.join()
    os._exit(1)
