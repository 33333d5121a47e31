"""A process that works for another ends when that one does, however it ends.

A process that is killed (kill -9, or by a system without memory) cannot tell those that it started: they would wait for
work for ever, and hold what they inherited, such as the pipe that a caller reads.
"""

import multiprocessing
import os
import signal
import threading
import time

SECONDS_BETWEEN_LOOKS = 1.0


def end_with_parent(*_: object) -> None:
    """From now on this process ends as soon as the one that started it has ended, whatever it is doing then.

    It is to be called in a process that ``multiprocessing`` started, as the initializer of a pool is.
    """
    threading.Thread(target=_wait, args=(multiprocessing.parent_process(),), daemon=True).start()


def stop_with(process: int) -> None:
    """From now on this process gets a SIGTERM once the one of that number, of this machine, has ended."""
    threading.Thread(target=_look, args=(process,), daemon=True).start()


def _look(process: int) -> None:
    while _is_there(process):
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os.kill(os.getpid(), signal.SIGTERM)


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True


def _wait(parent: multiprocessing.Process) -> None:
    parent.join()
    os._exit(1)
