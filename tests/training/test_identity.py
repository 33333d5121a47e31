"""A checkpoint is of one training: whatever else differs, it is refused with the name of what differs."""

import os
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmlib.data import MultimodalData, Split, load
from mmlib.methods import AGM, AIM, MSES, Ensemble, Joint
from mmlib.models import ConcatFusion, MultimodalModel, build_model
from mmlib.training import fit
from mmlib.training._described import described
from mmlib.training.checkpoint import CheckpointRefused
from mmlib.training.identity import training_identity

FIT = {"epochs": 1, "batch_size": 32, "lr": 0.01, "seed": 0, "device": "cpu"}


class Scaled(nn.Module):
    """An own layer that keeps its settings where print(module) does not show them."""

    offset = 0.0

    def __init__(self, scale=1.0, act=F.relu, options=None):
        super().__init__()
        self.scale, self.act, self.options = scale, act, options

    def forward(self, x):
        return self.act(self.scale * x + self.offset)


class Shifted(Scaled):
    offset = 0.5


class Halved(Scaled):
    def forward(self, x):
        return self.act(self.scale * x / 2)


def times(factor):
    return lambda x: factor * x


def make(layer=None, method=AGM, dropout=0.3, act=nn.ReLU, eps=1e-5, padding="zeros", init=0, frozen=(), dtype=None,
         outputs=3, tied=False, **options):  # fmt: skip
    torch.manual_seed(init)
    conv = [nn.Unflatten(1, (1, -1)), nn.Conv1d(1, 4, 3, padding=1, padding_mode=padding), nn.Flatten()]
    a = nn.Sequential(nn.LazyLinear(6), nn.BatchNorm1d(6, eps=eps), act(), nn.Dropout(dropout), layer or Scaled())
    v = nn.Sequential(*conv, nn.LazyLinear(6), nn.Linear(6, 6), nn.Linear(6, 6))
    x = load("synthetic", samples=(40, 20, 20)).train.inputs
    with torch.no_grad():
        (a[0](x["a"]), v[:4](x["b"]))
    torch.manual_seed(init)
    for module in (*a, *v):
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    if tied:
        v[5].weight = v[4].weight
    else:
        v[5].load_state_dict(v[4].state_dict())
    model = MultimodalModel({"a": a, "b": v}, ConcatFusion({"a": 6, "b": 6}, outputs)).to(dtype)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.startswith(tuple(frozen)))
    return method(model, **options)


def make_data(seed=0, real=False, dtype=torch.float32):
    data = load("synthetic", samples=(40, 20, 20), classes=3, seed=seed)
    splits = {
        name: Split({m: x.to(dtype) for m, x in s.inputs.items()}, s.inputs["a"][:, 0] if real else s.labels)
        for name, s in data.splits.items()
    }
    return MultimodalData("toy", **splits, classes=() if real else data.classes)


NETWORKS = {
    "dropout": ({"dropout": 0.5}, r"network: encoders\.a\.3\.p 0\.3 is not 0\.5 "),
    "activation": ({"act": nn.Tanh}, r"encoders\.a\.2 torch\.nn\.modules\.activation\.ReLU is not .*\.Tanh"),
    "eps": ({"eps": 1e-3}, r"network: encoders\.a\.1\.eps 1e-05 is not 0\.001 "),
    "padding": ({"padding": "circular"}, r"network: encoders\.b\.1\.padding_mode 'zeros' is not 'circular'"),
    "attribute": ({"layer": Scaled(2)}, r"network: encoders\.a\.4\.scale 1 is not 2 "),
    "nested attribute": ({"layer": Scaled(options={"p": [1, 2]})}, r"options None is not \{'p': \(1, 2\)\}"),
    "tensor": ({"layer": Scaled(torch.ones(6))}, r"scale 1 is not torch\.float32 \[6\] #"),
    "function": ({"layer": Scaled(act=F.gelu)}, r"encoders\.a\.4\.act torch\.nn\.functional\.relu is not .*gelu"),
    "attribute of the class": ({"layer": Shifted()}, r"encoders\.a\.4\.offset 0 is not 0\.5"),
    "frozen": (
        {"frozen": ["encoders.b.5"]},
        r"encoders\.b\.5\.weight torch\.float32 \[6, 6\] trained is not .* frozen",
    ),
    "tied": ({"tied": True}, r"encoders\.b\.5\.weight .* trained is not the same as encoders\.b\.4\.weight"),
    "weights": (
        {"init": 1},
        "of another training: other initial weights of the network. To continue .* build network and method again",
    ),
    "method option": ({"alpha": 2.0}, r"method: alpha 1\.5 is not 2 "),
    "window": ({"modulation_end": 3}, r"method: window .*'end': None\} is not .*'end': 3\}"),
    "method": ({"method": Joint}, r"method mmlib\.methods\.agm\.AGM is not mmlib\.methods\.joint\.Joint"),
}


