"""MCR: the multimodal competition regulariser (Kontras et al., NeurIPS 2025, arXiv 2411.07335)."""

from mmlib.methods.mcr.game import divergences, regulariser
from mmlib.methods.mcr.method import MCR
from mmlib.methods.mcr.terms import contrastive

__all__ = ["MCR", "contrastive", "divergences", "regulariser"]
