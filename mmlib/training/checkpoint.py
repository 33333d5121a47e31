"""Files that hold a training state: whole or absent, never read when damaged, never written when unreadable."""

import hashlib
import io
from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor, nn

from mmlib.records.files import write_atomically

DIGEST_LENGTH = 64
READABLE = (Tensor, nn.Parameter, bool, int, float, str, type(None))


class CheckpointDamaged(ValueError):
    """A checkpoint whose content is not what was written."""


class CheckpointRefused(ValueError):
    """A whole checkpoint, but of another training than the one that is to continue from it."""


def save_checkpoint(path: Path, state: dict[str, object]) -> None:
    """Writes ``state`` behind its own SHA-256, atomically. Raises what ``check_content`` raises, before it writes."""
    check_content(path, state)
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getbuffer()
    digest = hashlib.sha256(payload).hexdigest().encode()
    write_atomically(path, lambda file: (file.write(digest), file.write(payload)))


def load_checkpoint(path: Path) -> dict[str, object]:
    """The state in ``path`` with its tensors on the CPU. Raises CheckpointDamaged if the file is not as written."""
    content = memoryview(path.read_bytes())
    digest, payload = content[:DIGEST_LENGTH], content[DIGEST_LENGTH:]
    if hashlib.sha256(payload).hexdigest().encode() != digest:
        raise CheckpointDamaged(f"checkpoint {path} is damaged (its SHA-256 does not fit): delete it to train again.")
    return torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)


def check_content(path: Path, value: object, place: str = "state") -> None:
    """Raises TypeError, naming the place, unless ``value`` can be read back without running code: tensors, numbers,
    texts, None, and lists, tuples and dicts of them. Subclasses of these, such as NumPy's float64, cannot."""
    kind = type(value)
    if kind in READABLE:
        return
    if kind in (list, tuple):
        for i, item in enumerate(value):
            check_content(path, item, f"{place}[{i}]")
    elif kind in (dict, OrderedDict):
        for name, item in value.items():
            check_content(path, name, f"a name in {place}")
            check_content(path, item, f"{place}[{name!r}]")
    else:
        raise TypeError(
            f"checkpoint {path} cannot hold {place}, a {kind.__module__}.{kind.__qualname__}, since it could not be "
            "read back: make it a tensor, a number, a text, None, or a list, tuple or dict of such."
        )
