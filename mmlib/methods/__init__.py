"""One method per file; METHODS finds each by name."""

from mmlib.methods.agm import AGM
from mmlib.methods.aim import AIM
from mmlib.methods.base import Method
from mmlib.methods.ensemble import Ensemble
from mmlib.methods.joint import Joint
from mmlib.methods.mcr import MCR
from mmlib.methods.mses import MSES
from mmlib.methods.mslr import MSLR
from mmlib.methods.multi_loss import MultiLoss
from mmlib.methods.ogm_ge import OGMGE
from mmlib.methods.unimodal import Unimodal

METHODS: dict[str, type[Method]] = {
    "joint": Joint,
    "unimodal": Unimodal,
    "ensemble": Ensemble,
    "multi_loss": MultiLoss,
    "ogm_ge": OGMGE,
    "agm": AGM,
    "mcr": MCR,
    "aim": AIM,
    "mslr": MSLR,
    "mses": MSES,
}

__all__ = [
    "AGM",
    "AIM",
    "MCR",
    "METHODS",
    "MSES",
    "MSLR",
    "Ensemble",
    "Joint",
    "Method",
    "MultiLoss",
    "OGMGE",
    "Unimodal",
]
