"""The command line: ``python -m mmlib COMMAND``; ``python -m mmlib --help`` lists the commands."""

import argparse
import errno
import importlib
import logging
import os
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from mmlib import cli, paths
from mmlib.cli.interrupt import stoppable
from mmlib.notebooks.failure import NotebookFailed

REFUSED = (errno.EROFS, errno.EACCES, errno.EPERM)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Exit code 0, 1 if what was to be made failed, 2 if what was asked for is wrong."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s")
    logging.getLogger("mmlib").setLevel(logging.INFO)
    if options.results is not None:
        os.environ["MMLIB_RESULTS"] = os.path.abspath(options.results)  # so that every process it starts knows
    try:
        return options.run(options) or 0
    except NotebookFailed as error:
        return _fail(error, 1)
    except (ValueError, TypeError, OSError, yaml.YAMLError) as error:
        return _fail(error, 2)


def _fail(error: Exception, code: int) -> int:
    print(f"mmlib: {error}{_hint(error)}", file=sys.stderr)
    return code


def _hint(error: Exception) -> str:
    """What to do where the results folder, or something in it, is refused; of other files the message says it."""
    if not isinstance(error, OSError) or error.errno not in REFUSED or not isinstance(error.filename, str):
        return ""
    file, results = Path(error.filename).absolute(), (paths.results_dir(), paths.outputs_dir())
    if not any(folder in (file, *file.parents) or file in folder.parents for folder in results):
        return ""
    # Results are written under another name first: a file that has its own already was to be read.
    if error.errno != errno.EROFS and file.is_file() and file.suffix != ".lock":
        return " Make it readable, or remove it, and run the same command again."
    return " Name a results folder that can be written, with --results or MMLIB_RESULTS."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mmlib", description="Runs, notebooks, figures and their history.")
    parser.add_argument("--results", metavar="FOLDER", help="where results go ($MMLIB_RESULTS, else results/)")
    added = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in sorted(module.name for module in pkgutil.iter_modules(cli.__path__) if module.name != "interrupt"):
        importlib.import_module(f"mmlib.cli.{name}").register(added)
    return parser


if __name__ == "__main__":
    sys.exit(stoppable("mmlib", main))
