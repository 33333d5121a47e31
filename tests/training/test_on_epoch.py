"""The caller's function after every epoch: numbers of any kind are kept, all else is refused, draws change nothing."""

import random
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from mmlib.data import load
from mmlib.methods import AGM, MCR, Joint
from mmlib.models import build_model
from mmlib.training import fit
from mmlib.training.checkpoint import load_checkpoint


def make(method=Joint, wrap=None):
    data = load("synthetic", samples=(60, 30, 30), classes=3)
    torch.manual_seed(0)
    model = build_model(data.shapes, 3, width=8, depth=1, dropout=0.3)
    if wrap:
        model.encoders["a"].blocks.append(wrap())
    return method(model), data


def train(on_epoch=None, path=None, method=Joint, wrap=None, epochs=4, **options):
    method, data = make(method, wrap)
    options = {"device": "cpu", "checkpoint": path, "checkpoint_every": 0.0, "on_epoch": on_epoch, **options}
    return fit(method, data, epochs=epochs, **options), method.state_dict()


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one) and one.keys() == other.keys()


NUMBERS = {
    "float64": (np.float64(0.5), 0.5),
    "float16": (np.float16(0.5), 0.5),
    "int32": (np.int32(3), 3.0),
    "numpy bool": (np.bool_(True), 1.0),
    "numpy array": (np.array(0.25), 0.25),
    "tensor": (torch.tensor(0.25), 0.25),
    "tensor with gradient": (torch.tensor(0.25, requires_grad=True), 0.25),
    "tensor of a class": (torch.tensor(2), 2.0),
    "bfloat16": (torch.tensor(0.5, dtype=torch.bfloat16), 0.5),
    "fraction": (Fraction(1, 4), 0.25),
    "decimal": (Decimal("0.5"), 0.5),
    "bool": (True, 1.0),
    "int": (7, 7.0),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_a_number_of_any_kind_is_kept_as_a_float_and_read_back(tmp_path, kind):
    value, expected = NUMBERS[kind]
    history, _ = train(lambda *_: {"mine": value}, tmp_path / "c.pt", epochs=2)
    assert [row["mine"] for row in history.epochs] == [expected] * 2
    assert all(type(row["mine"]) is float for row in history.epochs)
    assert load_checkpoint(tmp_path / "c.pt")["history"] == history.epochs


@pytest.mark.parametrize("nothing", [None, {}])
def test_nothing_may_be_returned(tmp_path, nothing):
    assert train(lambda *_: nothing, tmp_path / "c.pt")[0] == train()[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([1.0], "on_epoch must return None or a dict of names and numbers, got list"),
        (0.5, "None or a dict of names and numbers, got float"),
        ({3: 0.5}, r"on_epoch must name its columns by texts, got 3 \(int\)"),
        ({"f1": "0.5"}, r"column 'f1' of on_epoch must be a real number, got '0.5' \(str\)"),
        ({"f1": None}, r"column 'f1' of on_epoch must be a real number, got None \(NoneType\)"),
        ({"f1": 1j}, r"column 'f1' .* got 1j \(complex\)"),
        ({"f1": np.ones(3)}, r"column 'f1' .* got array.* \(ndarray\[3\]\)"),
        ({"f1": torch.ones(1)}, r"column 'f1' .* \(Tensor\[1\]\)"),
        ({"f1": torch.tensor(1j)}, r"column 'f1' .* \(complex\)"),
        ({"f1": {"a": 1.0}}, r"column 'f1' .* \(dict\)"),
        ({"f1": torch.ones((), device="meta")}, "column 'f1' of on_epoch is a tensor on the meta device, .*: return a"),
        ({"f1": torch.ones(3, device="meta")}, "column 'f1' of on_epoch is a tensor on the meta device"),
        ({"f1": 10**400}, "column 'f1' of on_epoch cannot be a float"),
        ({"epoch": 1}, "on_epoch returned 'epoch', a column that training fills: give it another name"),
        ({"loss": 1.0}, "on_epoch returned 'loss', a column"),
        ({"valid/accuracy": 1.0}, "on_epoch returned 'valid/accuracy', a column"),
        ({"valid/mae": 1.0}, "on_epoch returned 'valid/mae', a column"),
        ({"kappa/a": 1.0}, "on_epoch returned 'kappa/a', a column"),
    ],
)
def test_anything_else_is_refused_in_the_first_epoch_by_its_name(tmp_path, given, words):
    begun = []
    with pytest.raises((TypeError, ValueError), match=words):
        train(lambda epoch, _: begun.append(epoch) or given, tmp_path / "c.pt", AGM)
    assert begun == [0]


def test_what_is_refused_late_leaves_the_epochs_before_it(tmp_path):
    with pytest.raises(TypeError, match="column 'f1'"):
        train(lambda epoch, _: {"f1": "late" if epoch == 3 else 0.5}, tmp_path / "c.pt")
    history, weights = train(lambda *_: {"f1": 0.5}, tmp_path / "c.pt")
    assert history == train(lambda *_: {"f1": 0.5})[0] and same(weights, train()[1])


def draws():
    return {"torch": torch.rand(()), "python": random.random(), "numpy": np.random.rand(), "normal": torch.randn(())}


