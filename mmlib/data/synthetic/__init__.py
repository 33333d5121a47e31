"""Synthetic modalities whose information is a knob and whose limit is known: classes and real targets."""

from mmlib.data.synthetic.classification import information, load

__all__ = ["information", "load"]
