"""What AIM knows of every block from one judgement of the network to the next."""

from collections.abc import Mapping

from torch import Tensor, nn

from mmlib.methods._parts.late_buffers import LateBuffers


class Judgement(nn.Module):
    """Empty (False) until ``take``. Then, for each block, by "m/d" with d from 1, shallow to deep:

    prototypes: P [K, C_d]; performance: g, strength: alpha, weak: the share of channels with r_c <= 0, scalars in 0..1;
    masks: u [C_d], 1 for the channels taken as under-optimised. learned {m: [K, ...]}: the inputs behind the
    prototypes, none where these are class means. All are buffers.
    first {m: number of the first block with alpha > 0, from 0}, without the modalities that have none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.learned, self.prototypes, self.masks = LateBuffers(), LateBuffers(), LateBuffers()
        self.performance, self.strength, self.weak = LateBuffers(), LateBuffers(), LateBuffers()
        self.first: dict[str, int] = {}
        self.register_load_state_dict_post_hook(_find_first)

    def __bool__(self) -> bool:
        return len(self.prototypes) > 0

    def take(self, parts: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Holds ``parts`` (of the dict that ``judge`` gives) in place of what these held; parts not named stay."""
        for name, tensors in parts.items():
            self.get_submodule(name).replace(tensors)
        _find_first(self)

    def forget(self) -> None:
        """Is empty again."""
        for part in self.children():
            part.replace({})
        self.first = {}

    def of(self, part: str, modality: str) -> list[Tensor]:
        """The tensors of one part for the blocks of one modality, shallow to deep."""
        return [t for block, t in self.get_submodule(part).items() if block.rpartition("/")[0] == modality]

    def logs(self) -> dict[str, Tensor]:
        """The scalars of every block: "performance/m/d", "strength/m/d", "weak/m/d"."""
        parts = ("performance", "strength", "weak")
        return {f"{part}/{block}": value for part in parts for block, value in self.get_submodule(part).items()}


def _find_first(judgement: Judgement, *_: object) -> None:
    # Read here, outside the steps, so that a step knows without asking a tensor what there is to run.
    judgement.first = {}
    for block, alpha in judgement.strength.items():
        modality, _, depth = block.rpartition("/")
        if alpha > 0:
            judgement.first.setdefault(modality, int(depth) - 1)
