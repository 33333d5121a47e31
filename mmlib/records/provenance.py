"""What made a result: the commit, the versions and the machine, so that a number can be traced and made again."""

import platform
import subprocess
from importlib import metadata

import torch

from mmlib.paths import ROOT

PACKAGES = ("mmlib", "torch", "numpy", "pandas", "scipy", "scikit-learn", "matplotlib", "seaborn")


def provenance() -> dict[str, object]:
    """The record kept beside every figure and every metrics.json.

    commit: hex id, or None outside a git checkout of this project; dirty: whether files differ from that commit (None
    without a commit); versions: package -> version; platform, threads, device: where it was computed.
    """
    commit = _git("rev-parse", "HEAD") if _is_checkout() else None
    return {
        "commit": commit,
        "dirty": None if commit is None else bool(_git("status", "--porcelain")),
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }


def _is_checkout() -> bool:
    """Whether ROOT is itself a checkout: an installed copy may lie inside somebody else's repository."""
    top = _git("rev-parse", "--show-toplevel")
    return top is not None and ROOT.samefile(top)


def _git(*arguments: str) -> str | None:
    """What git prints, or None where there is no git, no repository or no commit."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
