"""``python -m mmlib data``: every data set of the suite, and how one gets those that are not here."""

import argparse

from mmlib.cli import say


def register(commands: argparse._SubParsersAction) -> None:
    """Adds the command."""
    data = commands.add_parser("data", help="list the data sets: here or not, what they hold, licence, how to get them")
    data.add_argument("names", nargs="*", metavar="NAME", help="only these")
    data.set_defaults(run=_data)


def _data(options: argparse.Namespace) -> None:
    from mmlib import checks
    from mmlib.records.catalogue import CATALOGUE

    for name in options.names:
        checks.one_of("data set", name, CATALOGUE)
    for name in options.names or CATALOGUE:
        for line in _lines(name):
            say(line)


def _lines(name: str) -> list[str]:
    from mmlib.records.catalogue import CATALOGUE, MADE, command_for

    entry = CATALOGUE[name]
    made = entry.origin == MADE
    return [
        f"{name}: {MADE if made else _state(name)}",
        f"    modalities  {entry.modalities}",
        f"    size        {entry.size}",
        f"    licence     {entry.licence}",
        f"    by          {entry.credit}",
        f"    split       {entry.split}",
        f'    get it      load("{name}")' if made else f"    get it      {command_for(name)}",
    ]


def _state(name: str) -> str:
    """Whether the set is in the data folder, how large it is there, and what was left out."""
    from mmlib.data.storage.manifest import DataDamaged, read_manifest
    from mmlib.data.storage.prepared import files_of, is_prepared
    from mmlib.data.storage.stored import read_stored
    from mmlib.records.catalogue import RAW

    arrays, manifest = files_of(name)
    try:
        if not is_prepared(name):
            return "NOT PREPARED"
        place = arrays if arrays.is_file() else arrays.with_suffix("")
        files = [place] if place.is_file() else sorted(place.glob("*.npy"))
        known = read_stored(name).manifest if name in RAW else read_manifest(name, "npz_sha256")
    except DataDamaged as error:
        return str(error)
    size = sum(file.stat().st_size for file in files) / 1e6
    skipped = known.get("skipped", {"count": 0})["count"]
    left_out = f"; {skipped:,} parts are not in it: see {manifest.name}" if skipped else ""
    return f"prepared, {size:,.1f} MB in {place}{left_out}"
