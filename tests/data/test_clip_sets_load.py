"""The data sets of clips as they load after a preparation: shapes, values, splits that share nobody, two steps each."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.append(str(Path(__file__).parents[1] / "data_prep"))

import raw_folders_clips as raw_folders

from data_prep import __main__ as command
from mmlib.data import load
from mmlib.data.storage.stored import read_stored
from mmlib.data.transforms.clips import IMAGENET_MEAN, IMAGENET_STD, hold_out
from mmlib.methods import Joint
from mmlib.models import build_model

SOUND_AND_PICTURE = ("crema_d", "ave", "kinetics_sounds")
SETS = (*SOUND_AND_PICTURE, "ucf101", "something_something")
SHAPES = {
    "crema_d": {"audio": (1, 257, 188), "visual": (3, 224, 224)},
    "ave": {"audio": (1, 257, 625), "visual": (3, 224, 224)},
    "kinetics_sounds": {"audio": (1, 257, 625), "visual": (3, 224, 224)},
    "ucf101": {"rgb": (3, 8, 112, 112), "flow": (2, 8, 112, 112)},
    "something_something": {"rgb": (3, 16, 112, 112), "flow": (2, 16, 112, 112)},
}


@pytest.fixture(scope="module", autouse=True)
def prepared(tmp_path_factory):
    """All five sets, prepared by the command from tiny raw folders."""
    folder = tmp_path_factory.mktemp("clips")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMLIB_DATA", str(folder / "data"))
        for name in SETS:
            raw = getattr(raw_folders, f"make_{name}")(folder / name)
            assert command.main([name, "--raw", str(raw), "--jobs", "1"]) == 0
        yield


@pytest.fixture
def rows_of(monkeypatch):
    """rows_of(name, **options): the row numbers that load puts in each split."""

    def find(name, **options):
        seen = {}
        monkeypatch.setattr("mmlib.data.storage.stored.Stored.data", lambda self, rows, *_: seen.update(rows))
        load(name, **options)
        monkeypatch.undo()
        return seen

    return find


def share_nothing(groups, rows):
    """Whether no value of ``groups`` [N] is in two of the splits, and every split has rows."""
    found = [set(groups[index].tolist()) for index in rows.values()]
    return all(found) and sum(map(len, found)) == len(set.union(*found))


@pytest.mark.parametrize("name", SETS)
def test_sets_have_their_shapes_and_finite_inputs(name):
    data = load(name)
    assert data.name == name and data.shapes == SHAPES[name]
    for split in data.splits.values():
        for values in split.inputs.values():
            assert values.dtype == torch.float32 and values[:].isfinite().all() and values[:].std() > 0.1


@pytest.mark.parametrize("name", SOUND_AND_PICTURE)
def test_the_frame_of_one_is_the_middle_of_three(name):
    one, three = load(name), load(name, frames=3)
    assert three.shapes["visual"] == (3, 3, 224, 224)
    assert torch.equal(one.test.inputs["visual"], three.test.inputs["visual"][:, :, 1])
    assert not torch.equal(three.test.inputs["visual"][:, :, 0], three.test.inputs["visual"][:, :, 1])


@pytest.mark.parametrize(("name", "array"), [("crema_d", "visual"), ("ucf101", "rgb")])
def test_frames_are_normalised_as_for_imagenet(name, array, rows_of):
    options = {"frames": 3} if name == "crema_d" else {}
    raw = read_stored(name).column(array)[rows_of(name, **options)["test"]]
    mean, std = (np.array(values).reshape(3, 1, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    found = load(name, **options).test.inputs[array].numpy()
    np.testing.assert_allclose(found, (raw / 255 - mean) / std, atol=1e-5)


def test_flow_comes_in_pixels():
    flow = load("ucf101").train.inputs["flow"]
    right, down = flow[:, 0], flow[:, 1]
    assert right.amax((1, 2, 3)).median() == pytest.approx(2 * 112 / 64, abs=0.5), "the square moves 2 of 64 pixels"
    assert down.abs().mean() < 0.2


@pytest.mark.parametrize("name", SETS)
def test_streamed_rows_are_those_in_memory(name):
    memory, disk = load(name, stream=False), load(name, stream=True)
    for split in memory.splits:
        for modality, values in memory.splits[split].inputs.items():
            assert torch.equal(disk.splits[split].inputs[modality][:], values)
        assert torch.equal(disk.splits[split].labels, memory.splits[split].labels)


@pytest.mark.parametrize(
    ("name", "encoder", "options"),
    [("crema_d", "resnet18", {}), ("crema_d", "mlp", {"frames": 3, "split": "ogm"}), ("ave", "mlp", {}),
     ("kinetics_sounds", "mlp", {"frames": 3}), ("ucf101", "resnet18", {}), ("something_something", "mlp", {})],
)  # fmt: skip
def test_two_training_steps(name, encoder, options):
    data = load(name, **options)
    torch.manual_seed(0)
    widths = {} if encoder == "resnet18" else {"width": 4}
    method = Joint(build_model(data.shapes, data.num_classes, encoder, **widths))
    optimizer = torch.optim.SGD(method.parameters(), lr=1e-4)
    inputs, labels = data.train.rows(torch.arange(1 if encoder == "resnet18" else 2))
    before = [parameter.clone() for parameter in method.parameters()]
    losses = [method.step(inputs, labels, optimizer)["loss"] for _ in range(2)]
    assert all(loss.isfinite() for loss in losses)
    assert any(not torch.equal(a, b) for a, b in zip(before, method.parameters(), strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_crema_d_shares_no_actor_between_splits(rows_of, seed):
    assert share_nothing(read_stored("crema_d").column("actor"), rows_of("crema_d", seed=seed))


def test_crema_d_split_by_clip_shares_no_clip_but_actors(rows_of):
    rows = rows_of("crema_d", split="ogm")
    stored = read_stored("crema_d")
    assert share_nothing(np.arange(36), rows) and not share_nothing(stored.column("actor"), rows)
    assert set(rows["test"]) == set(np.flatnonzero(stored.column("split") == 2))
    assert sum(map(len, rows.values())) == 36


def test_crema_d_clips_in_no_list_are_counted_and_only_the_actor_split_takes_them(tmp_path, monkeypatch):
    names = raw_folders.CREMA_D_CLIPS[::2]
    lists = {"train.csv": names[:3], "test.csv": names[3:4]}
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    raw = raw_folders.make_crema_d(tmp_path / "raw", clips=names, lists=lists)
    assert command.main(["crema_d", "--raw", str(raw), "--jobs", "1"]) == 0
    assert read_stored("crema_d").manifest["clips_in_no_list"] == 14
    seen = {}
    for split in ("ogm", "actor"):
        data = "mmlib.data.storage.stored.Stored.data"
        monkeypatch.setattr(data, lambda self, rows, *_, to=split: seen.update({to: rows}))
        load("crema_d", split=split)
    assert {split: sum(map(len, rows.values())) for split, rows in seen.items()} == {"ogm": 4, "actor": 18}


def test_ave_splits_are_the_lists(rows_of):
    rows = rows_of("ave")
    assert [len(rows[name]) for name in ("train", "valid", "test")] == [3, 2, 2]
    assert load("ave", seed=1).fingerprint() == load("ave", seed=2).fingerprint()
    assert share_nothing(read_stored("ave").column("video"), rows)


def test_ave_shares_no_video_between_splits_where_the_lists_do(tmp_path, monkeypatch):
    twice = {file: (*lines, "Cat&aaaaaaaaaa1&good&5&6") for file, lines in raw_folders.AVE_EVENTS.items()}
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    raw = raw_folders.make_ave(tmp_path / "raw", lists=twice)
    assert command.main(["ave", "--raw", str(raw), "--jobs", "1"]) == 0
    seen = []
    monkeypatch.setattr("mmlib.data.storage.stored.Stored.data", lambda self, rows, *_: seen.append(rows))
    load("ave")
    stored = read_stored("ave")
    assert share_nothing(stored.column("video"), seen[0])
    assert [len(seen[0][name]) for name in ("train", "valid", "test")] == [1, 2, 3]
    assert stored.manifest["skipped"]["count"] == 4


@pytest.mark.parametrize("seed", range(3))
def test_kinetics_sounds_shares_no_video_between_splits(rows_of, seed):
    rows = rows_of("kinetics_sounds", seed=seed)
    stored = read_stored("kinetics_sounds")
    assert share_nothing(stored.column("video"), rows)
    assert set(rows["test"]) == set(np.flatnonzero(stored.column("split") == 2))


def test_kinetics_sounds_without_folders_of_splits_is_drawn_by_video(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    clips = [f"{label}/{i:011}_{part}_9.mp4" for i in range(5) for part in (1, 2) for label in ("bowling", "singing")]
    raw = raw_folders.make_kinetics_sounds(tmp_path / "raw", clips=clips)
    assert command.main(["kinetics_sounds", "--raw", str(raw), "--jobs", "1"]) == 0
    videos = read_stored("kinetics_sounds").column("video")
    assert len(set(videos.tolist())) == 5
    with monkeypatch.context() as patch:
        seen = []
        patch.setattr("mmlib.data.storage.stored.Stored.data", lambda self, rows, *_: seen.append(rows))
        for seed in range(4):
            load("kinetics_sounds", seed=seed)
    assert all(share_nothing(videos, rows) and sum(map(len, rows.values())) == 20 for rows in seen)
    assert len({tuple(rows["test"]) for rows in seen}) > 1, "the seed draws"


@pytest.mark.parametrize("split", [1, 2, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_ucf101_shares_no_group_between_splits(rows_of, split, seed):
    rows = rows_of("ucf101", split=split, seed=seed)
    stored = read_stored("ucf101")
    groups = 100 * stored.column("labels") + stored.column("group")
    assert share_nothing(groups, rows) and sum(map(len, rows.values())) == 10
    assert set(rows["test"]) == set(np.flatnonzero(stored.column("group") == split))


def test_something_something_shares_no_clip_between_splits(rows_of):
    rows = rows_of("something_something")
    assert share_nothing(np.arange(10), rows) and sum(map(len, rows.values())) == 10
    assert rows["test"].tolist() == [8, 9]


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("crema_d", {"split": "actors"}, "unknown split of crema_d 'actors'.*Did you mean 'actor'"),
        ("crema_d", {"frames": 2}, "unknown number of frames 2: expected one of 1, 3"),
        ("ave", {"frames": 0}, "unknown number of frames 0"),
        ("ucf101", {"split": 4}, "unknown split of ucf101 4: expected one of 1, 2, 3"),
        ("something_something", {"seed": -1}, "seed"),
        ("kinetics_sounds", {"stream": "yes"}, "stream must be True or False"),
    ],
)
def test_wrong_options_raise(name, options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        load(name, **options)


def test_hold_out_draws_whole_groups_and_needs_two():
    groups = np.repeat(np.arange(20), 3)
    rest, drawn = hold_out(np.arange(100, 160), groups, 0.1, seed=0)
    assert len(drawn) == 6 and sorted([*rest, *drawn]) == list(range(100, 160))
    assert not set(groups[rest - 100]) & set(groups[drawn - 100])
    assert set(hold_out(np.arange(60), groups, 0.1, seed=1)[1]) != set(drawn - 100)
    with pytest.raises(ValueError, match="two groups of rows are needed"):
        hold_out(np.arange(3), np.zeros(3), 0.1, seed=0)
