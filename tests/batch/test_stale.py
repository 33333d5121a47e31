"""What a batch takes back before it begins, since Snakemake would take it for done."""

import json
import os

import nbformat
import pytest
from nbformat import v4

from mmlib import paths
from mmlib.batch import invalidate as stale
from mmlib.batch import plan_inputs
from mmlib.batch.files import batch_file, complete_file, plan_file, receipt_file, source_file
from mmlib.batch.invalidate import forget_stale
from mmlib.batch.missing import missing_of_plan
from mmlib.records.files import sha256_of, write_json
from mmlib.records.sealed import sealed

JOB, OTHER = "0" * 16, "1" * 16
INPUTS = {"code": "c", "notebooks": {}}


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    """A complete batch. Notebooks: "one" of the runs a (in a job) and b (finished before), "two" of b alone."""
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path))
    monkeypatch.setenv("MMLIB_PROFILE", "smoke")
    monkeypatch.setattr(stale, "plan_inputs", lambda runs_per_job: {**INPUTS, "runs_per_job": runs_per_job})
    listed = {f"figure_{name}": {"notebook": name} for name in ("one", "two")}
    monkeypatch.setattr("mmlib.batch.missing.figures_listed", lambda: listed)
    for run in ("a", "b"):
        write_json(tmp_path / "runs" / run / "metrics.json", {"run": run})
    for name in ("one", "two"):
        _executed(tmp_path, name, "smoke")
        write_json(source_file(name), {})
    hash = {run: sha256_of(tmp_path / "runs" / run / "metrics.json") for run in ("a", "b")}
    entries = {"one": {"runs": ["a", "b"], "batches": [JOB]}, "two": {"runs": ["b"], "batches": []}}
    plan = {"notebooks": {name: entry | {"missing": {}} for name, entry in entries.items()}}
    made_from = {**INPUTS, "runs_per_job": 10}
    write_json(plan_file(), sealed({**plan, "finished": {"runs/b": hash["b"]}, "made_from": made_from}))
    write_json(batch_file(JOB), [])
    write_json(receipt_file(JOB), sealed({"runs": {"runs/a": hash["a"]}, "diverged": {}}))
    write_json(tmp_path / "site" / "index.html", {})
    write_json(complete_file(), {"complete": True})
    return tmp_path


def _executed(folder, name, profile):
    write_json(folder / "notebooks" / f"{name}.ipynb", {})
    table = folder / "notebooks" / name / "table.csv"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text("a,b\n1,2\n")
    metrics = {"notebook": name, "parameters": {"profile": profile}, "table_sha256": sha256_of(table)}
    write_json(table.with_name("metrics.json"), sealed(metrics))
    figure = folder / "figures" / f"figure_{name}.json"
    hashes = {}
    for kind in ("png", "svg"):
        write_json(figure.with_suffix(f".{kind}"), kind)
        hashes[kind] = sha256_of(figure.with_suffix(f".{kind}"))
    write_json(figure, sealed({"id": f"figure_{name}", "sha256": hashes}))


def left(results) -> set[str]:
    """Which of the plan, the receipt, the notebooks' results and the mark of a complete batch are still there."""
    files = {
        "plan": plan_file(),
        "receipt": receipt_file(JOB),
        "one": results / "notebooks" / "one" / "metrics.json",
        "two": results / "notebooks" / "two" / "metrics.json",
        "complete": complete_file(),
    }
    return {name for name, file in files.items() if file.is_file()}


ALL = {"plan", "receipt", "one", "two", "complete"}


def test_what_holds_stays(results):
    forget_stale(10)
    assert left(results) == ALL
    assert missing_of_plan(json.loads(plan_file().read_text())) == []


GOES = {  # file -> what is taken back where it is gone or changed; where it is a receipt or a plan, itself
    "runs/a/metrics.json": ["receipt", "one"],
    "runs/b/metrics.json": ["plan", "one", "two"],
    "notebooks/one/metrics.json": ["one"],
    "notebooks/one/table.csv": ["one"],
    "figures/figure_two.json": ["two"],
    "figures/figure_two.png": ["two"],
    "figures/figure_two.svg": ["two"],
}
GOES_WITH_ITS_FILE = {  # nothing else says what its content should be
    "notebooks/one.ipynb": ["one"],
    f"batches/{JOB}.json": ["plan"],
    f"batches/{JOB}.done.json": ["receipt"],
    "sources/two.json": ["plan"],
    "site/index.html": [],
    "plan.json": ["plan"],
}


