"""What a batch takes back before it begins, since Snakemake would take it for done."""

import json

import pytest

from mmlib.engine.places import lost_file, receipt_file
from mmlib.engine.stale import forget_stale
from mmlib.files import sha256_of, write_json


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    """Two notebooks: "one" of the runs a (in a batch) and b (finished before), "two" of b alone; all of it is made."""
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path))
    monkeypatch.setenv("MMLIB_PROFILE", "smoke")
    for run in ("a", "b"):
        write_json(tmp_path / "runs" / run / "metrics.json", {"run": run})
    for name in ("one", "two"):
        write_json(tmp_path / "notebooks" / name / "metrics.json", {"parameters": {"profile": "smoke"}})
    write_json(tmp_path / "site" / "index.html", {})
    hash = {run: sha256_of(tmp_path / "runs" / run / "metrics.json") for run in ("a", "b")}
    entries = {"one": {"runs": ["a", "b"], "batches": ["x"]}, "two": {"runs": ["b"], "batches": []}}
    write_json(tmp_path / "plan.json", {"notebooks": entries, "finished": {"runs/b": hash["b"]}})
    write_json(receipt_file("x"), {"runs": {"runs/a": hash["a"]}, "diverged": {}})
    forget_stale()
    return tmp_path


def left(results) -> set[str]:
    """Which of the notebooks, the receipt and the site are still there."""
    files = {
        "one": results / "notebooks" / "one" / "metrics.json",
        "two": results / "notebooks" / "two" / "metrics.json",
        "receipt": receipt_file("x"),
        "site": results / "site" / "index.html",
    }
    return {name for name, file in files.items() if file.is_file()}


def lost() -> list[str]:
    return json.loads(lost_file().read_text())["runs"]


def test_what_holds_stays_and_no_file_is_touched(results):
    before = lost_file().stat().st_mtime_ns
    forget_stale()
    assert left(results) == {"one", "two", "receipt", "site"} and lost() == []
    assert lost_file().stat().st_mtime_ns == before


def test_a_run_of_a_batch_that_is_gone_takes_its_notebook_and_receipt_back(results):
    (results / "runs" / "a" / "metrics.json").unlink()
    forget_stale()
    assert left(results) == {"two"} and lost() == ["runs/a"]


def test_a_changed_run_takes_back_every_notebook_that_needs_it(results):
    (results / "runs" / "b" / "metrics.json").write_text("{}")
    forget_stale()
    assert left(results) == {"receipt"} and lost() == ["runs/b"]


def test_receipts_of_other_plans_are_taken_back_too(results):
    write_json(receipt_file("y"), json.loads(receipt_file("x").read_text()))
    (results / "runs" / "a" / "metrics.json").write_text("{}")
    forget_stale()
    assert not receipt_file("y").exists() and not receipt_file("x").exists()


def test_results_of_another_profile_are_taken_back(results):
    write_json(results / "notebooks" / "two" / "metrics.json", {"parameters": {"profile": "quick"}})
    forget_stale()
    assert left(results) == {"one", "receipt"} and lost() == []


def test_a_damaged_receipt_or_plan_is_no_obstacle(results):
    receipt_file("x").write_text("{")
    forget_stale()
    (results / "plan.json").write_text("{")
    forget_stale()
    assert left(results) == {"one", "two", "receipt", "site"}
