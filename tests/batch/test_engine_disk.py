"""The engine where results cannot be written: a small tmpfs that is full, and one that is read-only."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

MOUNT = 'mount -t tmpfs -o size={size} tmpfs "$MMLIB_RESULTS"'


def _in_own_namespace(script: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(["unshare", "-rm", "bash", "-c", script], capture_output=True, text=True, **options)


def _why_not() -> str:
    if shutil.which("unshare") is None:
        return "there is no unshare here"
    done = _in_own_namespace("mount -t tmpfs tmpfs /mnt")
    return f"no tmpfs can be mounted here: {done.stderr.strip()}" if done.returncode else ""


WHY_NOT = _why_not()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "a tmpfs can be mounted")


def test_a_full_disk_is_told_and_with_room_again_the_same_command_ends(suite):
    suite.results.mkdir()
    engine = " ".join(map(str, suite.command()))
    script = f"""
        {MOUNT.format(size="300k")}
        {engine}; echo "first: $?"
        mount -o remount,size=300m "$MMLIB_RESULTS"
        {engine}; echo "second: $?"
        find "$MMLIB_RESULTS" -name '*.partial*'
        {sys.executable} -m mmlib verify; echo "verify: $?"
    """
    done = _in_own_namespace(f"exec 2>&1; {script}", cwd=suite.root, env=suite.environment, timeout=300)
    first, _, rest = done.stdout.partition("first: 1\n")
    assert rest and "No space left on device" in first, done.stdout
    assert "second: 0" in rest and "notebooks: 2 done, 0 from cache, 0 failed, 0 skipped" in rest, rest
    assert ".partial" not in rest and "verify: 0" in rest, rest


def test_a_read_only_folder_is_told_with_what_to_do(suite):
    suite.results.mkdir()
    project = Path(__file__).parents[2]
    shutil.copy(project / "Makefile", suite.root)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    script = f"""
        exec 2>&1
        {MOUNT.format(size="1m")}
        mount -o remount,ro "$MMLIB_RESULTS"
        make figures ENV=here; echo "make: $?"
        python -m mmlib notebook 10_one; echo "notebook: $?"
    """
    done = _in_own_namespace(script, cwd=suite.root, env=suite.environment | {"PATH": path}, timeout=120)
    made, _, executed = done.stdout.partition("make: 2\n")
    assert f"{suite.results} cannot be written: name another folder, as in  make figures RESULTS=" in made, done.stdout
    assert "Name a results folder that can be written, with --results or MMLIB_RESULTS." in executed, done.stdout
    assert "notebook: 2" in executed and "Traceback" not in done.stdout
