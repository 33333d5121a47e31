"""The data sets that have to be prepared, by name; known before PyTorch is loaded, so that commands answer at once."""

PREPARED = frozenset({"uci_digits", "smartwatch"})


def command_for(name: str) -> str:
    """The command that prepares the data set ``name``."""
    return f"python -m data_prep {name}"
