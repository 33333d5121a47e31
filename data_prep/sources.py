"""Which data sets there are and where they come from, as the modules in data_prep/sets say.

All of these modules are imported for it, also by the Snakefile: they import what is heavy (PyTorch, decoders) in the
functions that use it.
"""

import importlib
from pathlib import Path

from data_prep import sets
from data_prep.fetched_set import Source
from mmlib.records.code.imported import modules_in

_names = [file.stem for file in modules_in(Path(sets.__file__).parent) if not file.stem.startswith("_")]
_modules = {name: importlib.import_module(f"data_prep.sets.{name}") for name in _names}

# Those that are fetched or built, and those that are converted from the user's copy of a release.
SOURCES: dict[str, Source] = {name: module.SOURCE for name, module in _modules.items() if hasattr(module, "SOURCE")}
RAW = tuple(name for name, module in _modules.items() if hasattr(module, "layout"))
