"""Several processes at one results folder: every run computed once, and who waits says for whom."""

import errno
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time

import filelock
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError

from mmlib.runs import Run, RunSpec, get_or_run, table
from mmlib.runs import lock as run_lock
from mmlib.runs.lock import alone_with, note_start
from mmlib.runs.outcomes import outcomes
from mmlib.runs.spec_files import write_specs

COUNT = 100


def spec(lr=0.02, epochs=1):
    return RunSpec("synthetic", "joint", seeds=(0,), profile="smoke", data_options={"samples": [60, 30, 30]},
                   model_options={"width": 4, "depth": 1}, training={"epochs": epochs, "lr": lr})  # fmt: skip


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path / "results"))
    return tmp_path / "results"


def computations(spec):
    """How often a process began to compute the run: note_start adds a line each time."""
    return len(spec.folder.with_suffix(".lock").read_text().splitlines())


@pytest.mark.slow
def test_a_hundred_runs_asked_for_by_two_commands_at_once_are_computed_once_each(tmp_path):
    specs = [spec(lr=(1 + number) / 1000) for number in range(COUNT)]
    commands = []
    for number in range(2):
        file = tmp_path / f"{number}.json"
        write_specs(file, random.Random(number).sample(specs, COUNT))
        command = [sys.executable, "-m", "mmlib", "run", str(file), "--jobs", "1"]
        commands.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    printed = [command.communicate(timeout=300)[0] for command in commands]
    assert [command.returncode for command in commands] == [0, 0], printed
    assert {s.hash: computations(s) for s in specs} == {s.hash: 1 for s in specs}
    assert len(table(specs).query("measure == 'accuracy'")) == COUNT
    assert all(f"{COUNT} runs: " in lines and ", 0 failed" in lines for lines in printed)
    computing = {s.folder.with_suffix(".lock").read_text().split()[1] for s in specs}
    assert len(computing) == 2  # they did share the work


def test_two_processes_share_one_computation():
    # Long enough for both to want it at once.
    wanted = spec(epochs=60)
    workers = [multiprocessing.get_context("fork").Process(target=get_or_run, args=(wanted,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [w.exitcode for w in workers] == [0, 0]
    assert computations(wanted) == 1


def kill_who_computes(wanted):
    """Waits until a process computes the run, and kills that one."""
    lock = wanted.folder.with_suffix(".lock")
    while not (lock.exists() and lock.read_text()):
        time.sleep(0.01)
    os.kill(int(lock.read_text().split()[1]), signal.SIGKILL)


@pytest.mark.slow
def test_where_a_worker_is_killed_what_was_not_done_is_told_and_goes_on_later():
    specs = [spec(epochs=1000), spec(epochs=1001), spec()]
    killer = threading.Thread(target=kill_who_computes, args=specs[:1], daemon=True)
    killer.start()
    told = dict(outcomes(specs, jobs=2, device="cpu"))
    assert set(told) == set(specs) and isinstance(told[specs[0]], TerminatedWorkerError)
    assert [Run(s).done for s in specs] == [told[s] is None for s in specs]
    assert list(outcomes([spec()], jobs=1, device="cpu")) == [(spec(), None)] and Run(spec()).done


def hold(wanted, ready):
    with alone_with(wanted):
        note_start(wanted)
        ready.set()
        time.sleep(600)


@pytest.fixture
def holder():
    """A process that holds the lock of spec() until it is killed."""
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=hold, args=(spec(), ready), daemon=True)
    process.start()
    assert ready.wait(60)
    yield process
    process.kill()
    process.join(60)


def test_who_waits_says_for_whom_and_goes_on_when_that_one_is_killed(holder, monkeypatch):
    said = []

    def kill_then(*message):
        said.append(message[0] % message[1:])
        os.kill(holder.pid, signal.SIGKILL)

    monkeypatch.setattr(run_lock.log, "info", kill_then)
    silence = threading.Timer(30, holder.kill)  # where nothing is said, the test must end all the same
    silence.start()
    start = time.monotonic()
    get_or_run(spec())
    silence.cancel()
    assert 1 < time.monotonic() - start
    label = f"{spec().hash} (joint on synthetic, 1 seed, smoke)"
    assert said and f"waiting for the run {label}: process {holder.pid} on " in said[0]
    assert computations(spec()) == 2


def test_who_waits_reads_what_the_other_one_computed(monkeypatch):
    wanted = spec()
    with alone_with(wanted):
        process = multiprocessing.get_context("fork").Process(target=get_or_run, args=(wanted,))
        process.start()
        time.sleep(0.3)
        assert process.is_alive() and not Run(wanted).done
    process.join(60)
    assert process.exitcode == 0 and computations(wanted) == 1


def test_short_waits_are_not_worth_a_word(caplog):
    with alone_with(spec()):
        pass
    get_or_run(spec())
    assert caplog.text == ""


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_told(monkeypatch, results, code):
    def flock(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(filelock._unix.fcntl, "flock", flock)
    monkeypatch.setattr("warnings.warn", lambda *_, **__: None)  # filelock warns before it takes another kind of lock
    with pytest.raises(run_lock.ResultsNotWritable, match=f"{results}/runs has no locks.*MMLIB_RESULTS or --results"):
        get_or_run(spec())
    assert not spec().folder.exists()
