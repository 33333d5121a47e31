"""Real disks that are full or read-only: small tmpfs file systems in a mount namespace of their own."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from mmlib.runs import RunSpec
from mmlib.runs.spec_files import write_specs

MOUNTED = "mount -t tmpfs -o size=2m tmpfs"


def _why_not() -> str:
    if shutil.which("unshare") is None:
        return "there is no unshare here"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", f"{MOUNTED} /tmp"], capture_output=True, text=True)
    return f"no tmpfs can be mounted here: {done.stderr.strip()}" if done.returncode else ""


WHY_NOT = _why_not()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "a tmpfs can be mounted")

START = f"""
import contextlib, io, json, os, pathlib, subprocess, sys
from mmlib.__main__ import main
from mmlib.runs import Run
from mmlib.runs.spec_files import read_specs
folder, file = pathlib.Path(sys.argv[1]), sys.argv[2]
specs, told = read_specs(file), []
os.environ["MMLIB_RESULTS"] = str(folder / "results")

def mount(more=()):
    subprocess.run([*{MOUNTED.split()!r}, *more, folder], check=True)

def run(file=file):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as error:
        code = main(["run", file, "--jobs", "1", "--device", "cpu"])
    files = sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file() and f.suffix != ".lock")
    told.append({{"code": code, "out": out.getvalue(), "error": error.getvalue(), "files": files}})

def bits(spec):
    return [Run(spec).metrics["records"], Run(spec).metrics["history_sha256"]]
"""

FULL = """
mount()
run()
expected = bits(specs[0])
subprocess.run(["umount", folder], check=True)
for left in json.loads(sys.argv[3]):
    mount()
    (folder / "results" / "runs").mkdir(parents=True)
    ballast = folder / "ballast"
    free = os.statvfs(folder)
    ballast.write_bytes(bytes(free.f_bavail * free.f_frsize - 1024 * left))
    run()
    ballast.unlink()
    run()
    told[-1]["same"] = bits(specs[0]) == expected
    subprocess.run(["umount", folder], check=True)
print(json.dumps(told))
"""

READ_ONLY = """
mount()
run()
subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
run()
run(sys.argv[3])
subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
run(sys.argv[3])
print(json.dumps(told))
"""


def spec(method="agm"):
    return RunSpec("synthetic", method, seeds=(0, 1), profile="smoke", data_options={"samples": [60, 30, 30]},
                   model_options={"width": 4, "depth": 1}, training={"epochs": 1})  # fmt: skip


def scenario(tmp_path, script, *arguments):
    (tmp_path / "disk").mkdir()
    write_specs(tmp_path / "specs.yaml", [spec()])
    command = [sys.executable, "-c", START + script, tmp_path / "disk", tmp_path / "specs.yaml", *arguments]
    done = subprocess.run(["unshare", "-rm", *command], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_full_disk_is_told_and_with_room_again_the_same_command_ends_with_the_same_bits(tmp_path):
    levels = [0, 8, 32, 60, 64, 68, 72, 76, 80, 84]  # KiB that are left, from too few for anything on
    unbroken, *told = scenario(tmp_path, FULL, json.dumps(levels))
    first_tries, second_tries = told[::2], told[1::2]
    stages = []  # the files that there was no room for
    for full, done in zip(first_tries, second_tries, strict=True):
        assert not [name for name in full["files"] if name.endswith((".partial", "metrics.json"))] or full["code"] == 0
        if full["code"]:
            stages.append(re.search(r"No space left on device for \S+/([\w.-]+): make room", full["out"])[1])
            assert full["code"] == 1 and full["error"] == ""
            assert "FAILED with OSError: [Errno 28] " in full["out"] and "run the same command again" in full["out"]
        assert done["code"] == 0 and done["same"]
        assert done["files"] == unbroken["files"]
    order = ["spec.json", "checkpoint-0.pt", "checkpoint-1.pt", "history.csv", "environment.json", "metrics.json"]
    assert [name for name in order if name in stages] == list(dict.fromkeys(stages)) and len(set(stages)) >= 5


@pytest.mark.slow
def test_a_read_only_folder_is_read_and_what_is_missing_is_told(tmp_path):
    write_specs(tmp_path / "more.yaml", [spec(), spec("joint")])
    unbroken, read, missing, later = scenario(tmp_path, READ_ONLY, tmp_path / "more.yaml")
    assert unbroken["code"] == 0 and read["code"] == 0 and "from cache" in read["out"] and read["error"] == ""
    assert missing["code"] == 1 and "2 runs: 0 done, 1 from cache, 1 failed" in missing["out"]
    label, runs = f"{spec('joint').hash} (joint on synthetic, 2 seeds, smoke)", f"{tmp_path}/disk/results/runs"
    sentence = f"the run {label} is not there yet, and {runs}"
    assert f"{sentence} is read-only: name another results folder with MMLIB_RESULTS or --results." in missing["out"]
    assert missing["files"] == read["files"] == unbroken["files"]
    assert later["code"] == 0 and "1 done, 1 from cache, 0 failed" in later["out"]
