"""Random numbers that follow from a seed, and the state of every global generator: PyTorch's, Python's and NumPy's."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def own_random_numbers(seed: int) -> Iterator[None]:
    """Inside, all draws follow from ``seed`` (0 to 2^32 - 1); afterwards the caller's generators are as they were."""
    pythons, numpys = random.getstate(), np.random.get_state()
    # manual_seed reaches every GPU, so the state of every GPU is kept.
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            random.setstate(pythons)
            np.random.set_state(numpys)


def seed_of_epoch(seed: int, epoch: int) -> int:
    """A seed for what is drawn beside the training of ``epoch``: equal for equal arguments, another for any other."""
    return int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0])


def random_state(device: torch.device) -> dict[str, object]:
    """The state of every generator that a training on ``device`` may draw from, as tensors and plain values."""
    name, keys, *rest = np.random.get_state()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        "python": random.getstate(),
        "numpy": (name, keys.tolist(), *rest),
    }


def set_random_state(state: Mapping[str, object], device: torch.device) -> None:
    """Puts all generators into what ``random_state`` gave."""
    torch.set_rng_state(state["torch"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)
    random.setstate(state["python"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))
