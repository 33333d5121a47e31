"""Networks whose modalities share an encoder, a block or a weight: each parameter is touched once, or by nobody."""

import copy
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mmlib.data import Split
from mmlib.methods import MSES, MSLR, OGMGE, Ensemble, Joint
from mmlib.models import ConcatFusion, MultimodalModel

INIT = {"a": 0.5, "v": 3.0}
PARTIAL = ["block", "weight"]
WAYS = ["encoder", *PARTIAL]
OF_ALL = {"aim": {"warm_up": 0}}


@pytest.fixture
def network(problem):
    """(model, inputs, labels, names of what is shared): a and v have an encoder, a block or a weight in common."""

    def make(way, **options):
        model, inputs, labels = problem(rows=12, **options)
        if way == "encoder":
            model.encoders["v"] = model.encoders["a"]
        elif way == "block":
            model.encoders["v"].blocks[1] = model.encoders["a"].blocks[1]
        else:
            model.encoders["v"].blocks[1][0].weight = model.encoders["a"].blocks[1][0].weight
        names = [name for name, _ in model.named_parameters(remove_duplicate=False)]
        first = {name for name, _ in model.named_parameters()}
        return model, inputs, labels, {name.replace("encoders.v", "encoders.a") for name in {*names} - first}

    return make


def apart(model):
    """The same network with a copy of the encoder for each modality."""
    other = copy.deepcopy(model)
    other.encoders["v"] = copy.deepcopy(model.encoders["v"])
    return other


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fusion", ["concat", "film"])
@pytest.mark.parametrize("name", ["joint", "multi_loss", "agm", "mcr", "aim"])
def test_it_gets_the_sum_of_what_copies_would_get(network, method_named, as_data, gradients_of, way, fusion, name):
    model, inputs, labels, shared = network(way, fusion=fusion)
    found = []
    for one in (model, apart(model)):
        torch.manual_seed(0)
        method = method_named(name, one, **OF_ALL.get(name, {}))
        method.begin_epoch(0, as_data(inputs, labels))
        found.append(gradients_of(method, inputs, labels))
    ours, copies = found
    assert shared and any(grad.any() for grad in copies.values() if grad is not None)
    for key, grad in ours.items():
        expected = copies[key]
        if key.removeprefix("model.") in shared:
            expected = expected + copies[key.replace("encoders.a", "encoders.v")]
        torch.testing.assert_close(grad, expected, rtol=0, atol=1e-10, msg=lambda text, key=key: f"{key}: {text}")


def modality_of(key, shared):
    """The modality that a gradient belongs to, None where it is everybody's."""
    part = key.removeprefix("model.").split(".")
    if part[0] == "encoders":
        return None if ".".join(part) in shared else part[1]
    return part[2] if part[1] == "projections" else None


@pytest.mark.parametrize(("way", "fusion"), [("encoder", "linear"), *((way, "concat") for way in PARTIAL)])
def test_mslr_scales_what_is_of_one_modality_alone(network, twin, gradients_of, way, fusion):
    model, inputs, labels, shared = network(way, fusion=fusion)
    plain = gradients_of(Joint(twin(model)), inputs, labels)
    ours = gradients_of(MSLR(twin(model), init=INIT), inputs, labels)
    scaled = 0
    for key, grad in plain.items():
        m = modality_of(key, shared)
        scaled += m is not None
        torch.testing.assert_close(ours[key], grad * INIT.get(m, 1.0), rtol=0, atol=1e-14)
    assert scaled and any(modality_of(key, shared) is None and grad.any() for key, grad in plain.items())


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("way", PARTIAL)
def test_ogm_ge_leaves_shared_kernels_as_they_are(network, twin, gradients_of, way, noise):
    model, inputs, labels, shared = network(way)
    plain = gradients_of(Joint(twin(model)), inputs, labels)
    method = OGMGE(twin(model), alpha=0.8, noise=noise)
    ours = gradients_of(method, inputs, labels)
    _, logs = method.loss(inputs, labels)
    assert min(logs["k/a"], logs["k/v"]) < 1
    own = [key for key in plain if modality_of(key, shared) and plain[key].ndim == 2]
    assert len(own) == 2
    for key, grad in plain.items():
        if key not in own:
            assert torch.equal(ours[key], grad), key
        elif noise:
            assert not torch.equal(ours[key], grad)
        else:
            torch.testing.assert_close(ours[key], grad * logs[f"k/{modality_of(key, shared)}"], rtol=0, atol=1e-14)


def stopped(model, *modalities):
    method = MSES(model)
    state = method.state_dict()
    state["stopped"] = torch.tensor([m in modalities for m in model.modalities])
    method.load_state_dict(state)
    return method


