"""mmlib: methods, measures and models for imbalanced multimodal learning."""

from mmlib.records.code import imported as imported_code

__version__ = "0.1.0"
