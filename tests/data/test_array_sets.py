"""av_mnist, cmu_mosi, cmu_mosei and ur_funny from a raw folder to two training steps."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.append(str(Path(__file__).parents[1] / "data_prep"))
import raw_folders_arrays  # noqa: E402
from raw_folders_arrays import WIDTHS, affect_split, make_av_mnist, make_cmu_mosi, make_ur_funny  # noqa: E402

from data_prep import __main__ as command  # noqa: E402
from mmlib.data import DataDamaged, DataNotPrepared, load  # noqa: E402
from mmlib.data._affect import targets  # noqa: E402
from mmlib.methods import Joint  # noqa: E402
from mmlib.models import build_model  # noqa: E402
from mmlib.runs.recipes import RECIPES  # noqa: E402
from mmlib.training import fit  # noqa: E402

SETS = ("av_mnist", "cmu_mosi", "cmu_mosei", "ur_funny")
LIGHT = {"resnet18": {}, "transformer": {"width": 8, "depth": 1, "heads": 2, "feedforward": 8}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    return tmp_path


def prepare(name, raw):
    assert command.main([name, "--raw", str(raw), "--jobs", "1"]) == 0


@pytest.mark.parametrize("name", SETS)
def test_from_a_raw_folder_to_two_training_steps(folder, name):
    getattr(raw_folders_arrays, f"make_{name}")(folder / "raw")
    prepare(name, folder / "raw")
    data = load(name)
    recipe = RECIPES[name]
    torch.manual_seed(0)
    options = {**recipe.model, **LIGHT[recipe.encoder]}
    method = Joint(build_model(data.shapes, data.num_classes, encoder=recipe.encoder, **options))
    history = fit(method, data, epochs=1, batch_size=len(data.train) // 2, lr=0.001, device="cpu")
    assert np.isfinite(history.epochs[-1]["loss"]) and data.name == name


def test_the_command_works_as_it_is_documented(folder):
    make_cmu_mosi(folder / "raw")
    run = subprocess.run(
        [sys.executable, "-m", "data_prep", "cmu_mosi", "--raw", str(folder / "raw"), "--jobs", "2"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "wrote 18 rows" in run.stdout and len(load("cmu_mosi").train) == 6


@pytest.mark.parametrize("name", SETS)
def test_streamed_and_in_memory_are_the_same(folder, name):
    getattr(raw_folders_arrays, f"make_{name}")(folder / "raw")
    prepare(name, folder / "raw")
    streamed, held = load(name, stream=True), load(name, stream=False)
    assert streamed.shapes == held.shapes
    for split in ("train", "valid", "test"):
        for m in held.modalities:
            assert torch.equal(streamed.splits[split].inputs[m][:], held.splits[split].inputs[m])
        assert torch.equal(streamed.splits[split].labels, held.splits[split].labels)


@pytest.mark.parametrize("name", SETS)
def test_not_prepared_names_the_command(folder, name):
    with pytest.raises(DataNotPrepared, match=rf"python -m data_prep {name} --raw FOLDER"):
        load(name)


def test_a_damaged_file_is_named(folder):
    make_cmu_mosi(folder / "raw")
    prepare("cmu_mosi", folder / "raw")
    file = folder / "data" / "cmu_mosi" / "text.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataDamaged, match=r"text\.npy is damaged"):
        load("cmu_mosi")


def test_digits_are_from_0_to_1_and_validation_is_drawn_from_train_by_the_seed(folder):
    raw = make_av_mnist(folder / "raw", rows={"train": 36, "test": 8})
    prepare("av_mnist", raw)
    data, other = load("av_mnist", seed=0), load("av_mnist", seed=1)
    assert [len(split) for split in data.splits.values()] == [33, 3, 8]
    assert data.shapes == {"image": (1, 28, 28), "audio": (1, 112, 112)} and data.num_classes == 10
    pixels = {split: torch.from_numpy(np.load(raw / "image" / f"{split}_data.npy")) for split in ("train", "test")}
    assert torch.allclose(data.test.inputs["image"].flatten(1), pixels["test"] / 255)
    both = torch.cat([data.train.inputs["image"], data.valid.inputs["image"]]).flatten(1)
    assert torch.allclose(both.sort(0).values, (pixels["train"] / 255).sort(0).values), "every training row once"
    assert torch.equal(data.valid.labels, load("av_mnist", seed=0).valid.labels)
    assert not torch.equal(data.valid.inputs["image"], other.valid.inputs["image"])
    assert torch.equal(data.test.inputs["audio"], other.test.inputs["audio"])


def test_labels_stay_with_their_rows(folder):
    values = np.zeros((24, 784), np.uint8)
    values[:, 0] = np.arange(24) % 10  # the picture says its label
    prepare("av_mnist", make_av_mnist(folder / "raw", image__train_data=values))
    for split in (load("av_mnist", seed=3).train, load("av_mnist", seed=3).valid):
        assert torch.equal((split.inputs["image"][:, 0, 0, 0] * 255).round().long(), split.labels)


@pytest.mark.parametrize(
    ("task", "labels", "classes"),
    [
        ("binary", [0, 0, 1, 1, 1, 1], ("negative", "not negative")),
        ("seven", [0, 2, 3, 3, 5, 6], ("-3", "-2", "-1", "0", "1", "2", "3")),
        ("regression", [-3.0, -0.6, 0.0, 0.4, 2.4, 3.0], ()),
    ],
)
def test_the_tasks_of_sentiment(folder, task, labels, classes):
    sentiment = np.array([-3, -0.6, 0, 0.4, 2.4, 3], np.float32)
    prepare("cmu_mosi", make_cmu_mosi(folder / "raw", train=affect_split("cmu_mosi", "train", labels=sentiment)))
    data = load("cmu_mosi", task=task)
    assert data.train.labels.tolist() == pytest.approx(labels) and data.classes == classes
    assert data.train.labels.dtype == (torch.float32 if task == "regression" else torch.long)


def test_halves_are_rounded_to_the_even_number_and_another_task_is_refused():
    assert targets(np.array([0.5, 1.5, -0.5, -2.5]), "seven")[0].tolist() == [3, 5, 3, 1]
    with pytest.raises(ValueError, match="unknown task 'seventh': .* Did you mean 'seven'"):
        targets(np.zeros(1), "seventh")


@pytest.mark.parametrize("modalities", [("vision", "text"), ("text", "vision", "audio"), ["audio"]])
def test_modalities_are_chosen_and_keep_their_order(folder, modalities):
    prepare("cmu_mosi", make_cmu_mosi(folder / "raw"))
    data = load("cmu_mosi", modalities=modalities)
    assert data.modalities == tuple(modalities)
    assert data.shapes == {m: (50, WIDTHS["cmu_mosi"][m]) for m in modalities}
    whole = affect_split("cmu_mosi", "test")
    for m in modalities:
        assert torch.allclose(data.test.inputs[m], torch.from_numpy(whole[m]).float())


@pytest.mark.parametrize("modalities", ["text", [], ["text", "text"], ["smell"]])
def test_wrong_modalities_are_refused(folder, modalities):
    prepare("ur_funny", make_ur_funny(folder / "raw"))
    with pytest.raises((ValueError, TypeError), match="modalit"):
        load("ur_funny", modalities=modalities)


def test_rows_without_text_are_left_out_as_in_multibench(folder):
    split = affect_split("ur_funny", "valid")
    split["text"][[1, 4]] = 0
    prepare("ur_funny", make_ur_funny(folder / "raw", valid=split))
    data = load("ur_funny")
    assert [len(s) for s in data.splits.values()] == [6, 4, 6]
    assert data.valid.labels.tolist() == [0, 0, 1, 1] and data.classes == ("not funny", "funny")
    assert all(x[:, 0].any() for x in data.valid.inputs["text"].split(1)), "the first step is a word"


def test_every_seed_gives_the_rows_of_the_release(folder):
    prepare("cmu_mosi", make_cmu_mosi(folder / "raw"))
    assert load("cmu_mosi", seed=0).fingerprint() == load("cmu_mosi", seed=5).fingerprint()
    with pytest.raises(ValueError, match="seed"):
        load("cmu_mosi", seed=-1)
