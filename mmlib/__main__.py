"""The command line: ``python -m mmlib notebook NAME [-p KEY VALUE]...`` and ``python -m mmlib site``."""

import argparse
import sys
from collections.abc import Sequence

import yaml

from mmlib.execute import NotebookFailed, execute, find_notebook
from mmlib.interrupt import stoppable
from mmlib.parameters import parse_parameters
from mmlib.refresh import refresh
from mmlib.site import build_site


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Exit code 0, 1 if a notebook failed, 2 if what was asked for is wrong."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except NotebookFailed as error:
        return _fail(error, 1)
    except (ValueError, TypeError, OSError, yaml.YAMLError) as error:
        return _fail(error, 2)
    return 0


def _fail(error: Exception, code: int) -> int:
    print(f"mmlib: {error}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mmlib", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    notebook = commands.add_parser("notebook", help="execute a notebook into results/notebooks")
    notebook.add_argument("name", metavar="NAME", help="such as 12_agm, or the path of an .ipynb file")
    notebook.add_argument(
        "-p",
        dest="parameters",
        nargs=2,
        action="append",
        default=[],
        metavar=("KEY", "VALUE"),
        help='a parameter; lists and numbers as JSON: -p views \'["fac", "kar"]\' -p alpha 1.5',
    )
    notebook.add_argument("--timeout", type=int, metavar="SECONDS", help="the longest one cell may take")
    notebook.set_defaults(run=_notebook)
    again = commands.add_parser("refresh", help="execute a notebook and put the outputs into the notebook itself")
    again.add_argument("name", metavar="NAME")
    again.set_defaults(run=lambda options: refresh(options.name, say=_say))
    site = commands.add_parser("site", help="write results/index.html from the figures made so far")
    site.set_defaults(run=lambda options: build_site(say=_say))
    return parser


def _notebook(options: argparse.Namespace) -> None:
    texts = dict(options.parameters)
    if len(texts) < len(options.parameters):
        raise ValueError("a parameter was given twice: give each -p KEY once.")
    parameters = parse_parameters(find_notebook(options.name), texts)
    execute(options.name, parameters, timeout=options.timeout, say=_say)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(stoppable("mmlib", main))
