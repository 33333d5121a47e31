"""How much to compute: smoke (seconds, for tests), quick (minutes, the default), full (what a paper reports)."""

import os

from mmlib import checks

PROFILES = ("smoke", "quick", "full")


def default_profile() -> str:
    """The profile named by $MMLIB_PROFILE, "quick" if it is not set. Raises ValueError for an unknown name."""
    profile = os.environ.get("MMLIB_PROFILE") or "quick"
    checks.one_of("profile in MMLIB_PROFILE", profile, PROFILES)
    return profile