@pytest.mark.parametrize(("file", "goes"), [*GOES.items(), *GOES_WITH_ITS_FILE.items()], ids=str)
def test_what_is_gone_is_made_again_and_the_batch_is_not_complete(results, file, goes):
    (results / file).unlink()
    forget_stale(10)
    assert left(results) == ALL - {"complete", *goes}


@pytest.mark.parametrize(("file", "goes"), GOES.items(), ids=str)
def test_what_is_changed_is_made_again_and_the_batch_is_not_complete(results, file, goes):
    (results / file).write_bytes((results / file).read_bytes()[:-3] + b"\n")
    forget_stale(10)
    assert left(results) == ALL - {"complete", *goes}


@pytest.mark.parametrize("file", ["plan.json", f"batches/{JOB}.done.json"])
@pytest.mark.parametrize("text", ["{", "[]", '{"notebooks": {}, "finished": [], "made_from": 1}', '{"runs": []}'])
def test_a_damaged_plan_or_receipt_is_removed_and_no_obstacle(results, file, text):
    (results / file).write_text(text)
    forget_stale(10)
    assert not (results / file).exists() and "complete" not in left(results)


def test_receipts_of_other_plans_are_taken_back_too(results):
    write_json(receipt_file(OTHER), json.loads(receipt_file(JOB).read_text()))
    (results / "runs" / "a" / "metrics.json").write_text("{}")
    forget_stale(10)
    assert not receipt_file(OTHER).exists() and not receipt_file(JOB).exists()


def test_results_of_another_profile_are_taken_back(results):
    _executed(results, "two", "quick")
    forget_stale(10)
    assert left(results) == ALL - {"two", "complete"}


@pytest.mark.parametrize("part", ["code", "notebooks"])
def test_a_plan_made_from_other_things_is_forgotten_whatever_their_times(results, part, monkeypatch):
    monkeypatch.setattr(stale, "plan_inputs", lambda n: {**INPUTS, part: "other", "runs_per_job": n})
    os.utime(plan_file(), (4e9, 4e9))
    forget_stale(10)
    assert left(results) == ALL - {"plan", "complete"}


def test_jobs_of_another_size_need_another_plan(results):
    forget_stale(5)
    assert left(results) == ALL - {"plan", "complete"}


def test_the_inputs_of_a_plan_follow_content_and_not_time(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path / "nb")
    (tmp_path / "nb").mkdir()
    (tmp_path / "nb" / "figures.yaml").write_text("")
    for name, reported in {"10_a": "10_a", "11_b": "11_b", "10_a-Copy1": "10_a", "Untitled": "none"}.items():
        cell = v4.new_code_cell(f'write_results("{reported}", {{}}, table, parameters)')
        nbformat.write(v4.new_notebook(cells=[cell]), tmp_path / "nb" / f"{name}.ipynb")
    before = plan_inputs.plan_inputs(10)
    assert list(before["notebooks"]) == ["10_a", "11_b"]
    os.utime(tmp_path / "nb" / "10_a.ipynb", (1e9, 1e9))
    (tmp_path / "nb" / "Untitled.ipynb").write_text("other")
    assert plan_inputs.plan_inputs(10) == before
    for change in (
        lambda: (tmp_path / "nb" / "10_a.ipynb").write_text((tmp_path / "nb" / "10_a.ipynb").read_text() + "\n"),
        lambda: (tmp_path / "nb" / "11_b.ipynb").unlink(),
        lambda: (tmp_path / "nb" / "figures.yaml").write_text("# other\n"),
        lambda: monkeypatch.setenv("MMLIB_PROFILE", "full"),
    ):
        last = plan_inputs.plan_inputs(10)
        change()
        assert plan_inputs.plan_inputs(10) != last
