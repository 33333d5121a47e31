"""mmlib: methods, measures and models for imbalanced multimodal learning."""

from mmlib import imported_code as imported_code  # first: it reads the sources before anything else is imported

__version__ = "0.1.0"
