"""The three lists of what mmlib needs say the same: pyproject.toml, environment.yml, constraints.txt."""

import re
import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mmlib.paths import ROOT

CONDA_NAMES = {"torch": "pytorch"}
# Not known to be conda packages, at least not under these names: they come with the pip entry of environment.yml.
PIP_ONLY = {
    "ziamath", "soundfile", "espeakng-loader", "resvg-py", "sentencepiece", "opencv-contrib-python-headless",
}  # fmt: skip


def required() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] + [line for extra in project["optional-dependencies"].values() for line in extra]
    return {canonicalize_name(needed.name): needed for needed in map(Requirement, lines)}


def test_conda_and_pip_ask_for_the_same():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {
        CONDA_NAMES.get(name, name): str(needed.specifier)
        for name, needed in required().items()
        if name not in PIP_ONLY
    }
    wanted["python"] = project["requires-python"]
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    lines = [Requirement(line) for line in entries if isinstance(line, str) and line != "pip"]
    assert {canonicalize_name(line.name): str(line.specifier) for line in lines} == wanted
    assert [entry for entry in entries if not isinstance(entry, str)] == [{"pip": ["-e ."]}]


def test_every_requirement_is_pinned_within_its_range():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pins = dict(line.split("==") for line in lines)
    for name, needed in required().items():
        assert needed.specifier.contains(pins[name]), f"{name}=={pins[name]} is outside {needed.specifier}"


def test_pins_are_plain_versions():
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9a-z.]*", line), line
    assert "jupytext" not in (ROOT / "constraints.txt").read_text()
