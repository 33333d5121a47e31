"""Joint training: the plain baseline that every method is compared with."""

from torch import Tensor

from mmlib.methods.base import Inputs, Logs, Method, cross_entropy


class Joint(Method):
    """loss = CE(fuse(encode(x)), y)."""

    def losses(self, inputs: Inputs, labels: Tensor) -> tuple[Tensor, Logs]:
        """Cross-entropy of the fused logits; no further logs."""
        return cross_entropy(self.model(inputs), labels), {}
