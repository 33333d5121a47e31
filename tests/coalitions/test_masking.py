"""f(S) by the cheap passes: the right numbers, the training flags restored, and as few encoder passes as possible."""

from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmlib.coalitions import masked_logits, subset_logits, subsets
from mmlib.methods import AGM
from mmlib.models import FUSIONS, ConcatFusion, MultimodalModel, build_model, eval_mode
from mmlib.models.modes import same_in_eval


def build(modalities=3, fusion="concat", **options):
    torch.manual_seed(0)
    shapes = {m: (3 + i,) for i, m in enumerate("avtxyz"[:modalities])}
    model = build_model(shapes, 3, fusion=fusion, **{"width": 6, "depth": 2, **options}).double()
    return model, {m: torch.randn(5, *shape, dtype=torch.double) for m, shape in shapes.items()}


def slow_logits(model, inputs, s):
    """One whole pass in evaluation mode with zeros outside ``s``."""
    with eval_mode(model):
        return model({m: x if m in s else torch.zeros_like(x) for m, x in inputs.items()})


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("options", [{}, {"norm": "batch", "dropout": 0.4}], ids=["plain", "bn_dropout"])
@pytest.mark.parametrize(
    ("fusion", "modalities"), [("concat", 2), ("concat", 4), ("maxout", 3), ("attention", 6), ("film", 2)]
)
def test_equals_one_pass_per_subset(fusion, modalities, options, training):
    model, inputs = build(modalities, fusion, **options)
    model.train(training)
    features = model.encode(inputs)
    values = masked_logits(model, inputs, features)
    assert list(values) == subsets(model.modalities)[:-1] and len(values) == 2**modalities - 2
    for s, logits in values.items():
        torch.testing.assert_close(logits, slow_logits(model, inputs, s), rtol=0, atol=1e-12)
    everything = subset_logits(model, inputs)
    assert list(everything) == subsets(model.modalities)
    for s, logits in everything.items():
        torch.testing.assert_close(logits, slow_logits(model, inputs, s), rtol=0, atol=1e-12)


class HiddenDropout(nn.Module):
    """Drops in training only, where no submodule shows it."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 4)

    def forward(self, x):
        return F.dropout(self.linear(x), 0.5, training=self.training)


def test_a_module_of_the_user_is_not_trusted_to_agree():
    encoder = HiddenDropout()
    assert not same_in_eval(encoder)
    model = MultimodalModel({"a": encoder, "v": nn.Linear(3, 4)}, ConcatFusion({"a": 4, "v": 4}, 2))
    inputs = {m: torch.randn(6, 3) for m in ("a", "v")}
    values = masked_logits(model, inputs, model.encode(inputs))
    for s in (("a",), ("v",)):
        torch.testing.assert_close(values[s], slow_logits(model, inputs, s))


@pytest.mark.parametrize(
    ("module", "agrees"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.LayerNorm(2)), True),
        (nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.0)), True),
        (nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1)), False),
        (nn.AlphaDropout(0.1), False),
        (nn.BatchNorm1d(2), False),
        (nn.InstanceNorm1d(2, track_running_stats=True), False),
        (nn.RReLU(), False),
        (nn.GRU(2, 2, 2, dropout=0.1), False),
        (nn.GRU(2, 2), True),
        (nn.MultiheadAttention(4, 2), True),
        (nn.MultiheadAttention(4, 2, dropout=0.1), False),
        (nn.TransformerEncoderLayer(4, 2, 8, dropout=0.1), False),
        (nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0), True),
    ],
)
def test_same_in_eval(module, agrees):
    assert same_in_eval(module) == agrees


def test_flags_are_restored_one_by_one():
    model, inputs = build(norm="batch")
    model.encoders["v"].blocks[0].eval()
    flags = {name: m.training for name, m in model.named_modules()}
    masked_logits(model, inputs, model.encode(inputs))
    subset_logits(model, inputs)
    assert {name: m.training for name, m in model.named_modules()} == flags
    assert not all(flags.values()) and any(flags.values())


@pytest.mark.parametrize("broken", ["encoders.t", "fusion"])
def test_flags_are_restored_after_an_error(broken):
    model, inputs = build(norm="batch", fusion="maxout")
    features = model.encode(inputs)
    model.encoders["v"].eval()
    flags = {name: m.training for name, m in model.named_modules()}

    def fail(*_):
        raise RuntimeError("broken on purpose")

    model.get_submodule(broken).register_forward_pre_hook(fail)
    for call in (lambda: masked_logits(model, inputs, features), lambda: subset_logits(model, inputs)):
        with pytest.raises(RuntimeError, match="on purpose"):
            call()
        assert {name: m.training for name, m in model.named_modules()} == flags


def rows_seen(model):
    """Counts the calls of every encoder by (modality, rows, training)."""
    seen = Counter()
    for m, encoder in model.encoders.items():
        encoder.register_forward_hook(lambda module, args, _, m=m: seen.update([(m, len(args[0]), module.training)]))
    return seen


@pytest.mark.parametrize("modalities", [2, 4])
@pytest.mark.parametrize("options", [{}, {"norm": "batch"}, {"dropout": 0.1}])
def test_encoder_passes_of_an_agm_step(modalities, options):
    """One pass over the batch of 5, and the row of zeros: alone, or along with a second pass where modes differ."""
    model, inputs = build(modalities, **options)
    seen = rows_seen(model)
    AGM(model).step(inputs, torch.zeros(5, dtype=torch.long), torch.optim.SGD(model.parameters(), lr=0.1))
    rows_in_eval = 6 if options else 1
    assert seen == Counter({(m, *call): 1 for m in model.modalities for call in [(5, True), (rows_in_eval, False)]})


@pytest.mark.parametrize("fusion", FUSIONS)
def test_all_subsets_go_through_the_fusion_as_one_batch(fusion):
    model, inputs = build(2, fusion)
    features = model.encode(inputs)
    rows = []
    model.fusion.register_forward_hook(lambda module, args, out: rows.append(len(out)))
    masked_logits(model, inputs, features)
    assert rows == ([] if model.fusion.is_additive else [10])  # a sum over modalities needs no pass at all


def test_eval_mode_of_the_whole_model_reuses_the_features():
    model, inputs = build(2, norm="batch")
    model.eval()
    features = model.encode(inputs)
    seen = rows_seen(model)
    masked_logits(model, inputs, features)
    assert seen == Counter({("a", 1, False): 1, ("v", 1, False): 1})


def test_gradients_reach_the_encoders_through_the_masked_passes():
    model, inputs = build(2, norm="batch")
    values = masked_logits(model, inputs, model.encode(inputs))
    model.zero_grad()
    values[("a",)].sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.encoders["a"].blocks[-1][0].parameters())
    assert model.encoders["v"].blocks[-1][1].bias.grad.abs().sum() > 0  # v speaks by its shifts, on the row of zeros


def test_token_encoders_get_token_zero():
    torch.manual_seed(0)
    encoders = {m: nn.Sequential(nn.Embedding(5, 4), nn.Flatten()) for m in ("a", "v")}
    model = MultimodalModel(encoders, ConcatFusion({"a": 12, "v": 12}, 2))
    inputs = {m: torch.randint(5, (6, 3)) for m in ("a", "v")}
    values = masked_logits(model, inputs, model.encode(inputs))
    torch.testing.assert_close(values[("a",)], slow_logits(model, inputs, ("a",)))
