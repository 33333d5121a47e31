"""Names that become parts of paths, checked where they come in: from a command line, a record or a list."""

import re

NAME = re.compile(r"\w[\w-]*")
HEX = re.compile(r"[0-9a-f]{8,64}")


def check_name(what: str, name: object) -> None:
    """Raises ValueError unless ``name`` is letters, digits, _ and -: no "/", no "..", no blank, nothing to escape."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ValueError(f"{what} must be a name of letters, digits, _ and -, got {name!r}.")


def check_hash(what: str, value: object) -> None:
    """Raises ValueError unless ``value`` is a hash in hex, 8 to 64 digits."""
    if not isinstance(value, str) or not HEX.fullmatch(value):
        raise ValueError(f"{what} must be a hash in hex (8 to 64 digits), got {value!r}.")
