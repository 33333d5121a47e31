"""make with wrong options, and what `make clean` may remove."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mmlib import paths

pytestmark = pytest.mark.skipif(
    not (paths.ROOT / "Makefile").is_file() or shutil.which("make") is None, reason="there is no make, or no Makefile"
)


def make(*arguments: str, folder: Path = paths.ROOT) -> subprocess.CompletedProcess:
    command = ["make", "-f", str(paths.ROOT / "Makefile"), *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MMLIB_")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("PROFILE=fast", "PROFILE is 'fast': expected smoke, quick or full"),
        ("PROFILE=", "PROFILE is '': expected smoke"),
        ("PROFILE=smoke quick", "PROFILE is 'smoke quick': expected smoke"),
        *((f"JOBS={n}", f"JOBS is '{n}': expected how many processes") for n in ["0", "00", "-1", "x", "", "2 3"]),
        *((f"GPUS={n}", f"GPUS is '{n}': expected how many GPUs") for n in ("-1", "all", "")),
        ("RESULTS=/tmp/a b", "make cannot work with a blank in a path"),
        ("RESULTS=/tmp/$x", "make cannot work with a $ in a path: RESULTS is '/tmp/$x'"),
        *((f"RESULTS=/tmp/a{sign}b", "quotes, braces and the like in a path") for sign in "'\"{}[]()*?;&|<>`#"),
    ],
)
@pytest.mark.parametrize("target", ["clean", "figures"])
def test_a_wrong_option_is_one_line_and_nothing_is_done(option, message, target):
    done = make("-n", target, option)
    assert done.returncode == 2 and message in done.stderr and done.stdout == "", done
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("option", ["JOBS=1", "JOBS=16", "GPUS=0", "GPUS=2", "PROFILE=full", "RESULTS=/tmp/a-b_c.d/é"])
def test_right_options_pass(option):
    assert make("help", option).returncode == 0


def test_clean_removes_what_was_made_where_it_was_made_and_nothing_else(tmp_path):
    here = tmp_path / "here" / "results"
    for folder in (here / "runs" / "1", here / "lab", tmp_path / "there" / "engine"):
        folder.mkdir(parents=True)
    (here / "runs" / "1" / "spec.json").write_text("{}")
    (tmp_path / "there" / "engine.lock").touch()
    (here / "lab" / "12_agm.ipynb").write_text("somebody's own")
    (tmp_path / "there" / "mine.txt").write_text("mine")
    (tmp_path / "there" / "plan.json").write_text("{}")
    done = make("clean", f"RESULTS={tmp_path / 'there'}", folder=here.parent)
    assert done.returncode == 0 and "is kept, as it holds other files" in done.stdout
    assert [file.name for file in (tmp_path / "there").iterdir()] == ["mine.txt"]
    assert (here / "runs" / "1").is_dir()  # RESULTS names another folder
    assert make("clean", folder=here.parent).returncode == 0
    assert [file.name for file in here.iterdir()] == ["lab"]


@pytest.mark.parametrize("folders", [["figures"], ["engine", "figures", "site"], ["runs/a", "figures"]], ids=str)
def test_clean_does_not_touch_a_folder_that_is_not_of_results(tmp_path, folders):
    for folder in folders:  # such as mmlib itself, or somebody's runs of another program
        (tmp_path / folder).mkdir(parents=True)
    done = make("clean", f"RESULTS={tmp_path}")
    assert done.returncode == 2 and "is not a results folder" in done.stderr
    assert all((tmp_path / folder).is_dir() for folder in folders)
    assert make("clean", f"RESULTS={tmp_path / 'none'}").returncode == 0
