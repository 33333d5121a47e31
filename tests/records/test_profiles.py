import pytest

from mmlib.records.profiles import default_profile


def test_quick_unless_the_environment_says_otherwise(monkeypatch):
    monkeypatch.delenv("MMLIB_PROFILE", raising=False)
    assert default_profile() == "quick"
    monkeypatch.setenv("MMLIB_PROFILE", "smoke")
    assert default_profile() == "smoke"


def test_an_unknown_profile_is_refused(monkeypatch):
    monkeypatch.setenv("MMLIB_PROFILE", "fulll")
    with pytest.raises(ValueError, match="profile in MMLIB_PROFILE 'fulll'.*Did you mean 'full'"):
        default_profile()
