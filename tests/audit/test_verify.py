"""verify: whatever byte changes in the results, the file is named; what fits is counted."""

import json
import random
import shutil

import pytest
import yaml

from mmlib.__main__ import main
from mmlib.audit.verify import verify
from mmlib.batch.plan_inputs import plan_inputs
from mmlib.records.files import write_json
from mmlib.records.sealed import sealed

FLIPS = 15


def run_of(results):
    return next(path for path in (results / "runs").iterdir() if path.is_dir())


def test_what_was_just_made_fits_and_is_counted(results, capsys):
    assert main(["verify", str(results)]) == 0
    out = capsys.readouterr().out
    assert "1 runs, 2 checkpoints, 1 figures, 1 links from a figure to a run, 1 notebooks, 2 prepared data sets" in out
    assert "1 arrays of prepared data sets" in out
    assert out.endswith("all of it fits\n") and "earlier" not in out


@pytest.mark.parametrize(
    "file",
    [
        "results/figures/kappa.png",
        "results/figures/kappa.svg",
        "results/figures/kappa.json",
        "results/runs/*/metrics.json",
        "results/runs/*/spec.json",
        "results/runs/*/history.csv",
        "results/runs/*/environment.json",
        "results/runs/*/checkpoint-1.pt",
        "results/notebooks/12_agm/metrics.json",
        "results/notebooks/12_agm/table.csv",
        "data/demo.npz",
        "data/demo.json",
        "data/ave/sound.npy",
        "data/ave.json",
    ],
)
def test_a_flipped_bit_anywhere_names_the_file(results, file):
    [path] = results.parent.glob(file)
    whole, draws = path.read_bytes(), random.Random(file)
    for place in [0, len(whole) - 1, *draws.sample(range(len(whole)), FLIPS)]:
        changed = bytearray(whole)
        changed[place] ^= 1 << draws.randrange(8)
        path.write_bytes(changed)
        found = verify(results).found
        assert any(str(path) in line.split(": ")[1] for line in found), f"byte {place} of {file}: {found}"
    path.write_bytes(whole)
    assert verify(results).found == []


@pytest.mark.parametrize(("old", "new"), [(b"\n", b" "), (b": ", b":\t"), (b"\\u00f6", b"\\u00F6"), (b"}\n", b"}")])
def test_a_byte_that_changes_no_value_is_named_too(results, old, new):
    file = results / "figures" / "kappa.json"
    assert old in file.read_bytes()
    file.write_bytes(new.join(file.read_bytes().rsplit(old, 1)))
    assert verify(results).found[0].startswith(f"damaged: {file}: it is not written as mmlib writes JSON")


@pytest.mark.parametrize(
    "file",
    ["figures/kappa.png", "figures/kappa.json", "runs/*/spec.json", "runs/*/history.csv", "runs/*/environment.json",
     "runs/*/checkpoint-0.pt", "notebooks/12_agm/table.csv", "../data/demo.npz", "../data/demo.json",
     "../data/ave/sound.npy", "../data/ave.json"],
)  # fmt: skip
def test_a_file_that_is_not_there_is_missing_and_not_damaged(results, file):
    [path] = results.glob(file)
    path.unlink()
    lines = verify(results).found
    assert f"missing: {path.resolve()}: it is not there" in lines[0]
    assert not any(line.startswith("damaged") for line in lines)


@pytest.mark.parametrize("file", ["runs/*/checkpoint-0.pt", "../data/demo.npz", "figures/kappa.svg"])
def test_an_empty_file_is_damaged(results, file):
    [path] = results.glob(file)
    path.write_bytes(b"")
    assert any(line.startswith(f"damaged: {path.resolve()}") for line in verify(results).found)


def test_every_line_says_what_to_do(results):
    (results / "figures" / "kappa.png").unlink()
    (run_of(results) / "history.csv").write_text("")
    (results / "notebooks" / "12_agm" / "table.csv").unlink()
    (results.parent / "data" / "demo.npz").unlink()
    run, figure, notebook, data = verify(results).found
    assert run.endswith(f"delete the folder {run_of(results)} and the run is computed again when it is asked for")
    assert figure.endswith("make it again: python -m mmlib notebook 12_agm")
    assert notebook.endswith("execute it again: python -m mmlib notebook 12_agm")
    assert data.endswith("make it again: python -m data_prep demo")


def test_an_unfinished_run_is_counted_and_no_error(results):
    unfinished = results / "runs" / "0123456789abcdef"
    unfinished.mkdir()
    (unfinished / "checkpoint-0.pt").write_bytes(b"half")
    findings = verify(results)
    assert findings.found == [] and findings.counts["unfinished runs"] == 1 and findings.counts["runs"] == 1


