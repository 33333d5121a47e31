"""The command ``python -m data_prep NAME ...`` (or ``all``), and ``python -m data_prep NAME --raw FOLDER``."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from data_prep.errors import PreparationError
from data_prep.fetch import prepare
from data_prep.lock import only_one
from data_prep.release.prepare import prepare_raw
from data_prep.sources import RAW, SOURCES
from data_prep.unpack.archives import unpack
from mmlib import checks, paths
from mmlib.cli.interrupt import stoppable

MOST_JOBS = 60  # Windows cannot wait for more processes
EXAMPLE = "python -m data_prep crema_d --raw /data/CREMA-D"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepares the named data sets. Exit code 0, 1 if one could not be prepared, 2 if the command is wrong."""
    options = _parser().parse_args(arguments)
    try:
        _check(options)
    except (ValueError, TypeError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    code = 0
    for name in SOURCES if "all" in options.names else dict.fromkeys(options.names):
        try:
            _prepare(name, options)
        except PreparationError as error:
            print(f"{name}: {error}", file=sys.stderr)
            code = 1
    return code


def _parser() -> argparse.ArgumentParser:
    about = "Fetches or builds data sets, or converts your copy of one; python -m mmlib data lists all of them."
    parser = argparse.ArgumentParser(prog="python -m data_prep", description=about)
    known = f"{', '.join(SOURCES)}, all (of these); with --raw {', '.join(RAW)}"
    copy = "your copy of the release, its folder or its archive"
    parser.add_argument("names", nargs="+", metavar="NAME", help=known)
    parser.add_argument("--raw", metavar="FOLDER", type=Path, help=copy)
    parser.add_argument("--jobs", metavar="N", type=int, help="processes that convert (one a core)")
    return parser


def _check(options: argparse.Namespace) -> None:
    for name in options.names:
        checks.one_of("data set", name, [*SOURCES, *RAW, "all"])
    if options.jobs is not None:
        checks.whole("--jobs", options.jobs, 1)
    own = [name for name in options.names if name in RAW]
    if own and options.raw is None:
        raise ValueError(f"{own[0]} is prepared from your copy of the release: name its folder, as in  {EXAMPLE}")
    if options.raw is None:
        if options.jobs is not None:
            raise ValueError("--jobs goes with --raw: other sets are prepared in one process.")
        return
    if len(options.names) != 1 or not own:
        raise ValueError(f"--raw goes with one of {', '.join(RAW)}, got {' '.join(options.names)}.")
    if not options.raw.exists():
        raise ValueError(f"--raw names {options.raw}, which is not there.")


def _prepare(name: str, options: argparse.Namespace) -> None:
    def say(line: str) -> None:
        print(f"{name}: {line}", flush=True)

    with only_one(name, say):
        if options.raw is None:
            prepare(name, say)
            return
        raw = options.raw.resolve()
        jobs = options.jobs or min(os.cpu_count() or 1, MOST_JOBS)
        with _unpacked(name, raw, say) as folder:
            prepare_raw(name, folder, jobs, say, archive=None if raw.is_dir() else raw)


@contextmanager
def _unpacked(name: str, raw: Path, say: Callable[[str], None]) -> Iterator[Path]:
    """The folder ``raw``, or what is in the archive ``raw``, for as long as it is needed."""
    if raw.is_dir():
        yield raw
        return
    folder = paths.data_dir() / f".{name}.unpacked"
    shutil.rmtree(folder, ignore_errors=True)  # of a call that was killed
    try:
        unpack(raw, folder, say)
        inside = list(folder.iterdir())
        yield inside[0] if len(inside) == 1 and inside[0].is_dir() else folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(stoppable("data_prep", main))
