"""Buffers that come late: any state fits, they move and are cast with their module, and are copied with it."""

import copy

import pytest
import torch
from torch import nn

from mmlib.methods._parts.late_buffers import LateBuffers


class Holder(nn.Module):
    """Other parameters beside two of them, so that prefixes matter."""

    def __init__(self, early=None, late=None):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.early, self.late = LateBuffers(), LateBuffers()
        self.early.replace(early or {})
        self.late.replace(late or {})


def held(buffers):
    return {name: value.clone() for name, value in buffers.items()}


def same(one, other):
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


STATES = {
    "empty": {},
    "one": {"a/1": torch.arange(3.0)},
    "wider": {"a/1": torch.arange(5.0), "a/2": torch.tensor(0.5)},
    "other": {"v/10": torch.ones(2, 3), "a/2": torch.zeros(4), "a/1": torch.arange(4)},
}


@pytest.mark.parametrize("after", STATES)
@pytest.mark.parametrize("before", STATES)
def test_a_state_of_any_names_and_shapes_is_taken_over(before, after, tmp_path):
    saved, loaded = Holder(STATES[after], STATES["one"]), Holder(STATES[before], STATES["wider"])
    torch.save(saved.state_dict(), tmp_path / "state.pt")
    result = loaded.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert not result.missing_keys and not result.unexpected_keys
    assert same(held(loaded.early), STATES[after]) and same(held(loaded.late), STATES["one"])
    assert loaded.state_dict().keys() == saved.state_dict().keys()


def test_what_was_loaded_shares_no_memory_with_the_state():
    state = Holder(copy.deepcopy(STATES["one"])).state_dict()
    loaded = Holder()
    loaded.load_state_dict(state)
    before = held(loaded.early)
    state["early.a/1"].add_(9)
    assert same(held(loaded.early), before)


def test_a_key_that_belongs_to_nothing_is_still_refused():
    with pytest.raises(RuntimeError, match="Unexpected.*other"):
        Holder().load_state_dict({**Holder().state_dict(), "other": torch.ones(1)})


def test_replacing_leaves_nothing_of_before():
    buffers = LateBuffers()
    assert len(buffers) == 0 and not buffers.state_dict()
    for tensors in STATES.values():
        buffers.replace(tensors)
        assert len(buffers) == len(tensors) and same(held(buffers), tensors)
        assert all(buffers[name] is tensor for name, tensor in tensors.items())


def test_they_are_cast_and_whole_numbers_stay_whole():
    holder = Holder(STATES["other"]).double()
    assert [value.dtype for _, value in holder.early.items()] == [torch.float64, torch.float64, torch.int64]
    assert same({k: v.double() for k, v in holder.early.items()}, {k: v.double() for k, v in STATES["other"].items()})


def test_they_move():
    holder = Holder(STATES["wider"]).to("meta")
    assert {value.device.type for _, value in holder.early.items()} == {"meta"}


@pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter")
def test_a_state_lands_where_the_module_is():
    holder = Holder(STATES["one"]).to("meta")
    holder.load_state_dict(Holder(STATES["wider"]).state_dict())
    assert {value.device.type for _, value in holder.early.items()} == {"meta"}


def test_they_are_no_parameters():
    holder = Holder(STATES["wider"])
    assert {name for name, _ in holder.named_parameters()} == {"layer.weight", "layer.bias"}
    assert {name for name, _ in holder.named_buffers()} == {"early.a/1", "early.a/2"}


def test_a_copy_is_a_copy():
    holder = Holder(copy.deepcopy(STATES["one"]))
    copied = copy.deepcopy(holder)
    holder.early["a/1"].fill_(9)
    assert same(held(copied.early), STATES["one"])
    copied.early.replace({})
    assert len(holder.early) == 1
