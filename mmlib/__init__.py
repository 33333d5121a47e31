"""mmlib: methods, measures and models for imbalanced multimodal learning."""

__version__ = "0.1.0"
