"""AIM: adaptive intra-network modulation (Shen, Chen, Zhang, 2025, arXiv 2508.19769), a reconstruction."""

from mmlib.methods.aim.method import AIM

__all__ = ["AIM"]
