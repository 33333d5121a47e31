"""The manifest of a set, whichever way it is prepared: what there is already, and that it is written last.

The manifest before goes first and the new one comes last: a kill in between leaves "not prepared".
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from mmlib.data.storage.manifest import DataDamaged, DataNotPrepared, manifest_file
from mmlib.records.catalogue import CATALOGUE
from mmlib.records.files import write_json
from mmlib.records.sealed import sealed

Say = Callable[[str], None]
Found = TypeVar("Found")
NOTHING_TO_DO = "already prepared in {place}, its sha256 is right: nothing to do"


def found_ready(read: Callable[[], Found], is_same: Callable[[Found], bool], say: Say) -> Found | None:
    """What ``read`` gives, if the set is prepared and whole, and the same as would be made now.

    Else None, and ``say`` is called with the reason where there is something.
    """
    try:
        found = read()
    except DataNotPrepared:
        return None
    except DataDamaged as error:
        say(str(error))
        return None
    if is_same(found):
        return found
    say("prepared from another source than today's, or by other code, so it is made again")
    return None


def rights_of(name: str) -> dict[str, str]:
    """Whose the set is and which of its rows go where, for its manifest."""
    entry = CATALOGUE[name]
    return {"licence": entry.licence, "credit": entry.credit, "split": entry.split}


def remove_manifest(name: str) -> None:
    """From now on the set is not prepared."""
    manifest_file(name).unlink(missing_ok=True)


def write_manifest(name: str, content: Mapping[str, object]) -> None:
    """From now on the set is prepared, and ``content``, sealed, vouches for it."""
    write_json(manifest_file(name), sealed(dict(content)))
