"""An engine that was killed, and two engines at once."""

import os
import re
import signal
import time

import pytest


def _wait_for(suite, done, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "the engine did not come so far"
        time.sleep(0.05)


@pytest.mark.parametrize("whole", [True, False], ids=["with its jobs, in a notebook", "alone, in the runs"])
def test_after_a_kill_only_what_was_left_is_done(suite, whole):
    first = suite.start()
    notebooks = suite.results / "notebooks"
    _wait_for(suite, lambda: list(notebooks.glob(".*.partial.ipynb")) if whole else suite.runs())
    if whole:
        os.killpg(first.pid, signal.SIGKILL)
    else:
        os.kill(first.pid, signal.SIGKILL)
    first.wait()
    kept = suite.runs()
    assert kept and not list(notebooks.glob("1*.ipynb"))
    code, printed, _ = suite.make()
    first.stdout.close()
    assert code == 0, printed
    after = suite.runs()
    assert len(after) == 3 and kept.items() <= after.items()
    for hash in kept:
        assert f"run {hash}" not in printed or re.search(rf"run {hash} .*: from cache", printed)
    assert set(suite.executed()) == {"10_one", "11_two"}
    code, printed, _ = suite.make()
    assert code == 0 and "Nothing to be done" in printed


def test_a_hang_up_of_the_engine_alone_stops_its_job_too(suite):
    suite.write("10_one", extra="import time\ntime.sleep(600)")
    engine = suite.start()
    _wait_for(suite, lambda: list((suite.results / "notebooks").glob(".10_one.*.partial.ipynb")))
    os.kill(engine.pid, signal.SIGHUP)
    engine.wait()
    # Stopped, it cleans up.
    _wait_for(suite, lambda: not list((suite.results / "notebooks").glob(".10_one.*.partial.ipynb")), seconds=30)
    engine.stdout.close()


def test_of_two_engines_at_once_the_second_waits_and_finds_all_done(suite):
    engines = [suite.start() for _ in range(2)]
    printed = [engine.communicate(timeout=300)[0] for engine in engines]
    assert [engine.returncode for engine in engines] == [0, 0], printed
    waiting = [text for text in printed if "so this one waits until it has ended" in text]
    assert len(waiting) == 1 and re.search(r"engine: process \d+ on .* works on", waiting[0])
    assert "Nothing to be done" in waiting[0]
    everything = "".join(printed)
    assert len(re.findall(r"^run .*: done in", everything, re.M)) == 3
    assert len(re.findall(r"^1\d_\w+: done in", everything, re.M)) == 2
