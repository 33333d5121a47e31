"""MCR's permutations: what is drawn, what a mode keeps, and that a step never waits for how much that is."""

import pytest
import torch

from mmlib.methods import MCR
from mmlib.methods.mcr import divergences, regulariser
from mmlib.methods.mcr.game import STRATEGIES
from mmlib.methods.mcr.perturb import MODES, TRIES, allowed_pairs, draw_pairs
from mmlib.models import LinearFusion

NAMES = ("a", "v", "t", "x")
LABELS = torch.tensor([0, 1, 2, 0, 1, 1, 2])
B = len(LABELS)


def drawn(modalities=2, K=4, mode="rand", labels=LABELS, seed=0):
    torch.manual_seed(seed)
    return draw_pairs(labels, NAMES[:modalities], K, mode)


@pytest.fixture
def orders(monkeypatch):
    """Has torch.rand give what is sorted by the given permutations [tries, players, K, B]."""

    def use(permutations):
        def rand(*shape, device=None):
            assert shape == permutations.shape
            return permutations.argsort(-1).double()

        monkeypatch.setattr(torch, "rand", rand)

    return use


@pytest.mark.parametrize("modalities", [2, 3, 4])
def test_rand_keeps_all_pairs_and_every_draw_is_a_permutation(modalities):
    donors, keep, factor = drawn(modalities)
    assert list(donors) == list(NAMES[:modalities]) and factor == 1
    assert torch.equal(keep, torch.arange(B).repeat(4))
    for d in donors.values():
        for draw in d.reshape(4, B):
            assert torch.equal(draw.sort().values, torch.arange(B))
    assert len(set(map(tuple, donors["a"].reshape(4, B).tolist()))) == 4


def test_two_modalities_share_their_draws_and_three_do_not():
    shared, _, _ = drawn(2)
    assert torch.equal(shared["a"], shared["v"])
    own, _, _ = drawn(3)
    assert len({tuple(d.tolist()) for d in own.values()}) == 3


@pytest.mark.parametrize("modalities", [2, 3])
@pytest.mark.parametrize("mode", MODES)
def test_a_mode_keeps_what_its_name_says(mode, modalities):
    for seed in range(20):
        donors, keep, factor = drawn(modalities, mode=mode, seed=seed)
        itself = torch.stack([d == keep for d in donors.values()])
        alike = torch.stack([LABELS[d] == LABELS[keep] for d in donors.values()])
        if mode == "rand":
            assert factor == 1
            continue
        # A dropped pair is a row with itself for all modalities, a kept one for none.
        dropped = itself.all(0)
        assert torch.equal(dropped, itself.any(0))
        assert factor.item() == pytest.approx(len(keep) / (~dropped).sum().item())
        assert mode == "no_self" or not alike[:, ~dropped].any()


@pytest.mark.parametrize(
    ("mode", "alone", "both"),
    [("rand", "1111", "1111"), ("no_self", "0111", "0111"), ("no_same_label", "0011", "0010")],
)
def test_pairs_by_hand(mode, alone, both):
    """Row 0 meets itself, row 1 its like; in a second draw row 3 meets its like."""
    labels = torch.tensor([0, 1, 2, 1])
    draws = torch.tensor([[[0, 3, 1, 2]], [[2, 0, 3, 1]]])
    for permutations, kept in ((draws[:1], alone), (draws, both)):
        assert allowed_pairs(permutations, labels, mode).tolist() == [[k == "1" for k in kept]]


def make_game(modalities, labels=LABELS):
    torch.manual_seed(1)
    widths = {m: 3 for m in NAMES[:modalities]}
    fusion = LinearFusion(widths, 3).double()
    return fusion, {m: torch.randn(len(labels), 3, dtype=torch.double).requires_grad_() for m in widths}


def gradients(value, fusion, latents):
    leaves = [*latents.values(), *fusion.parameters()]
    return torch.autograd.grad(value, leaves, retain_graph=True)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("modalities", [2, 3])