class Noisy(nn.Module):
    """Draws from Python's and NumPy's generators wherever it is run, also in evaluation mode."""

    def forward(self, x):
        return x * (1 + 0.1 * random.random() + 0.1 * np.random.rand())


@pytest.mark.parametrize("wrap", [None, Noisy])
@pytest.mark.parametrize("method", [Joint, MCR])
def test_what_it_draws_changes_nothing_in_the_training(method, wrap):
    history, weights = train(method=method, wrap=wrap)
    drawing, others = train(lambda *_: draws(), method=method, wrap=wrap)
    assert [{n: row[n] for n in history.epochs[0]} for row in drawing.epochs] == history.epochs
    assert same(weights, others)


def seed_everything(*_):
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)


def test_not_even_seeding_in_it_changes_the_training():
    assert same(train(seed_everything, method=MCR)[1], train(method=MCR)[1])


@pytest.mark.parametrize("method", [Joint, AGM, MCR])
def test_switching_gradients_off_in_it_changes_nothing_in_the_training(method):
    seen = []

    def switch(epoch, _):
        seen.append(torch.is_grad_enabled())
        torch.set_grad_enabled(False)

    history, weights = train(switch, method=method)
    assert torch.is_grad_enabled() and seen == [True] * 4
    assert history == train(method=method)[0] and same(weights, train(method=method)[1])
    with torch.no_grad():  # the caller's own setting is left alone too
        train(lambda *_: torch.set_grad_enabled(True) and None, method=method)
        assert not torch.is_grad_enabled()


def test_its_draws_follow_from_seed_and_epoch_also_after_a_stop(tmp_path):
    history, _ = train(lambda *_: draws())
    assert len({row[n] for row in history.epochs for n in draws()}) == 4 * 4  # all of them differ
    assert train(lambda *_: draws())[0] == history != train(lambda *_: draws(), seed=1)[0]

    def stop(epoch, _):
        return draws() if epoch < 2 else 1 / 0

    with pytest.raises(ZeroDivisionError):
        train(stop, tmp_path / "c.pt")
    assert train(lambda *_: draws(), tmp_path / "c.pt")[0] == history


def test_a_network_that_draws_from_python_and_numpy_resumes_to_the_same_bits(tmp_path):
    history, weights = train(wrap=Noisy)
    with pytest.raises(ZeroDivisionError):
        train(lambda epoch, _: None if epoch < 2 else 1 / 0, tmp_path / "c.pt", wrap=Noisy)
    again, others = train(path=tmp_path / "c.pt", wrap=Noisy)
    assert again == history and same(weights, others)
    assert history != train(wrap=Noisy, seed=1)[0]


def test_the_callers_generators_are_left_alone():
    def three():
        return torch.rand(()).item(), random.random(), np.random.rand()

    seed_everything()
    expected = three()
    method, data = make(wrap=Noisy)
    seed_everything()
    fit(method, data, epochs=2, device="cpu", on_epoch=lambda *_: draws())
    assert three() == expected


class Logging(Joint):
    """A method that logs under a name of its own."""

    name = "mine"

    def loss(self, inputs, labels):
        loss, _ = super().loss(inputs, labels)
        return loss, {self.name: loss}


@pytest.mark.parametrize("name", ["epoch", "valid/accuracy", "valid/loss", "valid/mae"])
def test_a_method_cannot_log_under_the_name_of_a_column_that_fit_fills(name):
    method = type("Logging", (Logging,), {"name": name})
    with pytest.raises(ValueError, match=f"Logging logs '{name}', a column that fit fills itself"):
        train(method=method)
    assert train(method=Logging)[0].epochs[0]["mine"] > 0


class Remembering(Joint):
    """A method whose state holds ``kept``."""

    kept = None

    def get_extra_state(self):
        return {"epoch": self.epoch, "kept": self.kept}

    def set_extra_state(self, state):
        self.epoch = state["epoch"]


def test_plain_state_of_an_own_method_is_kept(tmp_path):
    method = type("Plain", (Remembering,), {"kept": ("text", [1, 2.5, None])})
    history, weights = train(path=tmp_path / "c.pt", method=method)
    assert load_checkpoint(tmp_path / "c.pt")["best"]["_extra_state"]["kept"] == ("text", [1, 2.5, None])
    assert train(path=tmp_path / "c.pt", method=method)[0] == history


@pytest.mark.parametrize("kept", [np.float64(1.0), np.ones(2), {1, 2}, Fraction(1, 2), print, object()])
@pytest.mark.parametrize("every", [0.0, 1e9])
def test_state_that_could_not_be_read_back_is_refused_in_the_first_epoch(tmp_path, kept, every):
    epochs, method = [], type("Odd", (Remembering,), {"kept": kept})
    words = r"c\.pt cannot hold state\['method'\]\['_extra_state'\]\['kept'\], a .*, since it could not be read back"
    with pytest.raises(TypeError, match=words):
        train(lambda epoch, _: epochs.append(epoch), tmp_path / "c.pt", method, checkpoint_every=every)
    assert epochs == [0] and list(tmp_path.iterdir()) == []
