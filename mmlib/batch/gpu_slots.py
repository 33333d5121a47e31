"""One GPU for a job of the engine, and only one: Snakemake counts GPUs, but does not say which one a job may use."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from filelock import FileLock, Timeout

SECONDS_BETWEEN_TRIES = 0.5
_held: list[FileLock] = []  # until this process ends


def take_gpus() -> None:
    """Makes as many GPUs visible to this process as $MMLIB_GPUS says, 0 or 1; the engine sets it, and nobody else.

    Of this machine's GPUs the first is taken that no other job of this user has, and kept until this process ends: the
    lock is the operating system's, so that a killed job gives it back. In a Slurm job with one GPU, Slurm has chosen
    it. To be called before PyTorch looks for GPUs. Raises ValueError if $MMLIB_GPUS is not 0 or 1, or none is there.
    """
    asked = os.environ.get("MMLIB_GPUS")
    if asked not in (None, "0", "1"):
        raise ValueError(f"a job takes 0 GPUs or 1, got {asked!r}: say --config gpu=0 or gpu=1.")
    if asked == "0":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    # A Slurm job of the engine's own sees one GPU; in an allocation that somebody made by hand there may be several.
    if asked == "1" and not ("SLURM_JOB_ID" in os.environ and len(_visible()) == 1):
        lock, device = _first_free(_visible())
        _held.append(lock)
        os.environ["CUDA_VISIBLE_DEVICES"] = device


def require_gpu() -> None:
    """Raises ValueError where the engine asked for a GPU and PyTorch has none: nothing is computed elsewhere unsaid."""
    import torch

    if os.environ.get("MMLIB_GPUS") == "1" and not torch.cuda.is_available():
        raise ValueError(
            "the job was to use a GPU, and this PyTorch finds none: install one with CUDA, or leave --config gpu=1 out."
        )


def _visible() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    limited = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = limited.split(",") if limited is not None else _installed()
    names = [name.strip() for name in names if name.strip()]
    if not names:
        raise ValueError("a job was to get a GPU, and this machine shows none: leave --config gpu=1 out, or GPUS=0.")
    return names


def _installed() -> list[str]:
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return [str(number) for number, _ in enumerate(line for line in listed.splitlines() if line.startswith("GPU "))]


def _first_free(names: list[str]) -> tuple[FileLock, str]:
    # In an allocation of Slurm the numbers count from 0 again, whichever GPUs it was given.
    folder = Path(tempfile.gettempdir()) / f"mmlib-gpus-{os.getuid()}-{os.environ.get('SLURM_JOB_ID', 'all')}"
    folder.mkdir(exist_ok=True)
    while True:
        for name in names:
            lock = FileLock(folder / f"{name.replace('/', '-')}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            return lock, name
        time.sleep(SECONDS_BETWEEN_TRIES)
