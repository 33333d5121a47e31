"""Joint training: the plain baseline that every method is compared with."""

from torch import Tensor

from mmlib.methods.base import Inputs, Logs, Method
from mmlib.methods.losses import task_loss


class Joint(Method):
    """loss = l(fuse(encode(x)), y), l the task's: cross-entropy, or mean absolute error for real targets."""

    def loss(self, inputs: Inputs, labels: Tensor) -> tuple[Tensor, Logs]:
        """The task's loss of the fused outputs; no further logs."""
        return task_loss(self.model(inputs), labels), {}