@pytest.mark.parametrize("who", ["a", "v", "av"])
@pytest.mark.parametrize("way", PARTIAL)
def test_what_a_stopped_modality_shares_learns_on_as_in_joint_training(network, twin, gradients_of, way, who):
    model, inputs, labels, shared = network(way)
    plain = gradients_of(Joint(twin(model)), inputs, labels)
    ours = gradients_of(stopped(twin(model), *who), inputs, labels)
    for key, grad in plain.items():
        if modality_of(key, shared) in list(who):
            assert ours[key] is None, key
        else:
            torch.testing.assert_close(ours[key], grad, rtol=0, atol=1e-14)
            assert grad.any()


def test_a_shared_block_stays_in_training_mode_when_one_modality_is_stopped(network, gradients_of):
    model, inputs, labels, _ = network("block", norm="batch")
    method = stopped(model, "a")
    before = {k: v.clone() for k, v in model.state_dict().items() if "num_batches" in k}
    gradients_of(method, inputs, labels)
    seen = {k: int(v - before[k]) for k, v in model.state_dict().items() if k in before}
    assert seen == {
        "encoders.a.blocks.0.2.num_batches_tracked": 0,
        "encoders.a.blocks.1.1.num_batches_tracked": 2,  # of both modalities
        "encoders.v.blocks.0.2.num_batches_tracked": 1,
        "encoders.v.blocks.1.1.num_batches_tracked": 2,  # the same layer
    }


@pytest.mark.parametrize(("way", "fusion"), [("encoder", "linear"), *((way, "concat") for way in PARTIAL)])
def test_stopping_gives_back_what_is_of_the_modality_alone(network, way, fusion):
    model, inputs, labels, shared = network(way, fusion=fusion)
    method = MSES(model, patience=1)
    start = {name: p.detach().clone() for name, p in model.named_parameters()}
    with torch.no_grad():
        for p in model.parameters():
            p.add_(1.0)
    method.best_losses.fill_(-1.0)  # never better again
    method.begin_epoch(1, SimpleNamespace(valid=Split(inputs, labels)))
    assert method.stopped.all()
    for name, p in model.named_parameters():
        moved = 0.0 if modality_of(name, shared) else 1.0
        torch.testing.assert_close(p.detach(), start[name] + moved, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("method", "fusion", "words"),
    [
        (MSLR, "concat", "^MSLR acts on weights that belong to one modality alone, and 'a' shares all of its own"),
        (MSES, "film", "^MSES acts on .* 'a' shares all of its own with 'v': give each modality some of its own"),
        (OGMGE, "concat", "^OGM-GE acts on .* and 'a' shares all of its own with 'v': .*copy.deepcopy.*such as Joint"),
        (OGMGE, "linear", "^OGM-GE acts on .* 'a' shares all"),
        (Ensemble, "concat", "^Ensemble trains .* apart, and the encoders of 'a' and 'v' share parameters: give each"),
    ],
)
def test_a_method_that_could_do_nothing_with_a_modality_is_refused(network, method, fusion, words):
    with pytest.raises(ValueError, match=words):
        method(network("encoder", fusion=fusion)[0])


@pytest.mark.parametrize("way", PARTIAL)
def test_an_ensemble_is_refused_for_a_part_too_unless_it_is_frozen(network, gradients_of, way):
    model, inputs, labels, shared = network(way)
    with pytest.raises(ValueError, match="share parameters: .*, freeze what they share .* or take MultiLoss"):
        Ensemble(model)
    for name in shared:
        model.get_parameter(name).requires_grad_(False)
    assert gradients_of(Ensemble(model), inputs, labels)["model.encoders.v.blocks.0.1.weight"].any()


@pytest.mark.parametrize("method", [MSLR, MSES, OGMGE, Ensemble])
def test_an_encoder_without_parameters_shares_nothing(method, gradients_of):
    nothing = nn.Flatten()
    model = MultimodalModel({"a": nothing, "v": nothing}, ConcatFusion({"a": 4, "v": 4}, 3))
    gradients_of(method(model), {m: torch.randn(6, 4) for m in "av"}, torch.arange(6) % 3)


@pytest.mark.parametrize("method", [MSLR, MSES, OGMGE])
def test_an_encoder_that_is_also_the_fusions_is_refused(method):
    square = nn.Linear(4, 4)
    head = nn.Sequential(nn.Linear(8, 4), square, nn.Linear(4, 3))
    model = MultimodalModel({"a": nn.Linear(4, 4), "v": square}, ConcatFusion({"a": 4, "v": 4}, 3, head=head))
    with pytest.raises(ValueError, match="'v' shares all of its own with the fusion: "):
        method(model)
