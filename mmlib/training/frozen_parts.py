"""Parts of a network that do not learn: they run in evaluation mode while the rest is trained."""

from torch import nn


def training_mode(method: nn.Module) -> None:
    """Training mode, except for every module that has parameters, all of them frozen (``requires_grad=False``).

    Such a module is in evaluation mode with all that is inside it, so that the running statistics of its batch-norm
    layers stay as they are and its dropout is off. A module without parameters follows the one it stands in.
    """
    method.train()
    _rest_frozen(method)


def check_trainable(method: nn.Module) -> None:
    """Raises ValueError if all parameters of ``method`` are frozen."""
    if not any(p.requires_grad for p in method.parameters()):
        raise ValueError(
            f"{type(method).__name__} has nothing to train: all parameters of its network are frozen "
            "(requires_grad=False). Free those that shall learn, such as model.fusion.requires_grad_(True)."
        )


def _rest_frozen(module: nn.Module) -> None:
    trained = [p.requires_grad for p in module.parameters()]
    if trained and not any(trained):
        module.eval()
        return
    for child in module.children():
        _rest_frozen(child)
