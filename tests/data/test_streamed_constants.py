"""Constants of streamed sets are moved to a device once, and the numbers of an epoch's rows leave it once."""

import pickle

import numpy as np
import pytest
import torch

from mmlib.data import Split
from mmlib.data.storage import streaming
from mmlib.data.storage.mapped import MappedRows
from mmlib.data.transforms.clips import clip, motion, some_frames

BATCHES, ROWS = 6, 4


@pytest.fixture
def views():
    return {"visual": some_frames("visual", 1), "frames": clip("visual"), "flow": motion("visual")}


@pytest.fixture
def split(tmp_path, views):
    file = tmp_path / "visual.npy"
    frames = np.random.default_rng(0).integers(0, 255, (BATCHES * ROWS, 3, 3, 2, 2)).astype(np.uint8)
    np.save(file, frames)
    rows = torch.arange(len(frames))
    return Split({m: MappedRows(file, "0", view, rows) for m, view in views.items()}, torch.zeros(len(frames)).long())


@pytest.fixture
def made(monkeypatch):
    """What torch.tensor was called with: each call is a copy to the device that waits for all its work."""
    calls, make = [], torch.tensor
    monkeypatch.setattr(torch, "tensor", lambda *values, **more: calls.append(values) or make(*values, **more))
    return calls


def test_an_epoch_builds_each_constant_once(split, made):
    for _ in range(2):
        assert len(list(split.in_order(ROWS))) == BATCHES
    assert len(made) == 2 * len(split.inputs)


def test_splits_of_one_set_share_the_constants(split, made):
    for part in (split.subset(torch.arange(8)), split.subset(torch.arange(8, 20)), split.to("cpu")):
        assert list(part.in_order(ROWS))
    assert len(made) == 2 * len(split.inputs)


def test_each_device_has_its_own(views, made):
    view = views["visual"]
    raw = torch.zeros((2, 3, 2, 2), dtype=torch.uint8)
    for device in ("cpu", "meta", "cpu", "meta"):
        assert view.applied(raw.to(device)).device.type == device
    assert len(made) == 4


def test_a_view_that_is_sent_to_another_process_leaves_them_behind(split):
    view = split.inputs["visual"].view
    raw = torch.full((2, 3, 2, 2), 7, dtype=torch.uint8)
    shown = view.applied(raw)
    assert len(pickle.dumps(view)) < 1000
    assert torch.equal(pickle.loads(pickle.dumps(view)).applied(raw), shown)


def test_the_numbers_of_all_batches_are_copied_together(monkeypatch):
    numbers = [torch.arange(4), torch.arange(4, 6), torch.arange(6, 10)]
    copied, copy = [], torch.Tensor.cpu
    monkeypatch.setattr(torch.Tensor, "cpu", lambda x: copied.append(x) or copy(x))
    on_host = streaming.on_host(numbers)
    assert [index.tolist() for index in on_host] == [index.tolist() for index in numbers]
    assert len(copied) == 1 and streaming.on_host([]) == []
