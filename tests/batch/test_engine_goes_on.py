"""Whatever stopped a batch, the next call does what is missing, and exit code 0 says that everything is there."""

import json
import os
import signal
import time

import pytest

KILL_KERNEL = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture(scope="module")
def suite(new_suite):
    return new_suite


def numbers(suite) -> dict[str, str]:
    """Hash of every run that is there -> its measures, as text."""
    files = (suite.results / "runs").glob("*/metrics.json")
    return {f.parent.name: json.dumps(json.loads(f.read_text())["records"]) for f in files}


def ends_complete(suite) -> None:
    """The next call does what is missing, and the one after that has nothing to do."""
    code, printed, _ = suite.make()
    assert code == 0 and "0 failed" in printed and "not reached" not in printed, printed
    assert "figures: 2 of 2 are there" in printed and (suite.results / "complete.json").is_file()
    code, printed, _ = suite.make()
    assert code == 0 and "Nothing to be done" in printed, printed


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM], ids=lambda s: s.name)
def test_a_batch_that_was_stopped_from_outside_goes_on(suite, end):
    suite.write("10_one", alpha={signal.SIGINT: 0.3, signal.SIGTERM: 0.35}[end])
    before = set(suite.runs())
    engine = suite.start()
    deadline = time.monotonic() + 120
    while set(suite.runs()) == before:  # until a first run is done
        assert time.monotonic() < deadline
        time.sleep(0.05)
    kept = numbers(suite)
    os.killpg(engine.pid, end)  # as Ctrl-C and batch systems do: the engine and its jobs
    printed = engine.communicate(timeout=120)[0]
    assert engine.returncode != 0, printed
    assert not (suite.results / "complete.json").exists()
    ends_complete(suite)
    assert kept.items() <= numbers(suite).items()


def test_what_fails_is_tried_and_told_by_every_call_until_it_is_mended(suite):
    suite.write("10_one", alpha='"much"')
    suite.write("11_two", alpha=0.7, extra=KILL_KERNEL)
    for _ in range(2):
        code, printed, _ = suite.make()
        assert code != 0, printed
        assert "failed: run" in printed and "TypeError: alpha must be a number" in printed
        assert "failed: 11_two, see" in printed and "notebook 11_two failed in cell 5 of 7" in printed
        assert not (suite.results / "complete.json").exists()
        assert (suite.results / "site" / "index.html").is_file()  # with what there is
    suite.write("10_one", alpha=0.3)
    suite.write("11_two", alpha=0.7)
    ends_complete(suite)


def test_what_was_deleted_is_made_again(suite):
    expected, before = sorted(f.name for f in (suite.results / "figures").iterdir()), numbers(suite)
    gone = ["figures/figure_10_one.png", "notebooks/11_two/table.csv", "site/index.html"]
    gone += [next((suite.results / "batches").glob("*.done.json")).relative_to(suite.results)]
    for file in gone:
        (suite.results / file).unlink()
    ends_complete(suite)
    assert sorted(f.name for f in (suite.results / "figures").iterdir()) == expected and numbers(suite) == before


def test_another_code_with_an_older_time_executes_the_notebooks_again(suite):
    executed = suite.executed()
    code = suite.root / "mmlib" / "figures" / "style.py"
    code.write_text(code.read_text() + "\nOLDER = 1\n")
    os.utime(code, (1e9, 1e9))  # as rsync and tar keep it
    ends_complete(suite)
    assert all(suite.executed()[name] != executed[name] for name in executed)
    executed = suite.executed()
    code.write_text(code.read_text() + "\n# a comment is not other code\n")
    assert suite.make()[0] == 0 and suite.executed() == executed


def test_a_notebook_that_is_gone_and_one_that_is_not_of_the_suite_stop_nothing(suite):
    (suite.root / "notebooks" / "11_two.ipynb").unlink()
    (suite.root / "notebooks" / "Untitled.ipynb").write_text("{}")
    suite.list_figures("10_one")
    code, printed, _ = suite.make()
    assert code == 0, printed
    assert "plan: Untitled.ipynb is left out: it is not of the suite, as it does not call write_results(" in printed
    assert "figures: 1 of 1 are there" in printed
    assert "left over: '11_two' was executed and is not in notebooks/ any more" in printed
    assert "Nothing to be done" in suite.make()[1]
