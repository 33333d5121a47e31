"""The last lines of a batch, for every way a run or a notebook can end."""

import json
import os

import pytest

from mmlib.batch.summary import summary

BEGAN = 1_000_000.0
BEFORE, AFTER = BEGAN - 100, BEGAN + 100


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path))
    monkeypatch.setattr(
        "mmlib.batch.summary.figures_listed", lambda: {"a": {"notebook": "new"}, "b": {"notebook": "absent"}}
    )

    def put(name: str, content: object = None, at: float = AFTER) -> None:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content or {}))
        os.utime(file, (at, at))

    return put


def plan(put, **notebooks: dict) -> None:
    empty = {"batches": [], "runs": [], "missing": {}, "error": None}
    put("plan.json", {"profile": "smoke", "notebooks": {name: empty | entry for name, entry in notebooks.items()}})
    for name in notebooks:
        put(f"sources/{name}.json", at=BEFORE - 1)


def test_every_end_is_counted_and_named(results):
    plan(
        results,
        new={"runs": ["n1", "n2"], "batches": ["a" * 16]},
        old={"runs": ["o1"], "batches": ["b" * 16]},
        broken={},
        stopped={"runs": ["s1", "s2"], "batches": ["c" * 16]},
        absent={"runs": ["n1", "p1"], "missing": {"paper": "python -m data_prep paper"}},
    )
    results("batches/aaaaaaaaaaaaaaaa.done.json", {"runs": {}, "diverged": {"n2": "at epoch 1"}})
    results("batches/bbbbbbbbbbbbbbbb.done.json")
    results("batches/cccccccccccccccc.failed.json", {"s1": "ValueError: no"})
    results("runs/n1/metrics.json")
    results("runs/o1/metrics.json", at=BEFORE)
    results("notebooks/new/metrics.json")
    results("notebooks/old/metrics.json", at=BEFORE)
    results("notebooks/stopped/metrics.json", at=BEFORE)  # of runs that were other ones
    results("notebooks/broken.failed.ipynb")
    results("figures/a.json")
    results("figures/b.json")  # of an earlier batch
    results("notebooks/gone.ipynb")
    told = summary(BEGAN)
    assert told[0] == "runs: 1 done, 1 from cache, 1 failed, 1 skipped, 1 diverged, 1 not reached"
    assert told[1] == "  failed: run s1: ValueError: no"
    assert told[2] == "notebooks: 1 done, 1 from cache, 1 failed, 1 skipped, 1 not reached"
    assert told[3].startswith("  failed: broken, see ") and told[3].endswith("notebooks/broken.failed.ipynb")
    assert told[4] == "  not reached: stopped, as 1 of its 1 jobs of runs did not end; the lines above tell more"
    assert told[5] == "  skipped: absent needs paper: python -m data_prep paper"
    assert told[6].startswith("  left over: 'gone' was executed and is not in notebooks/ any more")
    assert told[7:] == ["figures: 1 of 2 are there"]


def test_a_failure_of_an_earlier_text_and_a_plan_that_failed_are_told_as_what_they_are(results):
    plan(results, old={}, wrong={"error": "wrong: cell 4 failed"})
    results("notebooks/old.failed.ipynb", at=BEFORE - 2)
    told = summary(BEGAN)
    assert told[1] == "notebooks: 0 done, 0 from cache, 0 failed, 0 skipped, 2 not reached"
    assert told[2].startswith("  not reached: old, as its job did not end")
    assert told[3] == "  not reached: wrong: cell 4 failed"


def test_results_of_an_earlier_text_are_not_from_cache_unless_the_batch_is_complete(results):
    plan(results, changed={})
    results("notebooks/changed/metrics.json", at=BEFORE)
    results("sources/changed.json", at=BEFORE + 1)
    assert "0 from cache" in summary(BEGAN)[1] and "1 not reached" in summary(BEGAN)[1]
    results("complete.json")  # then the same source was only written once more
    assert "1 from cache" in summary(BEGAN)[1]