@pytest.fixture
def file(tmp_path):
    """The checkpoint of the training that all others are compared with."""
    fit(make(), make_data(), **FIT, checkpoint=tmp_path / "c.pt")
    return tmp_path / "c.pt"


def assert_refused(file, words, method=None, data=None, **changes):
    method, content = method or make(), file.read_bytes()
    before = {name: value.clone() for name, value in method.state_dict().items()}
    with pytest.raises(ValueError, match=words) as caught:
        fit(method, data or make_data(), **FIT | changes, checkpoint=file)
    assert str(file) in str(caught.value) and "elete the file or name another" in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in method.state_dict().items())
    assert file.read_bytes() == content


def test_an_equal_training_is_taken_up(file):
    written = file.stat().st_mtime_ns
    again = make(alpha=3 / 2)
    history = fit(again, make_data(), **FIT | {"lr": 1 / 100}, checkpoint=file)
    assert len(history.epochs) == 1 and again.steps_taken == 2
    assert file.stat().st_mtime_ns == written  # read, and nothing trained again


@pytest.mark.parametrize("change", NETWORKS)
def test_another_network_or_method_is_refused(file, change):
    options, words = NETWORKS[change]
    assert_refused(file, words, make(**options))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 2}, "training: epochs 1 is not 2 "),
        ({"batch_size": 16, "lr": 0.5}, "batch_size 32 is not 16; lr 0.01 is not 0.5 "),
        ({"optimizer": "adam"}, "optimizer 'sgd' is not 'adam'"),
        ({"weight_decay": 0.1}, "weight_decay 0 is not 0.1"),
        ({"seed": 1}, "training: seed 0 is not 1 "),
    ],
)
def test_other_settings_are_refused(file, change, words):
    assert_refused(file, words, **change)


def test_other_data_another_criterion_and_another_type_are_refused(file, tmp_path):
    assert_refused(file, "it is of another training: other data ", data=make_data(seed=1))
    double = make(dtype=torch.float64)
    assert_refused(file, r"torch\.float32 .* is not torch\.float64 ", double, make_data(dtype=torch.float64))
    real = make_data(real=True)
    words = r"other data; criterion cross-entropy of torch\.int64 labels is not mean absolute error of torch\.float32"
    fit(make(method=Joint), make_data(), **FIT, checkpoint=tmp_path / "joint.pt")
    assert_refused(tmp_path / "joint.pt", words, make(method=Joint, outputs=1), real)


def test_other_heads_of_the_method_are_refused(tmp_path):
    def heads(seed):
        method = make(method=Ensemble)
        torch.manual_seed(seed)
        method.heads["a"].reset_parameters()
        return method

    fit(heads(0), make_data(), **FIT, checkpoint=tmp_path / "c.pt")
    fit(heads(0), make_data(), **FIT, checkpoint=tmp_path / "c.pt")
    assert_refused(
        tmp_path / "c.pt", "of another training: other initial weights of the method's own parts. To continue", heads(1)
    )


