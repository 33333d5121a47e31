"""Read-outs after every block, on encoders whose blocks are known to show or to hide the class."""

import math

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from mmlib.data import Split
from mmlib.measures import (
    depth_imbalance,
    depth_performance,
    depth_probes,
    depth_prototypes,
    linear_probe,
    weak_channels,
)
from mmlib.measures.depth import depth_features
from mmlib.models import ENCODERS, ConcatFusion, Encoder, MultimodalModel, Transformer, build_encoder

READOUTS = {f.__name__: f for f in (depth_probes, depth_prototypes, depth_performance, weak_channels)}
KINDS = {
    "mlp": ((3, 4), {"width": 6, "depth": 3, "norm": "batch", "dropout": 0.5}),
    "conv1d": ((2, 16), {"width": 5, "depth": 2}),
    "conv2d": ((1, 8, 8), {"width": 5, "depth": 2}),
    "resnet18": ((1, 32, 32), {}),
    "transformer": ((5, 3), {"width": 8, "depth": 2, "heads": 2, "feedforward": 8}),
    "tokens": ((5,), {"vocabulary": 11, "width": 8, "depth": 1, "heads": 2, "pool": "first"}),
}


class Times(nn.Module):
    """Multiplies every column by a number of its own, and notes how many rows came."""

    def __init__(self, factors):
        super().__init__()
        self.factors, self.rows = torch.tensor(factors), []

    def forward(self, x):
        self.rows.append(len(x))
        return x * self.factors


class Shows(nn.Module):
    """[B, C] -> [B, C, 2], whose mean over the last axis is the input again and whose entries are not."""

    def forward(self, x):
        return torch.stack([x + 100, x - 100], dim=2)


def network(**encoders):
    """A network with the given encoders and an idle fusion for 3 classes."""
    return MultimodalModel(encoders, ConcatFusion({m: getattr(e, "width", 3) for m, e in encoders.items()}, 3))


def stacked(*factors):
    return Encoder([Times(f) for f in factors], len(factors[0]))


def planted(n, seed=0):
    """Columns 0 and 1 are the corner of a triangle that belongs to the class; column 2, far smaller, is noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 3
    angle = 2 * math.pi * labels / 3
    x = torch.stack([10 * angle.cos(), 10 * angle.sin(), 0.01 * torch.randn(n, generator=generator)], dim=1)
    return Split({"a": x, "b": x}, labels)


def in_turn():
    """Blocks that keep everything, then the noise alone: the class can be read at depth 1 and not at depth 2."""
    return network(a=stacked([1.0, 1.0, 1.0], [0.0, 0.0, 1.0]), b=stacked([1.0, 1.0, 1.0]))


@pytest.mark.parametrize("name", ["depth_probes", "depth_prototypes"])
def test_the_class_is_read_where_the_blocks_show_it(name):
    first, second = READOUTS[name](in_turn(), "a", planted(600), planted(600, seed=1))
    assert first == 1.0
    assert second == pytest.approx(1 / 3, abs=0.07)
    assert len(READOUTS[name](in_turn(), "b", planted(60), planted(60))) == 1


def antipodal(signs, n=8):
    """Two classes at +1 and -1 in every column, times the column's sign."""
    labels = torch.arange(n) % 2
    x = (1.0 - 2 * labels)[:, None] * torch.tensor(signs)
    return Split({"a": x, "b": x}, labels)


def two_classes(*factors):
    return MultimodalModel({m: stacked(*factors) for m in "ab"}, ConcatFusion({"a": 3, "b": 3}, 2))


def test_performance_of_rows_at_their_prototypes_and_opposite_to_them():
    model, train = two_classes([1.0, 1.0, 1.0]), antipodal([1.0, 1.0, 1.0])
    certain = 1 / (1 + math.exp(-20))  # tau = 10 times cosines of 1 and -1
    assert depth_performance(model, "a", train, train) == pytest.approx([certain], abs=1e-12)
    assert depth_performance(model, "a", train, antipodal([-1.0, -1.0, -1.0])) == pytest.approx(
        [1 - certain], abs=1e-12
    )


