"""Tensors of a method whose number and sizes are known only when training has seen the data."""

from collections.abc import ItemsView, Iterator, Mapping

from torch import Tensor

from mmlib.methods._parts.precise_buffers import PreciseBuffers, precise


class LateBuffers(PreciseBuffers):
    """A dict of tensors that are buffers: saved, loaded, moved and cast with the module they belong to.

    In at least float32. Empty at first. Loading a state takes over whatever names and shapes it has, so that a
    checkpoint of any epoch fits.
    """

    def replace(self, tensors: Mapping[str, Tensor]) -> None:
        """Holds ``tensors`` and nothing of before."""
        self._buffers.clear()
        for name, tensor in tensors.items():
            self._buffers[name] = precise(tensor)  # register_buffer would refuse the names of this class's own methods

    def __getitem__(self, name: str) -> Tensor:
        return self._buffers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._buffers)

    def __len__(self) -> int:
        return len(self._buffers)

    def items(self) -> ItemsView[str, Tensor]:
        """Names and tensors, in order."""
        return self._buffers.items()

    def _load_from_state_dict(self, state_dict: Mapping[str, Tensor], prefix: str, *args: object) -> None:
        like = {k.removeprefix(prefix): v for k, v in state_dict.items() if k.startswith(prefix)}
        own = next(iter(self._buffers.values()), None)
        device = None if own is None else own.device
        self.replace({name: value.detach().clone().to(device) for name, value in like.items()})
        super()._load_from_state_dict(state_dict, prefix, *args)
