"""The command ``python -m data_prep NAME ...`` (or ``all``)."""

import argparse
import sys
from collections.abc import Sequence

from data_prep.errors import PreparationError
from data_prep.prepare import prepare
from data_prep.sources import SOURCES
from mmlib import checks
from mmlib.interrupt import stoppable


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepares the named data sets. Exit code 0, 1 if one could not be prepared, 2 if the command is wrong."""
    parser = argparse.ArgumentParser(prog="python -m data_prep", description="Fetches and converts data sets.")
    parser.add_argument("names", nargs="+", metavar="NAME", help=f"{', '.join(SOURCES)}, or all")
    names = parser.parse_args(arguments).names
    try:
        for name in names:
            checks.one_of("data set", name, [*SOURCES, "all"])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for name in SOURCES if "all" in names else dict.fromkeys(names):
        try:
            prepare(name, lambda line, name=name: print(f"{name}: {line}", flush=True))
        except PreparationError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(stoppable("data_prep", main))
