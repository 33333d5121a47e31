"""The data sets by name: of every module here that has a card, its ``load``."""

import importlib
from collections.abc import Callable

from mmlib.data.multimodal_data import MultimodalData
from mmlib.records.catalogue import CATALOGUE

DATASETS: dict[str, Callable[..., MultimodalData]] = {
    name: importlib.import_module(f"mmlib.data.{name}").load for name in CATALOGUE
}
