"""Training on rows that stay on the disk: how much memory it takes, and how fast it is beside rows in memory.

    python3 tests/benchmarks/streaming.py memory [--gigabytes G] [--folder FOLDER]
    python3 tests/benchmarks/streaming.py speed  [--rows N] [--rounds N] [--threads N] [--folder FOLDER]

memory: makes a set of G gigabytes (pictures of 3 x 112 x 112 bytes and vectors of 64 floats), trains one epoch of it in
a process of its own and prints the most that this process and its workers had resident together: the sum of their
proportional set sizes, in which a page that several of them share counts once, and beside it the sum of their resident
set sizes, in which it counts for each of them.
speed: epochs over the same rows in memory (as floats) and on the disk take turns in one process; prints rows a second
of both, and the median of the ratios of neighbours. N is 16,000: as floats these take more than what stays in memory
by default; with fewer rows the start of the workers weighs more. They run beside the threads of the training.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from mmlib.data import MultimodalData, Split
from mmlib.data.storage.mapped import MappedRows, View
from mmlib.methods import Joint
from mmlib.models import build_model
from mmlib.training import fit

PICTURE, VECTOR, CLASSES = (3, 112, 112), (64,), 10
ROW_BYTES = int(np.prod(PICTURE)) + 4 * VECTOR[0]
VALID = 256
AT_ONCE = 1000


def make(folder: Path, rows: int) -> None:
    """Writes ``rows`` rows whose label shows in both modalities."""
    shapes = {"picture": (np.uint8, PICTURE), "vector": (np.float32, VECTOR), "labels": (np.int64, ())}
    files = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, (rows, *shape))
        for name, (dtype, shape) in shapes.items()
    }
    generator = np.random.default_rng(0)
    for start in range(0, rows, AT_ONCE):
        part = slice(start, min(rows, start + AT_ONCE))
        labels = generator.integers(0, CLASSES, part.stop - start)
        files["labels"][part] = labels
        files["vector"][part] = generator.normal(size=(len(labels), *VECTOR)) + labels[:, None] / CLASSES
        noise = generator.integers(0, 200, (len(labels), *PICTURE), dtype=np.uint8)
        files["picture"][part] = noise + (5 * labels[:, None, None, None]).astype(np.uint8)


def streamed(folder: Path) -> MultimodalData:
    """The set in ``folder``, its rows on the disk; the last rows are the validation and the test split."""
    labels = torch.from_numpy(np.load(folder / "labels.npy"))
    views = {"picture": View("picture", 1 / 128, -1.0), "vector": View("vector")}

    def split(numbers: Tensor) -> Split:
        inputs = {m: MappedRows(folder / f"{m}.npy", "", view, numbers) for m, view in views.items()}
        return Split(inputs, labels[numbers])

    order = torch.arange(len(labels))
    held = split(order[-VALID:])
    return MultimodalData("generated", split(order[:-VALID]), held, held, tuple(map(str, range(CLASSES))))


def network() -> Joint:
    """A small network: three layers 16 wide for either modality, convolutions for pictures."""
    torch.manual_seed(0)
    shapes = {"picture": PICTURE, "vector": VECTOR}
    return Joint(build_model(shapes, CLASSES, {"picture": "conv2d", "vector": "mlp"}, width=16, depth=3))


def one_epoch(folder: Path) -> None:
    """Trains one epoch, as a user would."""
    print(fit(network(), streamed(folder), epochs=1, device="cpu").epochs[-1]["loss"])


def most_resident(command: Sequence[str]) -> dict[str, float]:
    """The most memory, in gigabytes, that a command and its child processes had together, and its seconds."""
    started, most = time.monotonic(), {"pss": 0, "rss": 0}
    process = psutil.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        family = [_resident(p) for p in [process, *_children(process)]]
        most = {kind: max(known, sum(memory[kind] for memory in family)) for kind, known in most.items()}
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}.")
    sizes = {"most_resident_gb": most["pss"] / 1e9, "most_rss_sum_gb": most["rss"] / 1e9}
    return sizes | {"seconds": time.monotonic() - started}


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _resident(process: psutil.Process) -> dict[str, int]:
    try:
        memory = process.memory_full_info()
        return {"pss": memory.pss, "rss": memory.rss}
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return {"pss": 0, "rss": 0}


def rates(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Rows a second of an epoch in each round, in memory and streamed, taking turns."""
    on_disk = streamed(folder).train
    in_memory = Split({m: x[:] for m, x in on_disk.inputs.items()}, on_disk.labels)
    method, found = network(), {"memory": [], "streamed": []}
    optimizer = torch.optim.SGD(method.parameters(), lr=0.01)
    for number in range(rounds + 1):
        for name, split in {"memory": in_memory, "streamed": on_disk}.items():
            rate = len(split) / sum(_timed_steps(method, optimizer, split, number))
            if number:  # the first round warms up
                found[name].append(rate)
    return found


def _timed_steps(method: Joint, optimizer: torch.optim.Optimizer, split: Split, seed: int) -> Iterator[float]:
    """Seconds of every step, the wait for its batch and the start of the workers included."""
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(seed))
    before = time.perf_counter()
    for inputs, labels in split.batches(order.split(64)):
        method.step(inputs, labels, optimizer)
        now = time.perf_counter()
        yield now - before
        before = now


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints what was measured as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["memory", "speed", "epoch"])
    parser.add_argument("--gigabytes", type=float, default=4.0)
    parser.add_argument("--rows", type=int, default=16_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the set is made (a temporary folder)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    if options.what == "epoch":
        one_epoch(options.folder)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        measured = _memory(Path(folder), options) if options.what == "memory" else _speed(Path(folder), options)
    print(json.dumps(measured, indent=1))


def _memory(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    rows = int(options.gigabytes * 1e9 / ROW_BYTES) + 1
    make(folder, rows)
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e9
    command = [sys.executable, __file__, "epoch", "--folder", str(folder), "--threads", str(options.threads)]
    return {"rows": rows, "set_gb": size, **most_resident(command)}


def _speed(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    make(folder, options.rows + VALID)
    found = rates(folder, options.rounds)
    ratios = [s / m for s, m in zip(found["streamed"], found["memory"], strict=True)]
    medians = {f"{name}_rows_per_s": statistics.median(values) for name, values in found.items()}
    return medians | {"ratio": statistics.median(ratios), "ratio_low": min(ratios), "ratio_high": max(ratios)}


if __name__ == "__main__":
    main()
