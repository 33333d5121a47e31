"""Networks whose shapes are not known before they have run once: those with nn.LazyLinear and its like."""

from collections.abc import Iterable

from torch import Tensor
from torch.nn.parameter import is_lazy


def check_shapes(what: str, tensors: Iterable[Tensor]) -> None:
    """Raises ValueError if one of ``tensors`` has no shape yet; what: why that matters, the message's beginning."""
    if any(is_lazy(tensor) for tensor in tensors):
        raise ValueError(
            f"{what}, and a lazy layer (such as nn.LazyLinear) has no shape there yet: run the network once, "
            "as model(inputs) does, before you build the method."
        )
