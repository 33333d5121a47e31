"""What a prediction is judged by: classes by cross-entropy, real targets by their absolute error."""

import torch
import torch.nn.functional as F
from torch import Tensor


def task_loss(outputs: Tensor, labels: Tensor) -> Tensor:
    """The loss of the task, a scalar: for class numbers (int64) [B] the mean cross-entropy of logits [B, C], in nats;
    for real targets (floating) [B] the mean absolute error of outputs [B, 1], in their unit (as in the MCR paper).

    Targets of another floating type are cast to that of the outputs. Raises ValueError for outputs of a wrong shape.
    """
    if not labels.is_floating_point():
        return cross_entropy(outputs, labels)
    if outputs.shape != (len(labels), 1):  # else the difference would be taken of every pair of rows
        raise ValueError(f"{len(labels)} real targets need outputs [{len(labels)}, 1], got {tuple(outputs.shape)}.")
    return F.l1_loss(outputs.squeeze(1), labels.to(outputs.dtype))


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of logits [B, C] against labels [B], in nats."""
    # By default a label of -100 would be left out without a word.
    return F.cross_entropy(logits, labels, ignore_index=torch.iinfo(torch.long).min)
