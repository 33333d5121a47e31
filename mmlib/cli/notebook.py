"""``python -m mmlib notebook NAME [-p KEY VALUE]...``: executes one notebook."""

import argparse

from mmlib.cli import say


def register(commands: argparse._SubParsersAction) -> None:
    """Adds the command."""
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


def _notebook(options: argparse.Namespace) -> None:
    from mmlib.batch.gpu_slots import require_gpu, take_gpus

    take_gpus()  # before PyTorch is loaded; the notebook's kernel sees the same one
    require_gpu()
    from mmlib.notebooks.execute import execute, find_notebook
    from mmlib.records.origin.parameters import parse_parameters

    texts = dict(options.parameters)
    if len(texts) < len(options.parameters):
        raise ValueError("a parameter was given twice: give each -p KEY once.")
    parameters = parse_parameters(find_notebook(options.name), texts)
    execute(options.name, parameters, timeout=options.timeout, say=say)