def test_a_figure_whose_run_is_gone_or_new_is_named(results, change):
    metrics = run_of(results) / "metrics.json"
    change(metrics, records=[])
    [line] = verify(results).found
    assert line.startswith(f"outdated: {results / 'figures' / 'kappa.json'}: {metrics} has changed since it was drawn")
    shutil.rmtree(metrics.parent)
    [line] = verify(results).found
    assert line.startswith(f"missing: {metrics}: kappa was drawn from this run, which is not there; make it again")


def test_a_spec_that_is_not_the_runs_is_damage(results):
    spec = run_of(results) / "spec.json"
    write_json(spec, json.loads(spec.read_text()) | {"method": "agm"})
    assert any("spec.json: it is not the spec in metrics.json" in line for line in verify(results).found)


def test_a_picture_with_another_record_than_its_json_is_named(results, change):
    change(results / "figures" / "kappa.json", seeds=[0, 1, 2, 3, 4])
    lines = verify(results).found
    assert [line.split(": ")[1][-9:] for line in lines] == ["kappa.png", "kappa.svg"]
    assert all("the record in it is not that in kappa.json" in line for line in lines)


def test_renamed_results_are_named(results):
    for kind in ("png", "svg", "json"):
        (results / "figures" / f"kappa.{kind}").rename(results / "figures" / f"rho.{kind}")
    (results / "notebooks" / "12_agm").rename(results / "notebooks" / "13_mcr")
    text = "\n".join(verify(results).found)
    assert "rho.json: it is the record of the figure kappa" in text
    assert "13_mcr/metrics.json: it is that of 12_agm" in text
    assert "unlisted: figure rho was made and is not listed" in text


def test_a_figure_that_was_listed_and_not_made_is_named(results, entry):
    (results.parent / "figures.yaml").write_text(yaml.safe_dump({"kappa": entry, "rho": entry}))
    [line] = verify(results).found
    assert line.startswith("unlisted: figure rho is listed and was not made, though 12_agm was executed")


def test_what_an_earlier_version_made_is_told_and_not_called_damaged(results, prepare):
    for file in (results / "figures" / "kappa.json", results / "notebooks" / "12_agm" / "metrics.json"):
        old = {k: v for k, v in json.loads(file.read_text()).items() if k not in ("digest", "sha256", "table_sha256")}
        write_json(file, old)
    metrics = json.loads((run_of(results) / "metrics.json").read_text())
    old = {k: v for k, v in metrics.items() if k not in ("environment_sha256", "spec_sha256", "digest")}
    write_json(run_of(results) / "metrics.json", sealed(old))
    prepare(results.parent / "data", seal=False)
    findings = verify(results)
    assert [line.split(": ")[0] for line in findings.found] == ["unproven", "unproven"]
    assert all("made by an earlier version, which wrote no hashes" in line for line in findings.found)
    assert findings.counts["runs of an earlier version, without a record of the environment"] == 1
    assert findings.counts["manifests of an earlier version, without a hash of their own"] == 1


def test_a_manifest_of_other_arrays_is_named(results, change):
    manifest = results.parent / "data" / "demo.json"
    change(manifest, arrays={"x": {"shape": [501], "dtype": "float64"}})
    [line] = verify(results).found
    assert line.startswith(f"damaged: {manifest}: it describes demo with other arrays than are in demo.npz")


def test_the_results_of_variants_are_checked_too(results):
    variant = results / "variants" / "12_agm-01234567"
    shutil.copytree(results / "figures", variant / "figures")
    assert verify(results).counts["figures"] == 2
    (variant / "figures" / "kappa.png").write_bytes(b"")
    [line] = verify(results).found
    assert line.startswith(f"damaged: {variant / 'figures' / 'kappa.png'}")


def test_exit_codes_of_the_command(results, capsys, monkeypatch):
    monkeypatch.chdir(results.parent)
    assert main(["verify", str(results)]) == 0 and main(["verify", "results"]) == 0
    (results / "figures" / "kappa.svg").write_bytes(b"x")
    capsys.readouterr()
    assert main(["verify", "results"]) == 1
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith(f"damaged: {results / 'figures' / 'kappa.svg'}: ") and last == "1 do not fit"
    assert main(["verify", "nowhere"]) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert main(["verify", "data"]) == 2
    assert "holds no results: expected in it what `make figures` leaves, runs, figures" in capsys.readouterr().err


def test_results_that_were_planned_with_other_code_are_outdated(results, capsys):
    made_from = plan_inputs(10)
    write_json(results / "plan.json", sealed({"made_from": made_from, "notebooks": {}, "finished": {}}))
    assert main(["verify", str(results)]) == 0
    write_json(results / "plan.json", sealed({"made_from": made_from | {"code": "other"}}))
    capsys.readouterr()
    assert main(["verify", str(results)]) == 1
    assert "plan.json: it was made with other code than is here; run  make figures  again" in capsys.readouterr().out
