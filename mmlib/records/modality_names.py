"""What a modality may be called: its name becomes part of the names of logs, measures, groups and modules."""

# The names that stand where else a modality's does: "loss/joint" beside "loss/a", the group "none" beside "a+b".
# A method or measure with a further one adds it here; tests/methods/test_log_names.py finds those that do not.
OWN_NAMES = {
    "all": "all modalities together",
    "aux": "AIM's auxiliary loss",
    "ceb": "MCR's bottleneck loss",
    "con": "MCR's contrastive loss",
    "empty": "no modality at all",
    "full": "the loss of AIM's ordinary pass",
    "joint": "the loss of the fused prediction",
    "labels": "the labels of a data set",
    "loss": "the loss as a whole",
    "none": "the group of rows that no modality gets right",
    "stim": "AIM's stimulation loss",
}
SEPARATORS = {"/": "the parts of a log's name", "+": "the modalities of a group", ".": "the parts of a module's name"}


def check_modality(name: object) -> None:
    """Raises TypeError or ValueError, saying what to rename, unless ``name`` is a text that can name a modality: it
    becomes part of the names of logs, measures, groups and modules."""
    if not isinstance(name, str):
        raise TypeError(f"a modality is named by a text, such as 'audio', got {name!r} ({type(name).__name__}).")
    why = _objection(name)
    if why:
        raise ValueError(f"a modality cannot be named {name!r}: {why}. Rename it in the data, encoders and fusion.")


def _objection(name: str) -> str | None:
    from torch import nn  # here, as records are read before PyTorch is loaded

    if not name.strip():
        return "the name is empty"
    for sign, use in SEPARATORS.items():
        if sign in name:
            return f"{sign!r} separates {use}"
    if any("\ud800" <= sign <= "\udfff" for sign in name):
        return "it holds half a sign (a lone surrogate), which cannot be written to a file"
    if name in OWN_NAMES:
        return f"in logs and tables that name stands for {OWN_NAMES[name]}"
    if hasattr(nn.ModuleDict(), name):
        return "PyTorch's ModuleDict, which holds a module for each modality, uses that name itself"
    return None
