"""Every data set of the suite, known before PyTorch is loaded: what it holds, whose it is, and how one gets it.

A data set says this itself, in the CARD of its module in mmlib/data; what an entry means stands here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from mmlib import checks
from mmlib.records.cards import cards_in
from mmlib.records.code.imported import PACKAGE

MADE, FETCHED, OWN_COPY = "made when asked for", "fetched", "from your copy"
OF_THE_OWNERS = "as its owners give it; mmlib brings no copy"
TEXTS = ("modalities", "size", "licence", "credit", "split")
TASKS = ("classification", "regression")
LAST = 10**6  # the position of a set that does not give one


@dataclass(frozen=True)
class Entry:
    """One data set, as its card says.

    origin: MADE when it is asked for, FETCHED (or built) by a preparation, or prepared from the user's OWN_COPY;
    modalities: their names and what they are; size: how many rows, in words; licence: in the card of an own copy, None
    leaves it to the owners; credit: whose it is; split: which rows go where; task: "regression" where the labels are
    real targets whatever the options; position: its place in lists, 1 or more; sets without one come last, by name.
    """

    origin: str
    modalities: str
    size: str
    licence: str
    credit: str
    split: str
    task: str = "classification"
    position: int = LAST


def read_catalogue(folder: Path) -> dict[str, Entry]:
    """Name -> entry of every data set whose module is in ``folder``, by position.

    Raises TypeError or ValueError, naming the data set, for a card that is missing or wrong.
    """
    entries = {name: _entry(f"the CARD of {name!r}", card) for name, card in sorted(cards_in(folder).items())}
    return dict(sorted(entries.items(), key=lambda item: item[1].position))


def _entry(what: str, card: object) -> Entry:
    checks.of_type(what, card, Mapping, "a dict")
    known = [field.name for field in fields(Entry)]
    for name in card:
        checks.one_of(f"entry in {what}", name, known)
    missing = [name for name in ("origin", *TEXTS) if name not in card]
    if missing:
        raise ValueError(f"{what} lacks {', '.join(missing)}: mmlib.records.catalogue.Entry says what each is.")
    checks.one_of(f"origin in {what}", card["origin"], (MADE, FETCHED, OWN_COPY))
    licence = OF_THE_OWNERS if (card["origin"], card["licence"]) == (OWN_COPY, None) else card["licence"]
    entry = Entry(**{**card, "licence": licence})
    for name in TEXTS:
        checks.of_type(f"{name} in {what}", getattr(entry, name), str, "a text")
    checks.one_of(f"task in {what}", entry.task, TASKS)
    checks.whole(f"position in {what}", entry.position, 1)
    return entry


CATALOGUE = read_catalogue(PACKAGE / "data")
PREPARED = frozenset(name for name, entry in CATALOGUE.items() if entry.origin != MADE)
RAW = tuple(name for name, entry in CATALOGUE.items() if entry.origin == OWN_COPY)
REGRESSIONS = frozenset(name for name, entry in CATALOGUE.items() if entry.task == "regression")


def command_for(name: str) -> str:
    """The command that prepares the data set ``name``."""
    return f"python -m data_prep {name}" + (" --raw FOLDER" if name in RAW else "")
