"""Runs in processes that are killed with SIGKILL: finished by the same command, they end with the same bits."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

from mmlib.__main__ import main
from mmlib.runs import RunSpec, get_or_run
from mmlib.runs.spec_files import write_specs
from mmlib.training import fit

EPOCHS, SEEDS = 12, (0, 1)
MEASURES = {"agm": ("competition", "probe"), "aim": (), "mcr": ()}
OPTIONS = {"samples": [120, 60, 60], "classes": 3}


def spec(method="agm", width=8):
    # Thirty batches an epoch: it takes long enough for another process to see where the run is.
    return RunSpec(
        data="synthetic",
        method=method,
        seeds=SEEDS,
        profile="smoke",
        data_options=OPTIONS,
        measures=MEASURES[method],
        model_options={"width": width, "depth": 2},
        training={"epochs": EPOCHS, "batch_size": 4},
    )


def bits_of(run):
    return run.metrics["records"], run.metrics["history_sha256"]


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Calling it with a name changes to a results folder of that name."""

    def change(name):
        monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path / name))
        return tmp_path / name

    change("unbroken")
    # A checkpoint after every epoch, however short, also in the processes that are forked from this one.
    monkeypatch.setattr("mmlib.runs.compute.fit", partial(fit, checkpoint_every=0.0))
    return change


def command(file):
    return ["run", str(file), "--jobs", "1", "--device", "cpu"]


def started(file):
    """The command in a process of its own, forked, so that it need not import everything first."""
    process = multiprocessing.get_context("fork").Process(target=main, args=(command(file),))
    process.start()
    return process


def wait_for(condition, process, seconds=120):
    """Looks as often as it can; the process must still be at work when the condition is met."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.is_alive() and time.monotonic() < end, "the run ended before it could be killed"


def checkpoints(spec):
    """How many epochs of all seeds have been written, told by the files' inodes as they change."""
    seen = set()

    def count():
        for seed in SEEDS:
            try:
                seen.add((seed, os.stat(spec.folder / f"checkpoint-{seed}.pt").st_mtime_ns))
            except FileNotFoundError:
                pass
        return len(seen)

    return count


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("method", MEASURES)
def test_killed_at_random_epochs_and_finished(results, tmp_path, method):
    wanted, file = spec(method), tmp_path / "spec.yaml"
    write_specs(file, [wanted])
    expected = bits_of(get_or_run(wanted, device="cpu"))
    for number in range(2):
        draw = random.Random(f"{method} {number}")
        results(f"killed-{number}")
        for _ in range(2):
            process, count, epochs = started(file), checkpoints(wanted), draw.randrange(1, EPOCHS - 3)
            wait_for(lambda: count() >= epochs, process)
            time.sleep(draw.uniform(0, 0.02))
            kill(process)
        assert not (wanted.folder / "metrics.json").exists()
        assert main(command(file)) == 0
        assert bits_of(get_or_run(wanted)) == expected
        assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.slow
def test_killed_while_the_checkpoint_is_written_and_finished(results, tmp_path):
    wanted, file = spec(width=300), tmp_path / "spec.yaml"
    write_specs(file, [wanted])
    expected = bits_of(get_or_run(wanted, device="cpu"))
    results("killed")
    for _ in range(20):
        process = started(file)
        wait_for(lambda: len(list(wanted.folder.glob(".checkpoint-*.partial"))) > 0, process)
        kill(process)
        if list(wanted.folder.glob(".checkpoint-*.partial")):
            break
    assert list(wanted.folder.glob(".checkpoint-*.partial")), "never killed in the middle of writing"
    assert main(command(file)) == 0
    assert bits_of(get_or_run(wanted)) == expected
    assert not list(tmp_path.rglob("*.partial"))


def test_a_killed_command_line_leaves_a_lock_that_blocks_nobody(results, tmp_path):
    wanted, file = spec(), tmp_path / "spec.yaml"
    write_specs(file, [wanted])
    process = subprocess.Popen([sys.executable, "-m", "mmlib", "--results", str(results("cli")), *command(file)])
    process.is_alive = lambda: process.poll() is None
    wait_for(lambda: (wanted.folder / "checkpoint-0.pt").exists(), process)
    process.kill()
    assert process.wait(60) == -signal.SIGKILL
    lock = wanted.folder.with_suffix(".lock")
    assert lock.read_text().startswith(f"process {process.pid} on ")
    start = time.monotonic()
    get_or_run(wanted, device="cpu")
    assert time.monotonic() - start < 60 and len(lock.read_text().splitlines()) == 2
