"""Which runs share a job, and what the plan says of each notebook."""

import json

import pytest

from mmlib.batch.files import read_plan, source_file
from mmlib.batch.plan import batches_of, write_plan
from mmlib.runs import RunSpec
from mmlib.runs.spec_files import read_specs


def specs(*alphas: float, data: str = "synthetic") -> list[RunSpec]:
    return [RunSpec(data=data, method="agm", method_options={"alpha": a}, profile="smoke") for a in alphas]


def test_every_run_is_in_one_batch_with_runs_of_the_same_notebooks_and_data():
    planned = {
        "one": specs(0.1, 0.2, 0.3) + specs(0.1, data="uci_digits"),
        "two": specs(0.3, 0.4),
        "three": specs(0.3, 0.1),
    }
    batches = batches_of(planned, 10)
    assert {(b.notebooks, tuple((s.data, s.method_options["alpha"]) for s in b.specs)) for b in batches} == {
        (("one", "three"), (("synthetic", 0.1),)),
        (("one",), (("synthetic", 0.2),)),
        (("one", "two", "three"), (("synthetic", 0.3),)),
        (("one",), (("uci_digits", 0.1),)),
        (("two",), (("synthetic", 0.4),)),
    }


def test_a_batch_has_no_more_runs_than_asked_for():
    batches = batches_of({"one": specs(*(0.1 * i for i in range(7)))}, 3)
    assert [len(batch.specs) for batch in batches] == [3, 3, 1]
    assert len({batch.id for batch in batches}) == 3


def test_a_changed_run_changes_its_batch_and_no_other():
    before, after = (batches_of({"one": specs(0.1, 0.2, 0.3, last)}, 2) for last in (0.4, 0.5))
    assert before[0].id == after[0].id and before[1].id != after[1].id


def test_what_is_finished_is_in_no_batch():
    [batch] = batches_of({"one": specs(0.1, 0.2, 0.3)}, 10, specs(0.2))
    assert [spec.method_options["alpha"] for spec in batch.specs] == [0.1, 0.3]


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("MMLIB_PROFILE", "smoke")
    return tmp_path / "results"


def test_the_plan_names_runs_jobs_and_what_went_wrong(results, suite):
    suite.write("12_bad", alpha='float("nan")')
    lines = []
    write_plan(sorted((suite.root / "notebooks").glob("*.ipynb")), 10, lines.append)
    entries = read_plan()["notebooks"]
    assert lines[-1] == "plan: 3 runs for 2 notebooks; 0 are there, the others make 3 jobs"
    assert "12_bad: cell 4 of those that name the runs failed with ValueError" in entries["12_bad"]["error"]
    assert entries["12_bad"]["runs"] == entries["12_bad"]["batches"] == []
    assert set(entries["10_one"]["runs"]) & set(entries["11_two"]["runs"])
    for entry in entries.values():
        files = [results / "batches" / f"{batch}.json" for batch in entry["batches"]]
        assert {spec.hash for file in files for spec in read_specs(file)} == set(entry["runs"])


def test_only_another_text_touches_the_source_of_a_notebook(results, suite):
    notebooks = sorted((suite.root / "notebooks").glob("*.ipynb"))
    write_plan(notebooks, 10, lambda line: None)
    before = source_file("10_one").stat().st_mtime_ns
    content = json.loads(notebooks[0].read_text())
    content["cells"][1]["execution_count"] = 7
    notebooks[0].write_text(json.dumps(content))
    write_plan(notebooks, 10, lambda line: None)
    assert source_file("10_one").stat().st_mtime_ns == before
    suite.write("10_one", text="Another.")
    write_plan(notebooks, 10, lambda line: None)
    assert source_file("10_one").stat().st_mtime_ns > before


def test_without_a_plan_the_command_is_named(results):
    with pytest.raises(FileNotFoundError, match="nothing was planned yet; run  python -m mmlib plan"):
        read_plan()