def test_weak_channels_speak_against_the_class_or_not_at_all():
    model = two_classes([1.0, 1.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0])
    train, test = antipodal([1.0, 1.0, 1.0]), antipodal([1.0, -1.0, 1.0])  # column 1 has turned round
    assert weak_channels(model, "a", train, test) == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert weak_channels(model, "a", train, train) == pytest.approx([0.0, 1 / 3, 2 / 3])


def of_kind(kind, rows=24, seed=0):
    """(a network with that encoder for "a", train, test): the encoder trained on nothing."""
    torch.manual_seed(seed)
    shape, options = KINDS[kind]
    encoder = Transformer(**options) if kind == "tokens" else build_encoder(kind, shape, **options)
    splits = []
    for _ in range(2):
        a = torch.randint(11, (rows, *shape)) if kind == "tokens" else torch.randn(rows, *shape)
        splits.append(Split({"a": a, "b": torch.randn(rows, 3)}, torch.arange(rows) % 3))
    return network(a=encoder.train(), b=stacked([1.0, 1.0, 1.0])), *splits


def by_hand(model, x):
    """Pooled outputs of every block in double precision, from the blocks themselves."""
    encoder = model.encoders["a"].eval()
    vectors = []
    with torch.no_grad():
        for block in encoder.blocks:
            x = block(x)
            vectors.append(encoder.pool(x).double())
    return vectors


def literal_readout(name, h_train, y_train, h, y):
    """The read-outs of one block, written out row by row and class by class."""
    if name == "depth_probes":
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=5000))
        return probe.fit(h_train.numpy(), y_train.numpy()).score(h.numpy(), y.numpy())
    p = torch.stack([h_train[y_train == k].mean(0) for k in range(3)])
    h, p = h - p.mean(0), p - p.mean(0)
    h, p = h / h.norm(dim=1, keepdim=True), p / p.norm(dim=1, keepdim=True)
    cosines = torch.stack([torch.stack([(row * q).sum() for q in p]) for row in h])
    if name == "depth_prototypes":
        return sum(c.argmax().item() == k.item() for c, k in zip(cosines, y)) / len(y)
    if name == "depth_performance":
        return sum((torch.exp(10 * c[k]) / torch.exp(10 * c).sum()).item() for c, k in zip(cosines, y)) / len(y)
    speaks = [row * (p[k] - (p.sum(0) - p[k]) / 2) for row, k in zip(h, y)]
    return (sum(speaks) / len(y) <= 0).double().mean().item()


@pytest.mark.parametrize("kind", KINDS)
def test_each_readout_is_its_formula_at_every_block_of_every_encoder(kind):
    model, train, test = of_kind(kind)
    values = {name: measure(model, "a", train, test) for name, measure in READOUTS.items()}
    blocks = list(zip(by_hand(model, train.inputs["a"]), by_hand(model, test.inputs["a"]), strict=True))
    for name, measured in values.items():
        literal = [literal_readout(name, h_train, train.labels, h, test.labels) for h_train, h in blocks]
        assert measured == pytest.approx(literal, abs=1e-4), name
        assert all(isinstance(value, float) for value in measured)


