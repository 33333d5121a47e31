"""Every kind of tensor that users bring, in every place it can come to: it works, or a sentence says what to do."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from every_measure import EVERY_MEASURE
from torch import nn

from mmlib.data import MultimodalData, Split
from mmlib.methods import METHODS, Joint, Unimodal
from mmlib.models import ConcatFusion, MultimodalModel, build_encoder, build_model
from mmlib.training import evaluate, fit, predict

ROWS = 24
FLOATING = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def data(convert, shape=(3, 4, 4), classes=("x", "y"), labels=None):
    """Two classes; "a" is what ``convert`` makes of numbers from 0 to 200 of that shape, "b" four floats."""
    labels = torch.arange(ROWS) % 2 if labels is None else labels
    draws = torch.Generator().manual_seed(0)

    def split():
        pictures = torch.randint(0, 200, (ROWS, *shape), generator=draws).float()
        return Split({"a": convert(pictures), "b": torch.randn(ROWS, 4, generator=draws)}, labels)

    return MultimodalData("mine", split(), split(), split(), classes)


def network(of):
    torch.manual_seed(0)
    return build_model(of.shapes, 2, width=4, depth=1)


def step(model, of):
    method = Joint(model)
    return method.step(of.train.inputs, of.train.labels, torch.optim.SGD(method.parameters(), lr=0.01))


def alone(of):
    return Unimodal(network(of), modality="a")


def measured(measure, model, of):
    return measure(model, alone(of), of.train, of.test)


PLACES = {
    "fit": lambda model, of: fit(Joint(model), of, epochs=1, batch_size=8, device="cpu"),
    "step": step,
    "forward": lambda model, of: model(of.test.inputs),
    "evaluate": lambda model, of: evaluate(Joint(model), of.test),
    "predict": lambda model, of: predict(Joint(model), of.test),
    **{name: partial(measured, measure) for name, measure in EVERY_MEASURE.items()},
}
REFUSED_BY_A_NETWORK = {
    "float64": (lambda x: x.double(), r"x\.float\(\), or the network with model\.double\(\)"),
    "float16": (lambda x: x.half(), r"x\.float\(\), or the network with model\.half\(\)"),
    "bfloat16": (lambda x: x.bfloat16(), r"x\.float\(\), or the network with model\.bfloat16\(\)"),
    "uint8": (lambda x: x.byte(), r"convert pictures with x\.float\(\) / 255, other numbers with x\.float\(\)"),
    "int32": (lambda x: x.int(), r"pictures with x\.float\(\) / 255"),
    "int64": (lambda x: x.long(), r"pictures with x\.float\(\) / 255"),
    "bool": (lambda x: x > 100, r"x\.float\(\)"),
}
REFUSED_AT_ONCE = {
    "complex": (lambda x: x.to(torch.complex64), "'a' must hold real or whole numbers, got torch.complex64"),
    "NumPy": (lambda x: x.numpy(), "'a' must be a tensor, got ndarray: torch.as_tensor makes one"),
    "a list": (lambda x: x.tolist(), "'a' must be a tensor, got list"),
    "sparse": (lambda x: x.to_sparse(), r"'a' must be a dense tensor, got torch.sparse_coo: x.to_dense\(\) makes one"),
    "with gradients": (lambda x: x.requires_grad_(), r"requires gradients: x.detach\(\) gives"),
    "one number a row": (lambda x: x[:, 0, 0, 0], r"rows of shape \(\), one number each: .* \[N, 1\], as x\[:, None\]"),
    "one byte a row": (lambda x: x[:, 0, 0, 0].byte(), r"rows of shape \(\), one number each"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", REFUSED_BY_A_NETWORK)
def test_what_a_network_cannot_read_is_a_sentence(kind, place):
    convert, words = REFUSED_BY_A_NETWORK[kind]
    of = data(convert)
    with pytest.raises(TypeError, match="inputs of 'a' are torch.*, its encoder computes in torch.float32: .*" + words):
        PLACES[place](network(of), of)


@pytest.mark.parametrize("encoder", ["resnet18", "conv2d"])
@pytest.mark.parametrize("kind", REFUSED_BY_A_NETWORK)
def test_so_it_is_where_layers_are_convolutions(kind, encoder):
    convert, words = REFUSED_BY_A_NETWORK[kind]
    of = data(convert, shape=(3, 16, 16))
    with pytest.raises(TypeError, match=words):
        PLACES["fit"](build_model(of.shapes, 2, {"a": encoder, "b": "mlp"}, width={"b": 4}), of)


def in_dtype(dtype):
    """The same data with all inputs in ``dtype``."""
    of = data(lambda x: x / 255)
    splits = (Split({m: x.to(dtype) for m, x in s.inputs.items()}, s.labels) for s in of.splits.values())
    return MultimodalData("mine", *splits, of.classes)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("dtype", FLOATING)
def test_a_network_of_the_same_dtype_works_everywhere(dtype, place, monkeypatch):
    monkeypatch.setitem(globals(), "alone", lambda of: Unimodal(network(of).to(dtype), modality="a"))
    of = in_dtype(dtype)
    PLACES[place](network(of).to(dtype), of)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains_in_every_dtype(name, dtype):
    of = in_dtype(dtype)
    options = {"unimodal": {"modality": "a"}, "aim": {"warm_up": 1}}.get(name, {})
    method = METHODS[name](network(of).to(dtype), **options)
    fit(method, of, epochs=2, batch_size=8, lr=0.001, device="cpu")
    assert 0 <= evaluate(method, of.test)["accuracy"] <= 1


@pytest.mark.parametrize("kind", REFUSED_AT_ONCE)
def test_what_no_split_takes_is_a_sentence(kind):
    convert, words = REFUSED_AT_ONCE[kind]
    with pytest.raises((TypeError, ValueError), match=words):
        data(convert)


def text_network(vocabulary=250):
    torch.manual_seed(0)
    text = build_encoder("transformer", (6,), vocabulary=vocabulary, width=4, depth=1, heads=1)
    other = build_encoder("mlp", (4,), width=4, depth=1)
    return MultimodalModel({"a": text, "b": other}, ConcatFusion({"a": 4, "b": 4}, 2))


def test_token_numbers_are_taken_by_an_encoder_that_reads_them():
    of = data(lambda x: x.long(), shape=(6,))
    for place in ("fit", "evaluate", "linear_probe", "shapley_values"):
        PLACES[place](text_network(), of)


@pytest.mark.parametrize("place", PLACES)
def test_floats_for_token_numbers_are_a_sentence(place):
    with pytest.raises(TypeError, match=r"'a' are torch.float32, its encoder reads token numbers: .* x\.long\(\)"):
        PLACES[place](text_network(), data(lambda x: x, shape=(6,)))


class Converts(nn.Module):
    """An encoder of a user that takes bytes and makes floats of them itself."""

    def __init__(self):
        super().__init__()
        self.layer, self.calls = nn.Linear(48, 4), 0

    def forward(self, x):
        self.calls += 1
        return self.layer(x.flatten(1).float() / 255)


def test_an_encoder_that_converts_bytes_itself_is_asked_once():
    of, encoder = data(lambda x: x.byte()), Converts()
    model = MultimodalModel({"a": encoder, "b": nn.Linear(4, 4)}, ConcatFusion({"a": 4, "b": 4}, 2))
    for _ in range(3):
        model(of.test.inputs)
    assert encoder.calls == 4
    fit(Joint(model), of, epochs=1, device="cpu")


def test_a_wrong_shape_is_not_called_a_wrong_type():
    of = data(lambda x: x.byte())
    wrong = MultimodalModel({"a": nn.Linear(7, 4), "b": nn.Linear(4, 4)}, ConcatFusion({"a": 4, "b": 4}, 2))
    with pytest.raises(RuntimeError, match="shapes|dtype"):
        wrong(of.test.inputs)


@pytest.mark.parametrize(
    "classes",
    [np.array(["x", "y"]), [np.str_("x"), np.str_("y")], pd.Index(["x", "y"]), ("x", "y"), "xy", {"x": 0, "y": 1}],
    ids=["array", "list of NumPy", "index", "tuple", "text", "dict"],
)
def test_class_names_of_any_kind_become_texts(classes):
    names = data(lambda x: x, classes=classes).classes
    assert names == ("x", "y") and {type(name) for name in names} == {str}


@pytest.mark.parametrize("classes", [np.arange(2), [np.int64(0), np.int64(1)], range(2)])
def test_class_numbers_become_texts(classes):
    assert data(lambda x: x, classes=classes).classes == ("0", "1")


@pytest.mark.parametrize("classes", [None, 2])
def test_classes_that_are_no_names_are_refused(classes):
    with pytest.raises(TypeError, match="classes must be a list of names"):
        data(lambda x: x, classes=classes)


def test_labels_from_numpy():
    assert data(lambda x: x, labels=torch.from_numpy(np.arange(ROWS) % 2)).num_classes == 2
    with pytest.raises(TypeError, match="'labels' must be a tensor, got ndarray: torch.as_tensor makes one"):
        data(lambda x: x, labels=np.arange(ROWS) % 2)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([torch.zeros(2, 1)], "inputs must be a dict of modality names and tensors, got list"),
        ({0: torch.zeros(2, 1)}, "a modality is named by a text, such as 'audio', got 0"),
        ({np.int64(0): torch.zeros(2, 1)}, "a modality is named by a text"),
    ],
)
def test_inputs_without_names_are_refused(inputs, words):
    with pytest.raises(TypeError, match=words):
        Split(inputs, torch.zeros(2).long())


def test_splits_of_different_types_are_refused():
    train, test = (Split({"a": torch.zeros(2, 1, dtype=d)}, torch.zeros(2).long()) for d in FLOATING[:2])
    with pytest.raises(ValueError, match="the test split of 'mine' has {'a': 'torch.float64'}, train has .*float32"):
        MultimodalData("mine", train, train, test, ("x",))


@pytest.mark.parametrize("dtype", [*FLOATING, torch.uint8, torch.bool, torch.int64])
def test_every_type_has_a_fingerprint(dtype):
    prints = {data(lambda x, n=n: (x > n).to(dtype)).fingerprint() for n in (50, 50, 100)}
    assert len(prints) == 2
