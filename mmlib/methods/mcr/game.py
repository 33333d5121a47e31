"""The game of MCR: every modality wants the prediction to depend on it (Kontras et al., NeurIPS 2025, section 3)."""

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from mmlib import checks
from mmlib.coalitions import subsets
from mmlib.coalitions.subsets import Coalition
from mmlib.methods.mcr.chunks import coalition_distances
from mmlib.methods.mcr.distances import Distance, jensen_shannon
from mmlib.models import Fusion, eval_mode

STRATEGIES = ("greedy", "independent", "collaborative")


def divergences(
    fusion: Fusion,
    latents: Mapping[str, Tensor],
    donors: Mapping[str, Tensor],
    keep: Tensor,
    through: Collection[str] | None = None,
    detach_reference: bool = False,
    distance: Distance = jensen_shannon,
) -> dict[Coalition, Tensor]:
    """J_S^(T): how far the prediction moves when the latents of the modalities in S are those of other samples.

    latents: {m: [B, width_m]}; donors: {m: LongTensor [N]}, the row that m's latents are taken from; keep: LongTensor
    [N], the row that is looked at. Gives a scalar for every non-empty proper subset S (names in the fusion's order).
    through: T, the players whose parts of the PERTURBED logits pass gradients on, all by default; a part is W_m z_m in
    an additive fusion (W_m stopped with it, the bias never) and z_m in any other. detach_reference: stop the gradient
    of the clean prediction too. distance: ``squared_difference`` for a regression.
    The fusion runs in evaluation mode. Raises TypeError or ValueError for an unknown player, and for latents, donors or
    keep that do not fit each other.
    """
    _check_pairs(fusion, latents, donors, keep)
    terms = fusion.terms(latents)
    players = tuple(terms) if through is None else through
    checks.of_type("through", players, (list, tuple, set), "a list of players")
    for m in players:
        checks.one_of("player", m, terms)
    with eval_mode(fusion):
        reference = _reference(fusion, terms, keep, detach_reference)
        inside = {m: _stopped_unless(m in players, term[donors[m]]) for m, term in terms.items()}
        outside = {m: _stopped_unless(m in players, term[keep]) for m, term in terms.items()}
    values = coalition_distances(fusion, inside, outside, reference, distance)
    return dict(zip(subsets(tuple(terms))[:-1], values.unbind(), strict=True))


def regulariser(
    fusion: Fusion,
    latents: Mapping[str, Tensor],
    donors: Mapping[str, Tensor],
    keep: Tensor,
    strategy: str = "greedy",
    detach_reference: bool = False,
    distance: Distance = jensen_shannon,
) -> Tensor:
    """R, a scalar to be minimised; arguments as for ``divergences``. Player m wants its own J_S (S with m) to be large.

    greedy: sum_m [-sum_{S with m} J_S^(m) + sum_{S without m} J_S^(m)], 0 in value for two modalities though its
    gradient is not; independent: the first sum alone; collaborative: -sum_S J_S, all gradients on.
    Raises ValueError for an unknown strategy, and what ``divergences`` raises.
    """
    _check_pairs(fusion, latents, donors, keep)
    terms = fusion.terms(latents)
    perturbed = {m: term[donors[m]] for m, term in terms.items()}
    r, _ = play(fusion, terms, perturbed, keep, strategy, detach_reference, distance)
    with eval_mode(fusion):
        return r + 0 * fusion.join(terms).sum()  # so that what no player pulls has a gradient of 0, and not none


def play(
    fusion: Fusion,
    terms: Mapping[str, Tensor],
    perturbed: Mapping[str, Tensor],
    keep: Tensor,
    strategy: str,
    detach_reference: bool,
    distance: Distance,
) -> tuple[Tensor, dict[Coalition, Tensor]]:
    """R and the J_S, from clean terms {m: [B, D]} and terms that were perturbed in any way, {m: [N or 1, D]}.

    One pass serves all players, since the parts they own in J_S do not overlap. Whoever is in S sees its part perturbed
    and wants J_S larger: the gradient of perturbed parts is reversed. Whoever is not has a clean part there, and wants
    J_S smaller (greedy) or does not care (independent): that gradient is kept, or stopped.
    What nobody owns (bias, layers after the join, clean prediction) is pulled by every player: by M - |S| of them down
    and by |S| up (greedy), or by |S| up alone (independent). The difference is J_S's weight in a second pass.
    """
    checks.one_of("strategy", strategy, STRATEGIES)
    coalitions = subsets(tuple(terms))[:-1]
    clean = {m: term[keep] for m, term in terms.items()}
    with eval_mode(fusion):  # perturbed rows must not touch running statistics, and neither side may see dropout
        reference = _reference(fusion, terms, keep, detach_reference)
        if strategy == "collaborative":
            values = coalition_distances(fusion, perturbed, clean, reference, distance)
            return -values.sum(), dict(zip(coalitions, values.unbind(), strict=True))
        inside = {m: 2 * term.detach() - term for m, term in perturbed.items()}
        outside = {m: _stopped_unless(strategy == "greedy", term) for m, term in clean.items()}
        values = coalition_distances(fusion, inside, outside, reference.detach(), distance, freeze=True)
        total = (values - values.detach()).sum()
        pulls = [len(terms) - 2 * len(s) if strategy == "greedy" else -len(s) for s in coalitions]
        if any(pulls):
            common = coalition_distances(fusion, _stopped(perturbed), _stopped(clean), reference, distance)
            total = total + sum(c * j for c, j in zip(pulls, common.unbind(), strict=True) if c)
    return total, dict(zip(coalitions, values.unbind(), strict=True))


def _check_pairs(fusion: Fusion, latents: Mapping[str, Tensor], donors: Mapping[str, Tensor], keep: Tensor) -> None:
    checks.of_type("fusion", fusion, Fusion, "a fusion, such as model.fusion")
    for name, given in (("latents", latents), ("donors", donors)):
        if set(given) != set(fusion.widths):
            raise ValueError(f"{name} must be of the modalities {list(fusion.widths)}, got {list(given)}.")
    for name, rows in {**{f"donors of {m!r}": d for m, d in donors.items()}, "keep": keep}.items():
        if rows.dtype != torch.long or rows.ndim != 1 or len(rows) != len(keep) or len(rows) == 0:
            raise ValueError(
                f"{name} must be row numbers, a LongTensor as long as keep and not empty, got {rows.dtype} with shape "
                f"{tuple(rows.shape)} for {len(keep)} in keep."
            )


def _reference(fusion: Fusion, terms: Mapping[str, Tensor], keep: Tensor, detach: bool) -> Tensor:
    return _stopped_unless(not detach, fusion.join(terms)[keep])


def _stopped_unless(condition: bool, term: Tensor) -> Tensor:
    return term if condition else term.detach()


def _stopped(terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {m: term.detach() for m, term in terms.items()}
