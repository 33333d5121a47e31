"""Where to compute."""

import torch


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device named: "auto" is the GPU if there is one; "cpu", "cuda" or "cuda:1" are taken at their word.

    Raises ValueError for another name, and for a GPU that this machine has not.
    """
    if str(device) == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError):
        found = None
    if found is None or found.type not in ("cpu", "cuda"):
        raise ValueError(f"unknown device {device!r}: expected auto, cpu, cuda or cuda:N.")
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device {device!r} asked for, but PyTorch sees {torch.cuda.device_count()} GPUs here: use auto or cpu."
        )
    return found
