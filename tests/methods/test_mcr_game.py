"""MCR's regulariser R against the formulas of its game, written out with one J_S^(T) for every player."""

import copy

import pytest
import torch
from torch import nn

from mmlib.methods.mcr import divergences, regulariser
from mmlib.methods.mcr.distances import squared_difference
from mmlib.methods.mcr.game import STRATEGIES
from mmlib.models import FUSIONS, Fusion, LinearFusion

NAMES = ("a", "v", "t", "x")
ANY_NUMBER = ("concat", "sum", "linear", "attention", "maxout")
ADDITIVE = ANY_NUMBER[:3]
GAMES = [(f, m) for f in ANY_NUMBER for m in (2, 3, 4)] + [("gated", 2), ("film", 2)]


def literal(fusion, latents, donors, keep, strategy, **options):
    """R as it stands in the paper: one divergence per player, each with everything but the player's part stopped."""

    def j(*players):
        return divergences(fusion, latents, donors, keep, through=players, **options).items()

    if strategy == "collaborative":
        return -sum(value for _, value in j(*latents))
    own = sum(-value for m in latents for s, value in j(m) if m in s)
    others = sum(value for m in latents for s, value in j(m) if m not in s)
    return own + others if strategy == "greedy" else own


def gradients(value, fusion, latents):
    """{name: gradient} of all latents and all parameters of the fusion, zeros where there is none."""
    leaves = {**latents, **dict(fusion.named_parameters())}
    found = torch.autograd.grad(value, list(leaves.values()), allow_unused=True)
    return {name: torch.zeros_like(x) if g is None else g for (name, x), g in zip(leaves.items(), found, strict=True)}


def assert_same(ours, theirs, atol=1e-10):
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], rtol=0, atol=atol, msg=lambda text, n=name: f"{n}: {text}")


@pytest.mark.parametrize("detach", [False, True])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(("fusion", "modalities"), GAMES)
def test_value_and_gradients_are_those_of_the_formula(make_game, fusion, modalities, strategy, detach):
    joint, latents, donors, keep = make_game(fusion, modalities)
    ours, theirs = (r(joint, latents, donors, keep, strategy, detach_reference=detach) for r in (regulariser, literal))
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-10)
    ours, theirs = (gradients(r, joint, latents) for r in (ours, theirs))
    assert_same(ours, theirs)
    assert all(ours[m].norm() > 1e-4 for m in latents)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("modalities", [2, 3])
def test_of_a_regression_it_is_the_formula_with_squared_differences(make_game, modalities, strategy):
    joint, latents, donors, keep = make_game("attention", modalities, classes=1)
    ours, theirs = (
        r(joint, latents, donors, keep, strategy, distance=squared_difference) for r in (regulariser, literal)
    )
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-10)
    assert_same(gradients(ours, joint, latents), gradients(theirs, joint, latents))


@pytest.mark.parametrize("fusion", [*ANY_NUMBER, "gated", "film"])
def test_greedy_is_exactly_0_for_two_and_its_gradients_are_not(make_game, fusion):
    joint, latents, donors, keep = make_game(fusion)
    r = regulariser(joint, latents, donors, keep, "greedy")
    assert r.item() == 0.0
    found = gradients(r, joint, latents)
    assert all(found[m].norm() > 1e-3 for m in latents)
    for name, p in joint.named_parameters():
        is_own = joint.is_additive and p.ndim == 2  # W_m; what nobody owns is pulled both ways
        assert (found[name].norm() > 1e-3) == is_own, name
        assert is_own or not found[name].any(), name


def test_greedy_is_not_0_for_three(make_game):
    joint, latents, donors, keep = make_game("linear", 3)
    r = regulariser(joint, latents, donors, keep, "greedy")
    j = divergences(joint, latents, donors, keep)
    assert r.item() == pytest.approx(sum((3 - 2 * len(s)) * value.item() for s, value in j.items()), abs=1e-12)
    assert abs(r) > 1e-3
    assert gradients(r, joint, latents)["bias"].norm() > 1e-3


