"""Several processes that train one network: a step that does not bring their gradients together must not be taken."""

from torch import distributed


def refuse_process_group(method: str) -> None:
    """Raises RuntimeError inside a process group of more than one process.

    There every rank would follow its own gradients and end with other weights: DistributedDataParallel adds gradients
    up in its own forward and backward, which ``step`` does not go through.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return
    ranks = distributed.get_world_size()
    if ranks > 1:
        raise RuntimeError(
            f"a step of {method} in a process group of {ranks} processes would leave each with other weights: take "
            "method.loss, all-reduce the gradients after backward, then method.edit_grads and optimizer.step; or train "
            "in one process."
        )
