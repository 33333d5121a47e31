"""One job of the engine: what it leaves where runs end, diverge and fail."""

import json

import pytest

from mmlib.batch.files import batch_file, failure_file, receipt_file
from mmlib.batch.job import run_batch
from mmlib.records.files import sha256_of
from mmlib.records.sealed import opened
from mmlib.runs import RunSpec
from mmlib.runs.spec_files import write_specs


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path))


def spec(method: str = "joint", **changes) -> RunSpec:
    small = {"data_options": {"samples": [60, 30, 30]}, "model_options": {"width": 4, "depth": 1}, "seeds": (0,)}
    return RunSpec(data="synthetic", method=method, profile="smoke", **(small | changes))


def batch(*specs: RunSpec) -> tuple[bool, list[str]]:
    write_specs(batch_file("0123456789abcdef"), specs)
    lines = []
    return run_batch("0123456789abcdef", lines.append), lines


def test_a_receipt_holds_the_hash_of_every_run_and_a_second_time_reads_them():
    first, second = spec(), spec("multi_loss")
    done, lines = batch(first, second)
    assert done and [line.split(": ")[1].split(" in ")[0] for line in lines] == ["done", "done"]
    expected = {f"runs/{s.hash}": sha256_of(s.folder / "metrics.json") for s in (first, second)}
    assert opened(json.loads(receipt_file("0123456789abcdef").read_text())) == {"runs": expected, "diverged": {}}
    done, lines = batch(first, second)
    assert done and all(line.endswith("1 seed, smoke): from cache") for line in lines)


def test_a_training_that_diverges_has_ended():
    wild = spec(training={"lr": 1e30, "epochs": 3})
    done, lines = batch(wild, spec())
    assert done and "diverged: " in lines[0] and "done in" in lines[1]
    receipt = json.loads(receipt_file("0123456789abcdef").read_text())
    assert set(receipt["diverged"]) == {wild.hash} and set(receipt["runs"]) == {f"runs/{spec().hash}"}


def test_a_failing_run_is_kept_with_its_reason_and_the_others_are_done():
    bad = spec("agm", method_options={"alpha": -1.0})
    done, lines = batch(bad, spec())
    assert not done and "failed: ValueError: alpha must be" in lines[0] and "done in" in lines[1]
    assert json.loads(failure_file("0123456789abcdef").read_text())[bad.hash].startswith("ValueError: alpha must be")
    assert not receipt_file("0123456789abcdef").exists()
    done, _ = batch(spec())
    assert done and not failure_file("0123456789abcdef").exists()


def test_a_damaged_run_fails_by_name_and_is_not_used():
    batch(spec())
    file = spec().folder / "metrics.json"
    file.write_bytes(file.read_bytes().replace(b"accuracy", b"acccracy", 1))
    receipt_file("0123456789abcdef").unlink()
    done, lines = batch(spec())
    assert not done and "metrics.json is damaged" in lines[0] and "rm -r" in lines[0]


@pytest.mark.parametrize("id", ["../../x", "abc", "", "0123456789ABCDEF", "0123456789abcdef/..", "0123456789abcdef\n"])
def test_what_is_no_id_of_a_batch_becomes_no_path(id, tmp_path):
    with pytest.raises(ValueError, match="a batch is named by 16 hex digits, got"):
        run_batch(id, print)
    assert not list(tmp_path.iterdir())
