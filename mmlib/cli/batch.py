"""``python -m mmlib batch ID``: one job of the engine."""

import argparse

from mmlib.cli import say


def register(commands: argparse._SubParsersAction) -> None:
    """Adds the command."""
    batch = commands.add_parser("batch", help="compute the runs of one planned batch, as the engine's jobs do")
    batch.add_argument("id", metavar="ID", help="of results/batches/ID.json, which the command plan writes")
    batch.set_defaults(run=_batch)


def _batch(options: argparse.Namespace) -> int:
    from mmlib.batch.gpu_slots import require_gpu, take_gpus

    take_gpus()  # before PyTorch is loaded
    require_gpu()
    from mmlib.batch.job import run_batch

    return 0 if run_batch(options.id, say) else 1
