"""Runs side by side: the same files as one after the other, nothing twice, and failures told."""

import json
import time

import pytest
from toys import small_spec as spec

from mmlib.runs import get_or_run, run_all


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path / "together"))
    return tmp_path


def metrics_of(spec):
    return json.loads((spec.folder / "metrics.json").read_text())


def test_two_processes_leave_what_one_leaves(results, monkeypatch):
    specs = [spec(m) for m in ("joint", "multi_loss", "mcr", "ensemble")]
    run_all(specs, jobs=2)
    together = [metrics_of(s) for s in specs]
    assert len({m["provenance"]["seconds"] for m in together}) == len(specs)
    monkeypatch.setenv("MMLIB_RESULTS", str(results / "apart"))
    apart = [get_or_run(s).metrics for s in specs]
    assert [m["records"] for m in together] == [m["records"] for m in apart]


def test_what_is_there_is_not_computed_again_and_the_same_run_is_computed_once():
    first = spec()
    run_all([first, first, spec()], jobs=2)
    written = (first.folder / "metrics.json").stat().st_mtime_ns
    started = time.monotonic()
    run_all([first], jobs=2)
    assert (first.folder / "metrics.json").stat().st_mtime_ns == written
    assert time.monotonic() - started < 1  # no process was started for it
    run_all([], jobs=2)


def test_processes_that_are_used_again_follow_the_folders(results, monkeypatch):
    run_all([spec(), spec("ensemble")], jobs=2)
    monkeypatch.setenv("MMLIB_RESULTS", str(results / "elsewhere"))
    specs = [spec(), spec("ensemble")]
    run_all(specs, jobs=2)
    assert all(s.folder.is_relative_to(results / "elsewhere") and metrics_of(s) for s in specs)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_that_fails_is_told_and_the_others_are_done(results, jobs):
    broken = spec(training={"epochs": 2, "lr": 1e12})
    good = [spec(m) for m in ("joint", "ensemble")]
    with pytest.raises(RuntimeError, match="no longer finite") as caught:
        run_all([broken, *good], jobs=jobs)
    assert "in the run RunSpec(data='synthetic', method='joint'" in "".join(caught.value.__notes__)
    assert all((s.folder / "metrics.json").exists() for s in good)
    assert not (broken.folder / "metrics.json").exists()
    assert not list(results.rglob("*.partial"))


def test_what_is_no_spec_is_told():
    with pytest.raises(TypeError, match="each of specs must be a RunSpec, got 'joint'"):
        run_all(["joint"])


@pytest.mark.parametrize("jobs", [0, -1, 1.5, "two"])
def test_the_number_of_jobs_is_checked(jobs):
    with pytest.raises((TypeError, ValueError), match="jobs must be"):
        run_all([spec()], jobs=jobs)
