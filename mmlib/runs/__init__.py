"""Runs: what to train and measure, named by its content, computed once and kept."""

from mmlib.runs.files import RunDamaged
from mmlib.runs.parallel import run_all
from mmlib.runs.spec import RunSpec
from mmlib.runs.store import Run, get_or_run, history, inputs_of, table

__all__ = ["Run", "RunDamaged", "RunSpec", "get_or_run", "history", "inputs_of", "run_all", "table"]
