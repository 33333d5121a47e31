"""Checkpoints: equal to the bit after a round trip, refused when damaged, and unable to run code."""

import hashlib
import io
import pickle
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mmlib.training.checkpoint import DIGEST_LENGTH, CheckpointDamaged, load_checkpoint, save_checkpoint

STATE = {
    "weights": {"w": torch.linspace(-1, 1, 300, dtype=torch.float64), "n": torch.tensor(3)},
    "history": [{"epoch": 0, "loss": 0.1 + 0.2}],
    "random": torch.arange(8, dtype=torch.uint8),
    "random_cuda": None,
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "c.pt"
    save_checkpoint(path, STATE)
    return path


def test_what_was_saved_is_loaded_to_the_bit(file):
    loaded = load_checkpoint(file)
    assert loaded["history"] == STATE["history"] and loaded["random_cuda"] is None
    assert torch.equal(loaded["random"], STATE["random"])
    for name, tensor in STATE["weights"].items():
        assert torch.equal(loaded["weights"][name], tensor) and loaded["weights"][name].dtype == tensor.dtype


def test_a_second_save_replaces_the_first_and_leaves_one_file(file):
    save_checkpoint(file, STATE | {"history": []})
    assert load_checkpoint(file)["history"] == []
    assert [f.name for f in file.parent.iterdir()] == ["c.pt"]


@pytest.mark.parametrize("position", [0, DIGEST_LENGTH - 1, DIGEST_LENGTH, -1])
def test_one_flipped_bit_anywhere_is_damage(file, position):
    content = bytearray(file.read_bytes())
    content[position] ^= 1
    file.write_bytes(content)
    with pytest.raises(CheckpointDamaged, match=r"c\.pt is damaged.*delete it to train again"):
        load_checkpoint(file)


@pytest.mark.parametrize("length", [0, 10, DIGEST_LENGTH, DIGEST_LENGTH + 100])
def test_a_truncated_file_is_damage(file, length):
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(CheckpointDamaged, match=r"c\.pt is damaged"):
        load_checkpoint(file)


def test_a_state_that_cannot_be_saved_leaves_the_old_checkpoint(file):
    with pytest.raises(TypeError, match=r"c\.pt cannot hold state\['history'\], a builtins\.function, since it could"):
        save_checkpoint(file, {"history": lambda: None})
    assert load_checkpoint(file)["history"] == STATE["history"]
    assert [f.name for f in file.parent.iterdir()] == ["c.pt"]


class Renamed(str):
    """A text that is not one of Python's own."""


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"history": [{"f1": np.float64(0.5)}]}, r"state\['history'\]\[0\]\['f1'\], a numpy\.float64"),
        ({"history": [{"f1": np.float32(0.5)}]}, r"\['f1'\], a numpy\.float32"),
        ({"weights": np.ones(3)}, r"state\['weights'\], a numpy\.ndarray"),
        ({"weights": (1, {2, 3})}, r"state\['weights'\]\[1\], a builtins\.set"),
        ({Renamed("weights"): 1}, r"a name in state, a .*Renamed"),
        ({"weights": defaultdict(list)}, r"state\['weights'\], a collections\.defaultdict"),
        ({"weights": Path("x")}, r"state\['weights'\], a pathlib\..*Path"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(file, state, words):
    with pytest.raises(TypeError, match=words + ", since it could not be read back: make it a tensor"):
        save_checkpoint(file, state)
    assert load_checkpoint(file)["history"] == STATE["history"]


def test_everything_that_is_written_can_be_read_back(file):
    dtypes = (torch.float32, torch.bfloat16, torch.float16, torch.bool, torch.uint8, torch.complex64, torch.int8)
    tensors = {str(dtype): torch.ones(3).to(dtype) for dtype in dtypes}
    state = {
        "t": OrderedDict(tensors),
        "p": nn.Parameter(torch.ones(2)),
        "x": [None, True, 1, 0.5, "é", (1, (2,))],
        3: {},
    }
    save_checkpoint(file, state)
    loaded = load_checkpoint(file)
    assert loaded["x"] == state["x"] and loaded[3] == {} and torch.equal(loaded["p"], state["p"])
    assert all(torch.equal(loaded["t"][name], tensor) for name, tensor in tensors.items())


class Attack:
    """Unpickling this calls a function."""

    def __reduce__(self):
        return (print, ("attacked",))


def test_a_checkpoint_with_the_right_hash_still_cannot_run_code(tmp_path, capsys):
    buffer = io.BytesIO()
    torch.save({"history": Attack()}, buffer)
    payload = buffer.getvalue()
    (tmp_path / "c.pt").write_bytes(hashlib.sha256(payload).hexdigest().encode() + payload)
    with pytest.raises(pickle.UnpicklingError):
        load_checkpoint(tmp_path / "c.pt")
    assert "attacked" not in capsys.readouterr().out


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_checkpoint_of_the_gpu_can_be_read_without_one(tmp_path):
    save_checkpoint(tmp_path / "c.pt", {"w": torch.ones(3, device="cuda")})
    assert load_checkpoint(tmp_path / "c.pt")["w"].device.type == "cpu"
