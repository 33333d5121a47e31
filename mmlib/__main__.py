"""The command line: ``python -m mmlib COMMAND``; ``python -m mmlib --help`` lists the commands."""

import argparse
import errno
import importlib
import logging
import os
import pkgutil
import sys
from collections.abc import Sequence

import yaml

from mmlib import commands
from mmlib.interrupt import stoppable
from mmlib.notebook_failure import NotebookFailed


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
    refused = isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)
    hint = " Name a results folder that can be written, with --results or MMLIB_RESULTS." if refused else ""
    print(f"mmlib: {error}{hint}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mmlib", description="Runs, notebooks, figures and their history.")
    parser.add_argument("--results", metavar="FOLDER", help="where results go ($MMLIB_RESULTS, else results/)")
    added = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in sorted(module.name for module in pkgutil.iter_modules(commands.__path__)):
        importlib.import_module(f"mmlib.commands.{module}").register(added)
    return parser


if __name__ == "__main__":
    sys.exit(stoppable("mmlib", main))
