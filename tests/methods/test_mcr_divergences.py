"""MCR's J_S: values against a loop over rows, gradients against graph surgery and finite differences."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.func import functional_call

from mmlib.coalitions import subsets
from mmlib.methods.mcr import divergences, regulariser
from mmlib.methods.mcr.distances import jensen_shannon, squared_difference
from mmlib.models import FUSIONS, Fusion

# `make gpu-check` runs this folder where there is little more than PyTorch.
distance = pytest.importorskip("scipy.spatial.distance")

NAMES = ("a", "v", "t", "x")
ADDITIVE = ("concat", "sum", "linear")
JOINT = ("attention", "maxout")  # not additive, any number of modalities
PAIRS = [(f, m) for f in (*ADDITIVE, *JOINT) for m in (2, 3)] + [("gated", 2), ("film", 2)]


def players_of(latents):
    """Every set of players, the empty one too."""
    return [(), *subsets(tuple(latents))]


def mixed(members, latents, donors, keep):
    return {m: z[donors[m] if m in members else keep] for m, z in latents.items()}


@pytest.mark.parametrize(("fusion", "modalities"), [*PAIRS, ("linear", 4), ("attention", 4)])
def test_values_are_those_of_a_loop_over_rows_and_subsets(make_game, fusion, modalities):
    joint, latents, donors, keep = make_game(fusion, modalities)
    found = divergences(joint, latents, donors, keep)
    assert list(found) == subsets(tuple(latents))[:-1]
    joint.eval()
    for s, value in found.items():
        each = []
        for n in range(len(keep)):
            rows = mixed(s, latents, {m: d[n : n + 1] for m, d in donors.items()}, keep[n : n + 1])
            clean = mixed((), latents, donors, keep[n : n + 1])
            p, q = (joint(part)[0].softmax(0).detach().numpy() for part in (rows, clean))
            each.append(distance.jensenshannon(p, q) ** 2)
        assert value.item() == pytest.approx(sum(each) / len(each), abs=1e-12), s
        assert value > 1e-4


def test_a_row_by_hand():
    """Probabilities (3/4, 1/4) and (1/4, 3/4) have the middle (1/2, 1/2): each is 3/4 ln 3/2 + 1/4 ln 1/2 from it."""
    logits = torch.tensor([[math.log(3), 0.0], [0.0, 0.0]], dtype=torch.double)
    swapped = torch.tensor([[0.0, math.log(3)], [0.0, 0.0]], dtype=torch.double)
    by_hand = (0.75 * math.log(1.5) + 0.25 * math.log(0.5)) / 2  # the mean of two rows, the second of which is the same
    assert jensen_shannon(logits, swapped).item() == pytest.approx(by_hand, abs=1e-14)
    assert squared_difference(logits, swapped).item() == pytest.approx(math.log(3) ** 2 / 2, abs=1e-14)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_certain_and_opposite_predictions_are_ln_2_apart_and_no_more(dtype):
    logits = (1e4 * torch.eye(3, dtype=dtype)).requires_grad_()
    value = jensen_shannon(logits, logits.detach().roll(1, 0))
    assert value.item() == pytest.approx(math.log(2), abs=1e-6)
    value.backward()
    assert torch.isfinite(logits.grad).all()


def test_values_lie_between_0_and_ln_2():
    for seed in range(20):
        torch.manual_seed(seed)
        value = jensen_shannon(*(torch.randn(50, 4, dtype=torch.double) * 10.0 ** (seed % 5 - 2) for _ in range(2)))
        assert -1e-12 <= value.item() <= math.log(2)


@pytest.mark.parametrize(("fusion", "modalities"), PAIRS)
def test_own_donors_give_0_and_no_gradient(make_game, fusion, modalities):
    joint, latents, _, keep = make_game(fusion, modalities)
    found = divergences(joint, latents, dict.fromkeys(latents, keep), keep)
    sum(found.values()).backward()
    for tensor in (*found.values(), *(z.grad for z in latents.values()), *(p.grad for p in joint.parameters())):
        assert tensor.abs().max() < 1e-15


def passing(fusion, players):
    """Per parameter of the fusion, 1 where the perturbed logits pass gradients on and 0 where they do not."""
    masks = {name: torch.ones_like(p) for name, p in fusion.named_parameters()}
    columns = dict(zip(fusion.widths, torch.arange(sum(fusion.widths.values())).split(list(fusion.widths.values()))))
    for name in [name for name in masks if fusion.is_additive and name.endswith("weight")]:
        for m in set(fusion.widths) - set(players):
            if name == "head.weight":  # of concatenation: a block of columns is W_m
                masks[name][:, columns[m]] = 0
            elif f".{m}." in name:
                masks[name].zero_()
    return masks


def two_sided(fusion, perturbed, clean, donors, keep):
    """J_S of every S from two sets (parameters, latents): of the perturbed logits and of the clean ones."""
    reference = functional_call(fusion, clean[0], mixed((), clean[1], donors, keep))
    return {
        s: jensen_shannon(functional_call(fusion, perturbed[0], mixed(s, perturbed[1], donors, keep)), reference)
        for s in subsets(tuple(donors))[:-1]
    }


def copies(fusion, latents):
    parameters, features = dict(fusion.named_parameters()), latents
    return tuple({k: x.detach().clone().requires_grad_() for k, x in part.items()} for part in (parameters, features))


def gradients(value, parts):
    leaves = [x for part in parts for x in part.values()]
    found = torch.autograd.grad(value, leaves, retain_graph=True, allow_unused=True)
    found = iter([torch.zeros_like(x) if g is None else g for x, g in zip(leaves, found, strict=True)])
    return tuple({k: next(found) for k in part} for part in parts)


@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize(("fusion", "modalities"), PAIRS)
def test_gradients_reach_only_the_players_and_the_reference(make_game, fusion, modalities, detach):
    """Graph surgery: perturbed and clean logits from copies; the first pass on to players alone, the second to all."""
    joint, latents, donors, keep = make_game(fusion, modalities)
    joint.eval()
    perturbed, clean = copies(joint, latents), copies(joint, latents)
    values = two_sided(joint, perturbed, clean, donors, keep)
    ours = (dict(joint.named_parameters()), latents)
    for players in players_of(latents):
        found = divergences(joint, latents, donors, keep, through=players, detach_reference=detach)
        masks = passing(joint, players), {m: torch.tensor(float(m in players)) for m in latents}
        for s, value in values.items():
            inside, outside = gradients(value, perturbed), gradients(value, clean)
            anything = found[s].requires_grad
            for part, mask, own, other in zip(gradients(found[s], ours) if anything else (), masks, inside, outside):
                for name, gradient in part.items():
                    expected = mask[name] * own[name] + (0 if detach else other[name])
                    torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-12)
            assert anything or (detach and not players)
            torch.testing.assert_close(found[s], value, rtol=0, atol=1e-12)


@pytest.mark.parametrize("modalities", [2, 3])
def test_gradients_are_finite_differences_of_what_may_move(make_game, modalities):
    """W_n, z_n of a player n move in both logits, those of the others in the clean logits alone, the bias in both."""
    joint, latents, donors, keep = make_game("linear", modalities)
    step = 1e-5
    for players in players_of(latents):
        found = divergences(joint, latents, donors, keep, through=players)
        masks = passing(joint, players), {m: torch.tensor(float(m in players)) for m in latents}
        ours = (dict(joint.named_parameters()), latents)
        directions = tuple({k: torch.randn_like(x) for k, x in part.items()} for part in ours)

        def moved(by, masks=None, directions=directions, ours=ours):
            masks = masks or tuple({k: 1 for k in part} for part in ours)
            return tuple(
                {k: x.detach() + by * mask[k] * way[k] for k, x in part.items()}
                for part, mask, way in zip(ours, masks, directions, strict=True)
            )

        ahead = two_sided(joint, moved(step, masks), moved(step), donors, keep)
        behind = two_sided(joint, moved(-step, masks), moved(-step), donors, keep)
        for s, value in found.items():
            slope = sum(
                (g[k] * way[k]).sum() for g, way in zip(gradients(value, ours), directions, strict=True) for k in g
            )
            assert slope.item() == pytest.approx(((ahead[s] - behind[s]) / (2 * step)).item(), abs=1e-8)


def test_the_order_of_the_modalities_does_not_matter(make_game):
    joint, latents, donors, keep = make_game("linear", 3)
    turned = FUSIONS["linear"](dict(reversed(joint.widths.items())), 3).double()
    turned.load_state_dict(joint.state_dict())
    found = {frozenset(s): j for s, j in divergences(joint, latents, donors, keep).items()}
    back = [dict(reversed(part.items())) for part in (latents, donors)]
    for fusion, names in ((joint, "avt"), (turned, "tva")):
        other = divergences(fusion, *back, keep)
        assert list(other) == subsets(tuple(names))[:-1]
        for s, j in other.items():
            torch.testing.assert_close(j, found[frozenset(s)], rtol=0, atol=1e-15)


def test_dropout_and_running_statistics_stay_out(make_game):
    joint, latents, donors, keep = make_game("maxout", 3)
    before = copy.deepcopy(joint.state_dict())
    first, second = (divergences(joint, latents, donors, keep) for _ in range(2))
    assert first == second
    assert joint.training and all(layer.training for layer in joint.head)
    for name, value in joint.state_dict().items():
        assert torch.equal(value, before[name]), name


class Product(Fusion):
    """A fusion of a user, which says what its logits are and nothing else."""

    def __init__(self, widths, num_classes):
        super().__init__(widths, num_classes)
        self.maps = nn.ModuleDict({m: nn.Linear(w, num_classes) for m, w in widths.items()})

    def forward(self, features):
        return math.prod(layer(features[m]) for m, layer in self.maps.items())


def test_a_fusion_that_only_defines_forward(make_game):
    _, latents, donors, keep = make_game("linear", 3)
    joint = Product({m: z.shape[1] for m, z in latents.items()}, 3).double()
    expected = two_sided(joint, (dict(joint.named_parameters()), latents), ({}, latents), donors, keep)
    found = divergences(joint, latents, donors, keep)
    for s, value in expected.items():
        torch.testing.assert_close(found[s], value, rtol=0, atol=1e-14)


def test_of_a_regression_it_is_the_mean_squared_difference(make_game):
    joint, latents, donors, keep = make_game("attention", 3, classes=1)
    found = divergences(joint, latents, donors, keep, distance=squared_difference)
    for s, value in found.items():
        moved = joint(mixed(s, latents, donors, keep)) - joint(mixed((), latents, donors, keep))
        assert value.item() == pytest.approx((moved**2).mean().item(), abs=1e-13)


def test_unknown_and_lacking_players(make_game):
    joint, latents, donors, keep = make_game("linear", 2)
    with pytest.raises(ValueError, match=r"unknown player 'w': expected one of a, v\."):
        divergences(joint, latents, donors, keep, through=("w",))
    with pytest.raises(TypeError, match="through must be a list of players, got 'av'"):
        divergences(joint, latents, donors, keep, through="av")


@pytest.mark.parametrize("function", [divergences, regulariser])
def test_rows_that_do_not_fit_are_told(make_game, function):
    joint, latents, donors, keep = make_game("linear", 2)
    bad = [
        ("donors must be of the modalities", latents, {"a": donors["a"]}, keep),
        ("donors must be of the modalities", latents, {**donors, "w": keep}, keep),
        ("latents must be of the modalities", {"a": latents["a"]}, donors, keep),
        ("keep must be row numbers.*torch.bool", latents, donors, keep > 0),
        ("donors of 'a' must be row numbers", latents, donors, keep[:-1]),
        ("donors of 'a' must be row numbers", latents, {m: d.double() for m, d in donors.items()}, keep),
        ("and not empty", latents, {m: d[:0] for m, d in donors.items()}, keep[:0]),
    ]
    for message, *arguments in bad:
        with pytest.raises(ValueError, match=message):
            function(joint, *arguments)
    with pytest.raises(TypeError, match="fusion must be a fusion, such as model.fusion"):
        function(torch.nn.Linear(2, 2), latents, donors, keep)


def test_certain_predictions_of_half_precision_stay_finite():
    f, g = (torch.tensor([rows], dtype=torch.float16, requires_grad=True) for rows in ([50.0, 0.0], [0.0, 50.0]))
    value = jensen_shannon(f, g)
    value.backward()
    assert abs(value.item() - math.log(2)) < 2e-3 and torch.isfinite(f.grad).all()
