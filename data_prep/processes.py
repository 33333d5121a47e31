"""The processes that convert and speak."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from mmlib.records.parent_watch import end_with_parent


def pool(jobs: int) -> ProcessPoolExecutor:
    """``jobs`` processes that end with this one. Forked processes would inherit locks of the decoders' threads."""
    return ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=end_with_parent)
