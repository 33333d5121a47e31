"""Data sets by name: ``load("uci_digits", views=["fou", "mor"], seed=0)``."""

from mmlib.data._datasets import DATASETS
from mmlib.data._loading import is_regression, load
from mmlib.data.multimodal_data import MultimodalData
from mmlib.data.split import Split
from mmlib.data.storage.manifest import DataDamaged, DataNotPrepared

__all__ = ["DATASETS", "DataDamaged", "DataNotPrepared", "MultimodalData", "Split", "is_regression", "load"]
