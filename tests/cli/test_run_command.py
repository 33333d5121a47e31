"""``python -m mmlib run``: one line a run, a summary, and an exit code."""

import re

import pytest

from mmlib.__main__ import main
from mmlib.runs import Run, RunSpec, table
from mmlib.runs.spec_files import write_specs


def spec(method="joint", **training):
    return RunSpec("synthetic", method, seeds=(0,), profile="smoke", data_options={"samples": [60, 30, 30]},
                   model_options={"width": 4, "depth": 1}, training={"epochs": 1} | training)  # fmt: skip


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path / "results"))


@pytest.fixture
def run(tmp_path, capsys):
    """Runs the command on lists of specs, a file each: exit code, lines."""

    def command(*lists, more=("--jobs", "1")):
        files = [tmp_path / f"{number}.yaml" for number in range(len(lists))]
        for file, specs in zip(files, lists, strict=True):
            write_specs(file, specs)
        code = main(["run", *map(str, files), *more])
        out, error = capsys.readouterr()
        assert error == ""
        return code, out.splitlines()

    return command


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_each_run_has_a_line_and_the_second_time_it_is_from_cache(run, jobs):
    agm = spec("agm")
    code, lines = run([spec(), agm], [spec()], more=("--jobs", jobs))
    assert code == 0 and lines[-1] == "2 runs: 2 done, 0 from cache, 0 failed"
    assert sorted(line.split()[0] for line in lines[:-1]) == sorted([spec().hash, agm.hash])
    what = r"\(agm, alpha=1.5, cap=1.0 on synthetic, 1 seed, smoke\)"
    told = rf"{agm.hash} {what}: done in \d+\.\d s"
    assert any(re.fullmatch(told, line) for line in lines)
    code, lines = run([spec(), agm])
    assert code == 0 and lines[-1] == "2 runs: 0 done, 2 from cache, 0 failed"
    assert lines[0].startswith(f"{spec().hash} (joint on") and lines[0].endswith(": from cache")
    assert len(table([spec(), agm])) == 6


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_every_run_that_fails_is_named_and_the_others_are_done(run, jobs):
    bad, worse = (spec(lr=lr, epochs=5) for lr in (1e12, 1e13))
    code, lines = run([bad, spec(), worse], more=("--jobs", jobs))
    assert code == 1 and lines[-1] == "3 runs: 1 done, 0 from cache, 2 failed"
    for failing in (bad, worse):
        (line,) = [line for line in lines if line.startswith(failing.hash)]
        assert ": FAILED with TrainingDiverged: Joint is no longer finite" in line and "Try a smaller lr" in line
    assert Run(spec()).done and not Run(bad).done


def test_a_finished_run_that_is_damaged_has_failed(run):
    assert run([spec()])[0] == 0
    (spec().folder / "history.csv").write_text("")
    code, lines = run([spec(), spec("agm")])
    assert code == 1 and lines[-1] == "2 runs: 1 done, 0 from cache, 1 failed"
    assert f"FAILED with RunDamaged: {spec().folder}/history.csv is damaged" in lines[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--jobs", "0"], "jobs must be at least 1, got 0"),
        (["--device", "gpu"], "unknown device 'gpu'"),
        (["more.yaml"], "there is no file of specs more.yaml"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_code_2(tmp_path, capsys, arguments, message):
    write_specs(tmp_path / "specs.yaml", [spec()])
    assert main(["run", str(tmp_path / "specs.yaml"), *arguments]) == 2
    out, error = capsys.readouterr()
    assert message in error and error.count("\n") == 1 and out == "" and not Run(spec()).done
