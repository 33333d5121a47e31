"""Coalitions of modalities: f(S) by masking, logits of mixed sources, and the Shapley value over them."""

from mmlib.coalitions.masking import masked_logits, paired_features, subset_logits
from mmlib.coalitions.mixing import mixed_logits
from mmlib.coalitions.shapley import shapley
from mmlib.coalitions.subsets import Coalition, subsets

__all__ = ["Coalition", "masked_logits", "mixed_logits", "paired_features", "shapley", "subset_logits", "subsets"]
