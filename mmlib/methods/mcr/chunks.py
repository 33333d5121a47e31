"""MCR's distances of every coalition, in pieces where all of them at once would fill the memory."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

from torch import Tensor
from torch.utils.checkpoint import checkpoint

from mmlib.coalitions import mixed_logits
from mmlib.methods.mcr.distances import Distance
from mmlib.models import Fusion, eval_mode, frozen

# Numbers in the logits, or the features, of all coalitions together.
AT_ONCE = 2**23  # up to here (32 MiB in float32) they go through as one batch
# Beyond, in pieces of so many. On a CPU a piece shall stay in the cache, and large blocks of memory cost more to get
# and give back than to compute on; on a GPU every piece costs some hundred launches.
CPU_PIECE, GPU_PIECE = 2**19, 2**24

Terms = Mapping[str, Tensor]


def coalition_distances(
    fusion: Fusion, inside: Terms, outside: Terms, reference: Tensor, distance: Distance, freeze: bool = False
) -> Tensor:
    """The mean distance [2^M - 2] of the mixed predictions of every coalition from the reference [N, C].

    inside, outside {m: [N or 1, D]}: as for ``mixed_logits``. The fusion runs in evaluation mode; freeze: its
    parameters get no gradient. Where the coalitions are too many for one batch, the N rows go through in pieces, and of
    a piece nothing is kept for the backward pass: it is computed there once more. The numbers are the same but for
    rounding.
    """

    def distances(inside: Terms, outside: Terms, reference: Tensor) -> Tensor:
        with ExitStack() as modes:  # in here, as a piece is computed again when the caller's modes have ended
            modes.enter_context(eval_mode(fusion))
            if freeze:
                modes.enter_context(frozen(fusion))
            return distance(mixed_logits(fusion, inside, outside), reference)

    width = reference.shape[1] if fusion.is_additive else max(reference.shape[1], sum(fusion.widths.values()))
    of_a_row = width * (2 ** len(inside) - 2)
    piece = CPU_PIECE if reference.device.type == "cpu" else GPU_PIECE
    if of_a_row * len(reference) <= max(AT_ONCE, piece):
        return distances(inside, outside, reference)
    most = max(1, piece // of_a_row)
    # Nothing in evaluation mode draws random numbers, whose state a GPU would have to be asked for.
    return sum(
        checkpoint(distances, *piece, use_reentrant=False, preserve_rng_state=False) * (len(piece[2]) / len(reference))
        for piece in _pieces(inside, outside, reference, most)
    )


def _pieces(inside: Terms, outside: Terms, reference: Tensor, most: int) -> Iterator[tuple[Terms, Terms, Tensor]]:
    """At most ``most`` rows of all three at a time; a term of one row, which stands for all, is in every piece."""
    references = reference.split(most)

    def split(terms: Terms) -> list[dict[str, Tensor]]:
        each = {m: t.split(most) if len(t) > 1 else [t] * len(references) for m, t in terms.items()}
        return [{m: parts[i] for m, parts in each.items()} for i in range(len(references))]

    return zip(split(inside), split(outside), references, strict=True)
