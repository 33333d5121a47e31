"""A flipped byte anywhere in a run's files or its data: named, and never used."""

import json
import random
import shutil
import subprocess

import numpy as np
import pytest

from mmlib.data.storage.manifest import DataDamaged
from mmlib.data.uci_digits import VIEWS
from mmlib.records.files import sha256_of, write_json
from mmlib.runs import Run, RunDamaged, RunSpec, get_or_run

REGIONS = 12
FILES = ["metrics.json", "history.csv", "environment.json", "spec.json"]


def spec(**changes):
    small = {"data_options": {"samples": [60, 30, 30]}, "model_options": {"width": 4, "depth": 1}}
    return RunSpec(**({"data": "synthetic", "method": "agm", "seeds": (0, 1), "profile": "smoke",
                       "training": {"epochs": 3}} | small | changes))  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A results folder with one finished run."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMLIB_RESULTS", str(folder))
        get_or_run(spec(), device="cpu")
    return folder


@pytest.fixture
def results(whole, tmp_path, monkeypatch):
    """A copy of it, whose name a shell would take apart."""
    folder = tmp_path / "the results; all"
    shutil.copytree(whole, folder)
    monkeypatch.setenv("MMLIB_RESULTS", str(folder))
    return folder


def flipped(path):
    """The content of ``path`` with one byte changed, once in each of REGIONS equal parts."""
    content, draw = path.read_bytes(), random.Random(path.name)
    edges = [len(content) * i // REGIONS for i in range(REGIONS + 1)]
    for low, high in zip(edges, edges[1:], strict=False):
        position = draw.randrange(low, high)
        yield content[:position] + bytes([content[position] ^ draw.randrange(1, 256)]) + content[position + 1 :]


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_of_a_finished_run_is_named_and_the_command_mends_it(results, name):
    path = spec().folder / name
    expected = Run(spec()).metrics["records"]
    for content in flipped(path):
        path.write_bytes(content)
        with pytest.raises(RunDamaged, match=f"{name} is damaged: delete its run with") as caught:
            get_or_run(spec())
        assert str(path) in str(caught.value)
    command = str(caught.value).split("  ")[1]
    subprocess.run(["sh", "-c", command], check=True)
    assert get_or_run(spec(), device="cpu").metrics["records"] == expected


def test_a_changed_byte_of_metrics_is_named_even_where_no_value_changes(results):
    path = spec().folder / "metrics.json"
    path.write_bytes(path.read_bytes().replace(b"\n", b" ", 1))
    with pytest.raises(RunDamaged, match="metrics.json is damaged"):
        get_or_run(spec())


@pytest.mark.parametrize("name", ["history.csv", "environment.json", "spec.json"])
def test_a_file_that_is_gone_is_named(results, name):
    (spec().folder / name).unlink()
    with pytest.raises(RunDamaged, match=f"{name} is damaged"):
        get_or_run(spec())


def test_a_flipped_byte_in_a_finished_runs_checkpoint_is_named_and_the_command_mends_it(results):
    path = spec().folder / "checkpoint-1.pt"
    for content in flipped(path):
        path.write_bytes(content)
        with pytest.raises(RunDamaged, match="checkpoint-1.pt is damaged: delete its run with") as caught:
            get_or_run(spec()).method(1)
    subprocess.run(["sh", "-c", str(caught.value).split("  ")[1]], check=True)
    assert get_or_run(spec(), device="cpu").method(1)


def unfinish(folder):
    for name in ("metrics.json", "history.csv", "environment.json"):
        (folder / name).unlink()


def test_a_flipped_byte_in_an_unfinished_runs_checkpoint_is_named_and_that_seed_trained_anew(results, caplog):
    folder, path = spec().folder, spec().folder / "checkpoint-0.pt"
    expected, contents, other = Run(spec()).metrics, list(flipped(path)), sha256_of(folder / "checkpoint-1.pt")
    for content in contents:
        unfinish(folder)
        path.write_bytes(content)
        caplog.clear()
        again = get_or_run(spec(), device="cpu").metrics
        assert caplog.messages == [f"checkpoint {path} is damaged: seed 0 is trained again from its start"]
        assert (again["records"], again["history_sha256"]) == (expected["records"], expected["history_sha256"])
        assert path.read_bytes() != content and sha256_of(folder / "checkpoint-1.pt") == other


def test_a_checkpoint_of_another_training_in_an_unfinished_run_is_replaced(results, caplog):
    folder, path = spec().folder, spec().folder / "checkpoint-0.pt"
    expected = Run(spec()).metrics
    unfinish(folder)
    shutil.copyfile(folder / "checkpoint-1.pt", path)
    again = get_or_run(spec(), device="cpu").metrics
    assert [(again[n] == expected[n]) for n in ("records", "history_sha256")] == [True, True]
    (message,) = caplog.messages
    assert message.startswith(f"checkpoint {path} is refused: it is of another training: seed 1 is not 0")
    assert message.endswith("Seed 0 is trained again from its start")


def test_whole_checkpoints_of_an_unfinished_run_are_used_without_a_word(results, caplog):
    hashes = [sha256_of(spec().folder / f"checkpoint-{seed}.pt") for seed in (0, 1)]
    unfinish(spec().folder)
    get_or_run(spec(), device="cpu")
    assert hashes == [sha256_of(spec().folder / f"checkpoint-{seed}.pt") for seed in (0, 1)] and not caplog.messages


@pytest.fixture
def digits(tmp_path, monkeypatch):
    """Prepared digits, drawn and not real; a spec of a run on them, and the file of their arrays."""
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path / "results"))
    (tmp_path / "data").mkdir()
    draw = np.random.default_rng(0)
    arrays = {view: draw.standard_normal((2000, 6)).astype("float32") for view in VIEWS}
    path = tmp_path / "data" / "uci_digits.npz"
    np.savez(path, labels=np.arange(2000) % 10, **arrays)
    about = {"npz_sha256": sha256_of(path), "classes": [str(digit) for digit in range(10)]}
    write_json(path.with_suffix(".json"), about)
    return spec(data="uci_digits", data_options={"views": ["mor", "zer"]}, seeds=(0,), training={"epochs": 1}), path


def test_a_flipped_byte_in_prepared_data_is_named_and_no_run_made_of_it(digits):
    wanted, path = digits
    whole = path.read_bytes()
    silent = whole[:10] + bytes([whole[10] ^ 1]) + whole[11:]  # a time of day, which no reader of zip files looks at
    for content in [*flipped(path), silent]:
        path.write_bytes(content)
        with pytest.raises(DataDamaged, match="uci_digits.npz is damaged.*make it again with .*data_prep uci_digits"):
            get_or_run(wanted, device="cpu")
        assert not wanted.folder.exists()
    path.write_bytes(whole)
    assert get_or_run(wanted, device="cpu").done


def test_the_environment_names_everything_installed(results):
    environment = json.loads((spec().folder / "environment.json").read_text())
    assert {"torch", "numpy", "mmlib", "pytest"} <= set(environment["distributions"])
    assert environment["provenance"] == Run(spec()).metrics["provenance"]
    assert {"commit", "versions", "device", "seconds"} <= set(environment["provenance"])
