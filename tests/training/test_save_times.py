"""Checkpoints by the clock: how often they are written changes no number, and any stop continues from the last one."""

import pytest
import torch

from mmlib.data import load
from mmlib.methods import AGM
from mmlib.models import build_model
from mmlib.training import fit
from mmlib.training._save_times import SaveTimes
from mmlib.training.checkpoint import load_checkpoint

EPOCHS = 9


class Clock:
    """Seconds that pass only when the test says so."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("mmlib.training._save_times.monotonic", clock)
    monkeypatch.setattr("mmlib.training.state.monotonic", clock)
    return clock


@pytest.fixture
def saves(clock, monkeypatch):
    """How many epochs each file that was written held; writing one takes ``saves.takes`` seconds."""
    from mmlib.training import state as training_state

    class Saves(list):
        takes = 0.0

    written, write = Saves(), training_state.save_checkpoint

    def timed(path, state):
        write(path, state)
        clock.now += written.takes
        written.append(len(state["history"]))

    monkeypatch.setattr(training_state, "save_checkpoint", timed)
    return written


def train(path=None, on_epoch=None, epochs=EPOCHS, **options):
    data = load("synthetic", samples=(60, 30, 30), classes=3)
    torch.manual_seed(0)
    method = AGM(build_model(data.shapes, 3, width=8, depth=1, dropout=0.3))
    history = fit(method, data, epochs=epochs, device="cpu", checkpoint=path, on_epoch=on_epoch, **options)
    return history, method.state_dict()


def passing(clock, seconds, stop=None):
    """An on_epoch in which time passes, and that raises KeyboardInterrupt, as Ctrl-C does, in the epoch ``stop``."""

    def on_epoch(epoch, _):
        clock.now += seconds
        if epoch == stop:
            raise KeyboardInterrupt

    return on_epoch


@pytest.mark.parametrize(
    ("every", "seconds", "expected"),
    [
        (0.0, 0.0, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (5.0, 0.0, [9]),
        (5.0, 2.0, [3, 6, 9]),
        (5.0, 2.4, [3, 6, 9]),
        (5.0, 5.0, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (30.0, 7.0, [5, 9]),
    ],
)
def test_a_file_is_written_when_its_time_has_come_and_at_the_end(tmp_path, clock, saves, every, seconds, expected):
    train(tmp_path / "c.pt", passing(clock, seconds), checkpoint_every=every)
    assert saves == expected


def test_every_five_seconds_is_what_is_done_unless_another_time_is_named(tmp_path, clock, saves):
    train(tmp_path / "c.pt", passing(clock, 2.0))
    assert saves == [3, 6, 9]


@pytest.mark.parametrize(("takes", "expected"), [(0.25, [3, 6, 9]), (0.5, [3, 8, 9]), (50.0, [3, 9])])
def test_saving_takes_a_small_part_of_the_time(tmp_path, clock, saves, takes, expected):
    saves.takes = takes
    train(tmp_path / "c.pt", passing(clock, 2.0))
    assert saves == expected


def test_at_most_one_second_in_twenty_is_spent_on_saving(clock):
    times, spent, begun = SaveTimes(5.0), 0.0, clock.now
    for _ in range(10_000):
        clock.now += 0.3
        if times.due():
            start = clock.now
            clock.now += 1.2  # a ResNet-18 for each of two modalities
            times.saved(start)
            spent += 1.2
    assert 0.03 < spent / (clock.now - begun) < 0.05


@pytest.mark.parametrize("every", [0.0, 1e-9, 0.01, 5.0, 1e9])
def test_how_often_it_is_saved_changes_no_number(tmp_path, every):
    history, weights = train()
    again, others = train(tmp_path / "c.pt", checkpoint_every=every)
    assert again == history and all(torch.equal(weights[name], others[name]) for name in weights)
    assert load_checkpoint(tmp_path / "c.pt")["history"] == history.epochs


@pytest.mark.parametrize(("every", "kept"), [(0.0, 5), (3.0, 4), (5.0, 3), (30.0, 0)])
def test_a_stop_continues_from_the_last_file_and_ends_with_the_same_bits(tmp_path, clock, saves, every, kept):
    history, weights = train()
    path = tmp_path / "c.pt"
    with pytest.raises(KeyboardInterrupt):
        train(path, passing(clock, 2.0, stop=5), checkpoint_every=every)
    assert path.exists() == (kept > 0)
    assert not kept or [row["epoch"] for row in load_checkpoint(path)["history"]] == list(range(kept))
    trained = []
    again, others = train(path, lambda epoch, _: trained.append(epoch), checkpoint_every=every)
    assert trained == list(range(kept, EPOCHS))
    assert again == history and all(torch.equal(weights[name], others[name]) for name in weights)


def test_a_finished_file_is_not_written_again(tmp_path, saves):
    train(tmp_path / "c.pt")
    train(tmp_path / "c.pt", checkpoint_every=0.0)
    assert saves == [EPOCHS]


@pytest.mark.parametrize("bad", [-1, float("nan"), float("inf"), "5", None])
def test_another_thing_than_seconds_is_refused(tmp_path, bad):
    with pytest.raises((TypeError, ValueError), match="^checkpoint_every must be a .*number"):
        train(tmp_path / "c.pt", checkpoint_every=bad)
    assert list(tmp_path.iterdir()) == []