def test_a_factor_says_the_same_as_cutting_pairs_out(modalities, mode, strategy):
    fusion, latents = make_game(modalities)
    donors, keep, factor = drawn(modalities, mode=mode, seed=3)
    torch.manual_seed(3)
    tries = 1 if mode == "rand" else TRIES
    permutations = torch.rand(tries, 1 if modalities == 2 else modalities, 4, B).argsort(-1)[0]
    rows = allowed_pairs(permutations, LABELS, mode).flatten()
    cut = {m: permutations[min(p, len(permutations) - 1)].flatten()[rows] for p, m in enumerate(latents)}
    assert (len(cut["a"]) < len(keep)) == (mode != "rand")
    expected = divergences(fusion, latents, cut, keep[rows])
    for s, j in divergences(fusion, latents, donors, keep).items():
        torch.testing.assert_close(factor * j, expected[s], rtol=0, atol=1e-13)
    ours = factor * regulariser(fusion, latents, donors, keep, strategy)
    theirs = regulariser(fusion, latents, cut, keep[rows], strategy)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-13)
    torch.testing.assert_close(gradients(ours, fusion, latents), gradients(theirs, fusion, latents), rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("left", "taken"), [((4, 2), 0), ((0, 2, 4), 1), ((0,) * 7 + (3,), 7), ((0,) * TRIES, 0)], ids=str
)
def test_the_first_draw_that_leaves_two_pairs_is_taken(orders, left, taken):
    """no_self leaves as many pairs of four rows as the permutation moves."""
    moving = {0: [0, 1, 2, 3], 2: [1, 0, 2, 3], 3: [1, 2, 0, 3], 4: [1, 2, 3, 0]}
    tries = [moving[n] for n in left] + [moving[4]] * (TRIES - len(left))
    orders(torch.tensor(tries)[:, None, None])
    donors, _, factor = draw_pairs(torch.arange(4), ("a", "v"), 1, "no_self")
    assert donors["a"].tolist() == tries[taken]
    assert factor.item() == pytest.approx(4 / max(left[taken], 1))


def test_one_pair_that_is_left_is_too_few(orders):
    """Three modalities can leave one pair: row 0 is moved by all three, no other row is."""
    moved = [[1, 0, 2, 3], [2, 1, 0, 3], [3, 1, 2, 0]]
    around = [[1, 2, 3, 0], [2, 3, 0, 1], [3, 0, 1, 2]]
    labels = torch.arange(4)
    assert allowed_pairs(torch.tensor(moved)[:, None], labels, "no_self").sum() == 1
    orders(torch.tensor([moved, around] + [moved] * (TRIES - 2))[:, :, None])
    donors, _, factor = draw_pairs(labels, ("a", "v", "t"), 1, "no_self")
    assert [d.tolist() for d in donors.values()] == around and factor == 1


def test_all_permutations_are_equally_frequent():
    donors, _, _ = drawn(K=6000, labels=torch.arange(3))
    _, counts = donors["a"].reshape(6000, 3).unique(dim=0, return_counts=True)
    assert len(counts) == 6 and (counts - 1000).abs().max() < 150  # five standard deviations


CASES = {
    "one row": (torch.tensor([1]), 4),
    "one class": (torch.zeros(6, dtype=torch.long), 4),
    "one row, one draw": (torch.tensor([1]), 1),
}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("modalities", [2, 3])
@pytest.mark.parametrize("case", CASES)
def test_where_no_pair_is_left_divergences_and_gradients_are_0(case, modalities, mode, strategy):
    labels, draws = CASES[case]
    fusion, latents = make_game(modalities, labels)
    donors, keep, factor = drawn(modalities, draws, mode, labels)
    j = torch.stack([factor * value for value in divergences(fusion, latents, donors, keep).values()])
    found = gradients(factor * regulariser(fusion, latents, donors, keep, strategy), fusion, latents)
    assert torch.isfinite(torch.cat([j, *(g.flatten() for g in found)])).all()
    if case != "one class" or mode == "no_same_label":
        assert factor == draws * len(labels) if mode != "rand" else factor == 1
        assert j.abs().max() < 1e-14 and max(g.abs().max() for g in found) < 1e-14
    else:
        assert (j > 1e-6).all()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("rows", "K"), [(1, 4), (5, 1), (2, 1)])
def test_a_step_on_small_batches_is_finite(problem, rows, K, mode):
    model, inputs, labels = problem(rows=rows, fusion="linear")
    method = MCR(model, K=K, mode=mode)
    logs = method.step(inputs, labels, torch.optim.SGD(method.parameters(), lr=0.1))
    assert all(torch.isfinite(x).all() for x in (*logs.values(), *method.parameters()))
    assert rows > 1 or logs["J/a"] == logs["J/v"] == 0
