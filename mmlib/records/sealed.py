"""JSON files that carry the hash of their own content, so that a changed byte is seen."""

import json
from hashlib import sha256
from pathlib import Path

from mmlib.records.files import json_bytes


class NotSealed(ValueError):
    """Content without a hash of its own, as earlier versions wrote it."""


def digest(content: dict[str, object]) -> str:
    """Hex SHA-256 of ``content``, whatever the order of its keys."""
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def sealed(content: dict[str, object]) -> dict[str, object]:
    """``content`` with its digest."""
    return {**content, "digest": digest(content)}


def opened(content: object) -> dict[str, object]:
    """What was sealed, without the digest. Raises NotSealed where there is none, ValueError where it does not fit."""
    if not isinstance(content, dict):
        raise ValueError(f"it holds a {type(content).__name__} where names and values were written")
    if "digest" not in content:
        raise NotSealed("it has no digest")
    inner = {name: value for name, value in content.items() if name != "digest"}
    if content["digest"] != digest(inner):
        raise ValueError("its digest does not fit its content")
    return inner


def read_exactly(path: Path) -> object:
    """The content of a file of ``write_json``. Raises ValueError if a byte is not as that writes it."""
    found = path.read_bytes()
    try:
        content = json.loads(found)
    except ValueError as error:
        raise ValueError(f"it is not JSON: {error}") from error
    # Also a changed blank or an escape in other letters, which a digest of the content does not see.
    if found != json_bytes(content):
        raise ValueError("it is not written as mmlib writes JSON")
    return content
