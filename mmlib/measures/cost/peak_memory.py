"""How much memory one training step needs at its peak, beyond what was held before it."""

import ctypes
import statistics
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import torch

CLEAR, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
RESET_HIGH_WATER = "5"  # proc(5), clear_refs
REPEATS = 3
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # mallopt(3)
SMALL = 64 * 2**10
LARGEST = 32 * 2**20


def peak_mib(step: Callable[[], object], device: torch.device) -> float | None:
    """MiB that a call of ``step`` holds at its peak beyond what was held before it; ``step`` should have run before.

    On CUDA: of the tensors that PyTorch holds there. On a CPU under Linux: of the process's resident memory, from the
    high-water mark that the kernel keeps; the median of 3 calls. With glibc it repeats to about 1 MiB; under another C
    library the freed memory that it keeps counts too. None on any other device, and where there is no mark.
    Time first, then measure this: afterwards glibc stays set as it is once a process has freed a block of 32 MiB.
    """
    if device.type == "cuda":
        return _cuda_peak(step, device)
    if device.type != "cpu" or not _kernel_keeps_the_mark():
        return None
    # A new thread has a heap of its own, without the holes of earlier work that large blocks would be put into.
    with _freed_blocks_go_back_at_once(), ThreadPoolExecutor(1) as thread:
        return thread.submit(_resident_peak, step).result()


def _cuda_peak(step: Callable[[], object], device: torch.device) -> float:
    torch.cuda.synchronize(device)
    held = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    step()
    torch.cuda.synchronize(device)
    return (torch.cuda.max_memory_allocated(device) - held) / 2**20


def _resident_peak(step: Callable[[], object]) -> float:
    step()  # what it leaves behind, such as gradients, then lies in this thread's heap
    peaks = []
    for _ in range(REPEATS):
        CLEAR.write_text(RESET_HIGH_WATER)
        held = _status_mib("VmRSS")
        step()
        peaks.append(_status_mib("VmHWM") - held)
    return statistics.median(peaks)


def _kernel_keeps_the_mark() -> bool:
    """Whether the high-water mark can be set back and read: under Linux, but not in every container."""
    try:
        CLEAR.write_text(RESET_HIGH_WATER)
        return _status_mib("VmHWM") > 0
    except (OSError, KeyError):
        return False


@contextmanager
def _freed_blocks_go_back_at_once() -> Iterator[None]:
    """Inside, glibc takes every block of 64 KiB or more from the system and returns it when freed."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):
        yield
        return
    libc.mallopt(MMAP_THRESHOLD, SMALL)
    try:
        yield
    finally:
        # glibc has stopped adjusting these itself; left at 64 KiB, all that follows would be slow.
        libc.mallopt(MMAP_THRESHOLD, LARGEST)
        libc.mallopt(TRIM_THRESHOLD, 2 * LARGEST)


def _status_mib(field: str) -> float:
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(lines[field].split()[0]) / 2**10
