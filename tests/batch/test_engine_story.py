"""One folder of results through its life: made, found done, a text touched, a number changed, a notebook broken."""

import json
import re
import resource
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest


@pytest.fixture(scope="module")
def made(new_suite):
    """A suite that was run once, and what that printed."""
    before = _files(new_suite.root)
    code, printed, _ = new_suite.make()
    assert code == 0, printed
    assert _files(new_suite.root) == before  # nothing is written into the source tree
    return new_suite, printed


def _files(root: Path) -> dict[str, bytes]:
    """Every file of the copy but Python's own notes on it."""
    files = (f for f in root.rglob("*") if f.is_file() and "__pycache__" not in f.parts)
    return {str(f.relative_to(root)): f.read_bytes() for f in files}


def test_everything_is_made_and_told(made):
    suite, printed = made
    assert "runs: 3 done, 0 from cache, 0 failed, 0 skipped" in printed
    assert "notebooks: 2 done, 0 from cache, 0 failed, 0 skipped" in printed
    assert "figures: 2 of 2 are there" in printed
    assert re.search(r"\d+ of 7 steps \(\d+%\) done", printed)
    done = r"^run [0-9a-f]{16} \((joint|agm)[^)]* on synthetic, 1 seed, smoke\): done in \d+ s$"
    assert len(re.findall(done, printed, re.M)) == 3
    assert (suite.results / "site" / "index.html").is_file()


def test_a_second_time_does_nothing_and_says_so_at_once(made):
    suite, _ = made
    runs, executed = suite.runs(), suite.executed()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code, printed, _ = suite.make()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert code == 0 and "Nothing to be done" in printed
    # Of the processors, as other work may share the machine: reading Snakemake takes most of it.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 10
    assert (suite.runs(), suite.executed()) == (runs, executed)


def test_a_dry_run_changes_nothing_even_where_everything_would_be_made_again(made):
    suite, _ = made
    before = _files(suite.results)
    environment = suite.environment | {"MMLIB_PROFILE": "quick"}
    done = subprocess.run(suite.command("-n"), cwd=suite.root, env=environment, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    after = _files(suite.results)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert [name for name in changed if not name.startswith("engine/")] == []


def test_a_touched_text_executes_that_notebook_only(made):
    suite, _ = made
    runs, executed = suite.runs(), suite.executed()
    suite.write("11_two", alpha=0.7, text="Another text.")
    code, printed, _ = suite.make()
    assert code == 0, printed
    assert suite.runs() == runs
    assert _changed(executed, suite.executed()) == {"11_two"}
    assert "runs: 0 done, 3 from cache" in printed and "notebooks: 1 done, 1 from cache" in printed


def test_another_alpha_computes_its_run_and_executes_its_notebook_only(made):
    suite, _ = made
    runs, executed = suite.runs(), suite.executed()
    suite.write("10_one", alpha=0.9)
    code, printed, _ = suite.make()
    assert code == 0, printed
    assert len(suite.runs()) == len(runs) + 1 and runs.items() <= suite.runs().items()
    assert _changed(executed, suite.executed()) == {"10_one"}
    assert "runs: 1 done, 2 from cache" in printed


def test_an_alpha_that_another_notebook_has_already_executes_the_changed_one_only(made):
    suite, _ = made
    runs, executed = suite.runs(), suite.executed()
    suite.write("11_two", alpha=0.9)  # that of 10_one
    code, printed, _ = suite.make()
    assert code == 0, printed
    assert suite.runs() == runs
    assert _changed(executed, suite.executed()) == {"11_two"}


def test_a_run_that_is_gone_is_computed_and_one_that_is_damaged_is_named(made):
    suite, _ = made
    gone, damaged = sorted(json.loads((suite.results / "plan.json").read_text())["notebooks"]["10_one"]["runs"])
    shutil.rmtree(suite.results / "runs" / gone)
    code, printed, _ = suite.make()
    assert code == 0 and gone in suite.runs() and "runs: 1 done, " in printed, printed
    file = suite.results / "runs" / damaged / "metrics.json"
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"accuracy", b"acccracy", 1))
    code, printed, _ = suite.make()
    assert code != 0 and f"failed: run {damaged}: RunDamaged: {file} is damaged" in printed, printed
    file.write_bytes(whole)
    assert suite.make()[0] == 0
    assert "Nothing to be done" in suite.make()[1]


@pytest.mark.parametrize("content", ['{"cells": [', "sys.exit"])
def test_a_notebook_that_cannot_be_planned_is_named_and_the_other_goes_on(made, content):
    suite, _ = made
    executed = suite.executed()
    if content == "sys.exit":
        suite.write("10_one", alpha="__import__('sys').exit()")
    else:
        (suite.root / "notebooks" / "10_one.ipynb").write_text(content)
    suite.write("11_two", alpha=0.9, text=f"Beside {content!r}.")
    code, printed, _ = suite.make()
    assert code != 0 and "plan: 10_one" in printed
    assert "notebooks: 1 done, 0 from cache" in printed
    assert _changed(executed, suite.executed()) >= {"11_two"}
    suite.write("10_one", alpha=0.9)


def test_a_broken_notebook_is_named_and_the_other_goes_on(made):
    suite, _ = made
    executed = suite.executed()
    suite.write("10_one", alpha=0.9, extra="raise KeyError('nothing here')")
    suite.write("11_two", alpha=0.9, text="A third text.")
    code, printed, _ = suite.make()
    assert code != 0
    assert "notebook 10_one failed in cell 5 of 7 (raise KeyError" in printed
    assert "notebooks: 1 done, 0 from cache, 1 failed, 0 skipped" in printed
    assert f"failed: 10_one, see {suite.results}/notebooks/10_one.failed.ipynb" in printed
    assert _changed(executed, suite.executed()) >= {"11_two"}
    assert (suite.results / "site" / "index.html").is_file()


def test_fresh_outputs_in_a_notebook_execute_nothing(made):
    suite, _ = made
    suite.write("10_one", alpha=0.9)
    assert suite.make()[0] == 0
    executed = suite.executed()
    refreshed = suite.mmlib("refresh", "10_one")
    assert refreshed.returncode == 0 and "started" not in refreshed.stdout, refreshed.stderr
    source = nbformat.read(suite.root / "notebooks" / "10_one.ipynb", 4)
    assert any(cell.get("outputs") for cell in source.cells)
    code, printed, _ = suite.make()
    assert code == 0 and suite.executed() == executed, printed


def test_a_run_that_fails_is_named_and_the_other_notebook_goes_on(made):
    suite, _ = made
    suite.write("10_one", alpha='"much"')
    suite.write("11_two", alpha=0.8)
    code, printed, _ = suite.make()
    assert code != 0
    assert re.search(r"failed: run [0-9a-f]{16}: TypeError: alpha must be a number", printed)
    assert "runs: 1 done, 1 from cache, 1 failed, 0 skipped" in printed
    assert "notebooks: 1 done, 0 from cache, 0 failed, 0 skipped, 1 not reached" in printed


def _changed(before: dict[str, float], after: dict[str, float]) -> set[str]:
    return {name for name in before | after if before.get(name) != after.get(name)}
