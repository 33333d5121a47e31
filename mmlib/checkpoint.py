"""Files that hold a training state: whole or absent, and never read when damaged."""

import hashlib
import io
from pathlib import Path

import torch

from mmlib.files import write_atomically

DIGEST_LENGTH = 64


class CheckpointDamaged(ValueError):
    """A checkpoint whose content is not what was written."""


def save_checkpoint(path: Path, state: dict[str, object]) -> None:
    """Writes ``state`` (tensors, numbers, strings, lists, dicts) behind its own SHA-256, atomically."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    digest = hashlib.sha256(payload).hexdigest().encode()
    write_atomically(path, lambda file: file.write(digest + payload))


def load_checkpoint(path: Path) -> dict[str, object]:
    """The state in ``path`` with its tensors on the CPU. Raises CheckpointDamaged if the file is not as written."""
    content = path.read_bytes()
    digest, payload = content[:DIGEST_LENGTH], content[DIGEST_LENGTH:]
    if hashlib.sha256(payload).hexdigest().encode() != digest:
        raise CheckpointDamaged(f"checkpoint {path} is damaged (its SHA-256 does not fit): delete it to train again.")
    return torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