@pytest.mark.parametrize("fusion", [*ADDITIVE, "film", "maxout"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_for_two_the_reference_matters_unless_the_game_is_greedy(make_game, fusion, strategy):
    joint, latents, donors, keep = make_game(fusion)
    attached, detached = (
        gradients(regulariser(joint, latents, donors, keep, strategy, detach_reference=d), joint, latents)
        for d in (False, True)
    )
    for name in latents:
        assert torch.equal(attached[name], detached[name]) == (strategy == "greedy"), name


@pytest.mark.parametrize("strategy", STRATEGIES[1:])
@pytest.mark.parametrize("modalities", [2, 3])
def test_minimising_r_makes_influence_grow(make_game, modalities, strategy):
    """Where nobody plays against the others, a small step down raises the influence of all together."""
    joint, latents, donors, keep = make_game("linear", modalities)
    before = divergences(joint, latents, donors, keep)
    pull = gradients(regulariser(joint, latents, donors, keep, strategy), joint, latents)
    with torch.no_grad():
        for name, tensor in {**latents, **dict(joint.named_parameters())}.items():
            tensor -= 1e-2 * pull[name]
    after = divergences(joint, latents, donors, keep)
    assert sum(after.values()) > sum(before.values())


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(("fusion", "modalities"), GAMES)
def test_own_donors_give_0_and_no_gradient(make_game, fusion, modalities, strategy):
    joint, latents, _, keep = make_game(fusion, modalities)
    r = regulariser(joint, latents, dict.fromkeys(latents, keep), keep, strategy)
    assert abs(r.item()) < 1e-14
    assert max(g.abs().max() for g in gradients(r, joint, latents).values()) < 1e-14


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("modalities", [2, 3])
def test_the_order_of_the_modalities_does_not_matter(make_game, modalities, strategy):
    joint, latents, donors, keep = make_game("linear", modalities)
    turned = FUSIONS["linear"](dict(reversed(joint.widths.items())), 3).double()
    turned.load_state_dict(joint.state_dict())
    r = regulariser(joint, latents, donors, keep, strategy)
    expected = gradients(r, joint, latents)
    back = [dict(reversed(part.items())) for part in (latents, donors)]
    for fusion in (joint, turned):
        other = regulariser(fusion, *back, keep, strategy)
        assert other.item() == pytest.approx(r.item(), abs=1e-14)
        assert_same(gradients(other, fusion, latents), expected, atol=1e-14)


def with_weights_of(joint, name):
    """A concatenation or a sum that says what the linear fusion says."""
    other = FUSIONS[name](joint.widths, joint.num_classes).double()
    with torch.no_grad():
        if name == "concat":
            other.head.weight.copy_(torch.cat([w.weight for w in joint.projections.values()], 1))
            other.head.bias.copy_(joint.bias)
        else:
            for share, (m, head) in zip((0.2, 0.5, 0.3), other.heads.items(), strict=True):
                head.weight.copy_(joint.projections[m].weight)
                head.bias.copy_(share * joint.bias)
    return other


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", ["concat", "sum"])
def test_all_additive_fusions_play_the_same_game(make_game, name, strategy):
    joint, latents, donors, keep = make_game("linear", 3)
    other = with_weights_of(joint, name)
    r, again = (regulariser(f, latents, donors, keep, strategy) for f in (joint, other))
    assert again.item() == pytest.approx(r.item(), abs=1e-14)
    expected, found = gradients(r, joint, latents), gradients(again, other, latents)
    weights = [expected[f"projections.{m}.weight"] for m in latents]
    theirs = {m: expected[m] for m in latents}
    if name == "concat":
        theirs |= {"head.weight": torch.cat(weights, 1), "head.bias": expected["bias"]}
    else:
        theirs |= {f"heads.{m}.weight": w for m, w in zip(latents, weights, strict=True)}
        theirs |= {f"heads.{m}.bias": expected["bias"] for m in latents}
    assert_same(found, theirs, atol=1e-14)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("modalities", [2, 3])
def test_dropout_and_running_statistics_stay_out(make_game, modalities, strategy):
    joint, latents, donors, keep = make_game("maxout", modalities)
    before = copy.deepcopy(joint.state_dict())
    first, second = (regulariser(joint, latents, donors, keep, strategy) for _ in range(2))
    assert torch.equal(first, second)
    assert joint.training and all(layer.training for layer in joint.head)
    assert all(p.requires_grad for p in joint.parameters())
    for name, value in joint.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_fixed_parameter_stays_fixed(make_game):
    joint, latents, donors, keep = make_game("film")
    joint.gamma.weight.requires_grad_(False)
    for strategy in STRATEGIES:
        regulariser(joint, latents, donors, keep, strategy).backward()
        assert joint.gamma.weight.grad is None and not joint.gamma.weight.requires_grad
        assert joint.beta.weight.requires_grad


class Product(Fusion):
    """A fusion of a user, which says what its logits are and nothing else."""

    def __init__(self, widths, num_classes):
        super().__init__(widths, num_classes)
        self.maps = nn.ModuleDict({m: nn.Linear(w, num_classes) for m, w in widths.items()})

    def forward(self, features):
        first, *others = (layer(features[m]) for m, layer in self.maps.items())
        for other in others:
            first = first * other
        return first


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_fusion_that_only_defines_forward(make_game, strategy):
    _, latents, donors, keep = make_game("linear", 3)
    joint = Product({m: z.shape[1] for m, z in latents.items()}, 3).double()
    ours, theirs = (r(joint, latents, donors, keep, strategy) for r in (regulariser, literal))
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-10)
    assert_same(gradients(ours, joint, latents), gradients(theirs, joint, latents))


def test_unknown_strategy_lists_the_known_ones(make_game):
    game = make_game()
    with pytest.raises(ValueError, match=r"unknown strategy 'greddy': .* greedy, independent, collaborative\. Did you"):
        regulariser(*game, "greddy")


def test_an_error_in_the_game_leaves_the_fusion_trainable():
    """The first pass runs with the fusion frozen; whatever happens there, its parameters must learn again."""
    fusion = LinearFusion({"a": 3, "v": 3}, 2)
    rows = torch.arange(4)

    def broken(logits, reference):
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        regulariser(fusion, {m: torch.randn(4, 3) for m in "av"}, {"a": rows, "v": rows}, rows, distance=broken)
    assert all(p.requires_grad for p in fusion.parameters())