def test_every_encoder_is_tested():
    assert set(KINDS) == {*ENCODERS, "tokens"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_probe_is_the_probe_of_the_encoder(kind):
    model, train, test = of_kind(kind, rows=60, seed=1)
    probes = depth_probes(model, "a", train, test)
    assert len(probes) == len(model.encoders["a"].blocks)
    assert probes[-1] == linear_probe(model, "a", train, test)


@pytest.mark.parametrize("name", READOUTS)
def test_prototypes_and_probes_are_of_train_and_the_rows_of_test(name):
    model, train, test = of_kind("mlp", rows=60, seed=2)
    measure = READOUTS[name]
    of_both = [measure(model, "a", one, other) for one in (train, test) for other in (train, test)]
    assert len({tuple(values) for values in of_both}) == 4


def test_blocks_are_pooled_batch_by_batch():
    model = network(a=Encoder([Times([1.0, 1.0, 1.0]), Shows()], 3), b=stacked([1.0, 1.0, 1.0]))
    split = planted(2500)
    first, second = depth_features(model, "a", split)
    assert model.encoders["a"].blocks[0].rows == [1024, 1024, 452]
    assert torch.equal(first, split.inputs["a"].double())
    torch.testing.assert_close(second, first, rtol=0, atol=1e-4)
    assert not first.requires_grad and first.is_contiguous()


def test_the_gap_is_the_best_modality_less_the_worst():
    assert depth_imbalance({"a": [0.5, 0.9], "b": [0.25, 0.4]}) == pytest.approx([0.25, 0.5])
    assert depth_imbalance({"a": [0.2], "b": [0.9], "c": [0.5]}) == pytest.approx([0.7])
    assert depth_imbalance({"a": [0.2, 0.9], "b": [0.9, 0.2]}) == pytest.approx([0.7, 0.7])


def test_blocks_of_unlike_encoders_meet_at_the_nearest_relative_depth():
    # Three blocks over five depths: 3/5, 6/5, 9/5, 12/5 and 15/5 of a block, each counted as begun: 1, 2, 2, 3, 3.
    assert depth_imbalance({"a": [1, 2, 3], "b": [0.0] * 5}) == [1, 2, 2, 3, 3]
    assert depth_imbalance({"b": [0.0] * 3, "a": [1, 2]}) == [1, 2, 2]
    assert depth_imbalance({"a": [4], "b": [0, 0, 0]}) == [4, 4, 4]


def test_a_whole_block_is_never_rounded_to_the_next():
    for few in range(1, 30):
        for many in range(few, 60):
            gaps = depth_imbalance({"a": list(range(1, few + 1)), "b": [0] * many})
            assert all(few * d <= block * many < few * d + many for d, block in enumerate(gaps, start=1))


@pytest.mark.parametrize(
    ("readouts", "error", "text"),
    [
        ({"a": [1.0]}, ValueError, r"between two or more modalities, got \['a'\]"),
        ({"a": [1.0], "b": []}, ValueError, "read-outs of 'b' must hold a value for every block"),
        ({"a": [1.0], "b": [math.nan]}, ValueError, "each read-out of 'b' must be a finite number, got nan"),
        ({"a": [1.0], "b": ["0.5"]}, TypeError, "each read-out of 'b' must be a number"),
    ],
)
def test_wrong_readouts_are_named(readouts, error, text):
    with pytest.raises(error, match=text):
        depth_imbalance(readouts)


@pytest.mark.parametrize("name", READOUTS)
def test_wrong_use_is_named(name):
    measure, model, train = READOUTS[name], in_turn(), planted(30)
    with pytest.raises(ValueError, match="unknown modality 'A'"):
        measure(model, "A", train, train)
    with pytest.raises(ValueError, match=r"missing \['b'\]"):
        measure(model, "a", Split({"a": train.inputs["a"]}, train.labels), train)
    with pytest.raises(ValueError, match="needs class labels, the split has real targets"):
        measure(model, "a", train, Split(train.inputs, train.labels.double()))
    with pytest.raises(ValueError, match="labels run from 0 to 3"):
        measure(model, "a", train, Split(train.inputs, torch.arange(30) % 4))
    with pytest.raises(ValueError, match="needs at least one row"):
        measure(model, "a", train, Split(*train.rows(torch.arange(0))))


@pytest.mark.parametrize("name", READOUTS)
@pytest.mark.parametrize("encoder", [nn.Identity(), Encoder([], 3)])
def test_an_encoder_without_blocks_is_named(name, encoder):
    model = network(a=encoder, b=stacked([1.0, 1.0, 1.0]))
    text = (
        f"encoder of 'a' \\({type(encoder).__name__}\\) has no blocks to look at: derive it from mmlib.models.Encoder"
    )
    with pytest.raises(ValueError, match=text):
        READOUTS[name](model, "a", planted(30), planted(30))


@pytest.mark.parametrize("name", ["depth_prototypes", "depth_performance", "weak_channels"])
def test_a_class_without_a_prototype_is_named(name):
    train = planted(30)
    few = Split(*train.rows((train.labels != 1).nonzero().flatten()))
    with pytest.raises(ValueError, match=r"of 3 classes \[1\] have none"):
        READOUTS[name](in_turn(), "a", few, train)
    one = MultimodalModel({m: stacked([1.0] * 3) for m in "ab"}, ConcatFusion({"a": 3, "b": 3}, 1))
    rows = Split(train.inputs, torch.zeros(30, dtype=torch.long))
    with pytest.raises(ValueError, match="two or more classes apart, the model has 1"):
        READOUTS[name](one, "a", rows, rows)
