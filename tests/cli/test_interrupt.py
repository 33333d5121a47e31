"""A command that is stopped from outside: it cleans up, says one line, and can be given again."""

import os
import signal
import subprocess
import sys
import time

import pytest

from mmlib import paths
from mmlib.cli.interrupt import ENGINE, STOPPED

LONG = """
import pathlib, sys, time
from mmlib.cli.interrupt import stoppable

def command():
    try:
        print("begun", flush=True)
        time.sleep(60)
    finally:
        pathlib.Path(sys.argv[1]).write_text("cleaned up")

sys.exit(stoppable("toy", command))
"""


def start(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=os.environ | environment,
        cwd=paths.ROOT,
        # A runner started in the background ignores SIGINT and hands that down; a user's terminal does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_clean_up_runs_and_one_line_is_said(tmp_path, number):
    process = start("-c", LONG, str(tmp_path / "end"))
    assert process.stdout.readline() == "begun\n"
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == STOPPED
    assert error == "toy: stopped before its end: run the same command again to go on.\n"
    assert (tmp_path / "end").read_text() == "cleaned up"


def test_a_job_is_stopped_when_its_engine_has_ended(tmp_path):
    engine = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    job = start("-c", LONG, str(tmp_path / "end"), **{ENGINE: str(engine.pid)})
    assert job.stdout.readline() == "begun\n"
    with pytest.raises(subprocess.TimeoutExpired):  # it works while the engine is there
        job.wait(2.5)
    engine.kill()
    engine.wait()
    _, error = job.communicate(timeout=20)
    assert job.returncode == STOPPED and error.startswith("toy: stopped before its end")
    assert (tmp_path / "end").read_text() == "cleaned up"


def test_the_exit_code_of_a_command_that_ends_by_itself_is_its_own():
    code = "import sys; from mmlib.cli.interrupt import stoppable; sys.exit(stoppable('toy', lambda: 7))"
    assert subprocess.run([sys.executable, "-c", code], cwd=paths.ROOT).returncode == 7


SLOW = "import pathlib, sys, time\npathlib.Path({here!r}).touch()\ntime.sleep(60)"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_notebook_leaves_no_file_behind(make_slow_notebook, tmp_path, number):
    started = tmp_path / "started"
    results = tmp_path / "results"
    process = start("-m", "mmlib", "notebook", str(make_slow_notebook(started)), MMLIB_RESULTS=str(results))
    end = time.monotonic() + 60
    while not started.exists() and time.monotonic() < end and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == STOPPED and error.startswith("mmlib: stopped") and error.count("\n") == 1
    assert [file.name for file in results.rglob("*") if file.is_file()] == [".slow.lock"]


@pytest.fixture
def make_slow_notebook(tmp_path):
    """make(file) -> a notebook that touches ``file`` and then takes a minute."""
    import nbformat
    from nbformat import v4

    from mmlib.notebooks.clean import KERNEL

    def make(file):
        cell = v4.new_code_cell(SLOW.format(here=str(file)))
        nbformat.write(v4.new_notebook(cells=[cell], metadata={"kernelspec": KERNEL}), tmp_path / "slow.ipynb")
        return tmp_path / "slow.ipynb"

    return make
