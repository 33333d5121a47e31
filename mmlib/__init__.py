"""mmlib: methods, measures and models for imbalanced multimodal learning."""

import importlib

import mmlib.records.code.imported  # noqa: F401  # first: it remembers the code as it is when mmlib is imported

__version__ = "0.1.0"
__all__ = ["build_model", "evaluate", "fit", "load"]
_HOMES = {"load": "mmlib.data", "build_model": "mmlib.models", "fit": "mmlib.training", "evaluate": "mmlib.training"}


def __getattr__(name: str) -> object:
    # Only when they are asked for: the command line and the engine answer before PyTorch is loaded.
    if name not in _HOMES:
        raise AttributeError(f"module 'mmlib' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