@pytest.mark.parametrize("kind", [AGM, MSES, Ensemble])
def test_a_network_that_was_trained_already_is_refused_with_what_to_do(tmp_path, kind):
    trained, file = make(method=kind), tmp_path / "c.pt"
    fit(trained, make_data(), **FIT, checkpoint=file)
    assert_refused(file, r"build network and method again as they were before it \(same seed, not trained", trained)


def test_what_a_method_has_found_in_a_training_does_not_hide_what_to_do(tmp_path):
    data, options = make_data(), FIT | {"epochs": 2, "checkpoint": tmp_path / "c.pt"}
    torch.manual_seed(0)
    trained = AIM(build_model(data.shapes, 3, width=4, depth=2), warm_up=1, proto="class_mean")
    fit(trained, data, **options)
    trained.begin_epoch(1, data)  # the best weights may be those of before
    with pytest.raises(
        CheckpointRefused, match=r"method: judgement\..*; and \d+ more .* build network and method again"
    ):
        fit(trained, data, **options)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda x: 2 * x, lambda x: 3 * x),
        (times(2), times(3)),
        (torch.relu, torch.tanh),
        (Scaled, Halved),
        (nn.ReLU, nn.GELU),
        (torch.float32, torch.bfloat16),
        (torch.tensor([1.0]), torch.tensor([2.0])),
        ([0] * 1000 + [1], [0] * 1000 + [2]),
        (2.0**60, 2**60 + 1),
        (float("inf"), float("nan")),
    ],
)
def test_what_differs_has_another_text(one, other):
    assert described(one) != described(other)


def test_what_is_equal_has_one_text():
    assert described(times(2)) == described(times(2))
    assert described(1) == described(1.0) == described(torch.ones(1).numpy()[0]) == "1"
    assert described((3, 3)) == described([3, 3]) and described({2, 1}) == described({1, 2}) == "{1, 2}"
    loop = []
    loop.append(loop)
    assert "..." in described(loop)


def test_a_difference_in_code_alone_is_seen(file):
    assert_refused(file, r"encoders\.a\.4\.act .*relu is not .*<lambda> \(code ", make(Scaled(act=lambda x: 2 * x)))
    assert_refused(file, r"encoders\.a\.4 .*Scaled \(code .*\) is not .*Halved \(code ", make(Halved()))


ELSEWHERE = """
import sys
sys.path.insert(0, {tests!r})
from test_identity import *
print(training_identity(make(Scaled(options={{"x", "y", "z"}}, act=times(2))), make_data(), FIT))
"""


def test_the_identity_is_the_same_in_every_process(request):
    code = ELSEWHERE.format(tests=str(request.path.parent))
    texts = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in "123"
    }
    assert len(texts) == 1 and b"encoders.a.4.options" in texts.pop()


def test_what_a_network_has_only_computed_is_no_part_of_it():
    method, data = make(), make_data()
    before = training_identity(method, data, FIT)
    method.eval()
    method.begin_epoch(3, None)
    method.predict(data.valid.inputs)
    assert training_identity(method, data, FIT) == before


class Bound:
    def __init__(self, k):
        self.k = k

    def run(self, x):
        return self.k * x


def hooked(kind, k):
    """A method whose network has something of strength ``k`` hung on one of its layers."""
    method = make()
    layer = method.model.encoders["a"][4]
    if kind == "attribute":
        layer.act = Bound(k).run
    else:
        getattr(layer, f"register_{kind}")(lambda *arguments: arguments[-1] if k == 1 else None)
    return method


@pytest.mark.parametrize("kind", ["attribute", "forward_hook", "forward_pre_hook", "full_backward_hook"])
def test_hooks_and_bound_methods_are_settings_too(kind):
    texts = [training_identity(hooked(kind, k), make_data(), FIT) for k in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    if kind != "attribute":
        assert training_identity(make(), make_data(), FIT) != texts[0]
