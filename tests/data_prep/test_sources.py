"""The source of a set stands in its own module: one more file in data_prep/sets is one more set."""

import os
import shutil
import subprocess
import sys

from data_prep import sources
from mmlib.paths import ROOT
from mmlib.records.catalogue import CATALOGUE, FETCHED, OWN_COPY

HEAVY = ("av", "cv2", "librosa", "pandas", "PIL", "resvg_py", "scipy", "soundfile", "torch")
LIST = "import sys; from data_prep.sources import RAW, SOURCES; print(*SOURCES); print(*RAW); print(*sys.modules)"
FETCHED_SET = "from data_prep.fetched_set import Source\n\nSOURCE = Source(needs=('emoji',))\n"
RAW_SET = "SKIPS = False\n\n\ndef layout(raw): ...\n"


def listed(folder):
    """(fetched sets, sets of releases, modules imported) with the data_prep in ``folder``."""
    path = f"{folder}{os.pathsep}{ROOT}"
    done = subprocess.run(
        [sys.executable, "-c", LIST], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def test_they_are_those_of_the_catalogue():
    of_origin = {origin: {n for n, e in CATALOGUE.items() if e.origin == origin} for origin in (FETCHED, OWN_COPY)}
    assert {*sources.SOURCES} == of_origin[FETCHED] and {*sources.RAW} == of_origin[OWN_COPY]


def test_one_more_file_is_one_more_set(tmp_path):
    shutil.copytree(ROOT / "data_prep", tmp_path / "data_prep")
    added = tmp_path / "data_prep" / "sets"
    (added / "toy_fetched.py").write_text(FETCHED_SET)
    (added / "toy_release.py").write_text(RAW_SET)
    (added / "toy-Copy1.py").write_text(FETCHED_SET)
    (added / "_helper.py").write_text(FETCHED_SET)
    fetched, raw, _ = listed(tmp_path)
    assert {*fetched} == {*sources.SOURCES, "toy_fetched"} and {*raw} == {*sources.RAW, "toy_release"}


def test_the_list_of_sources_is_light():
    """The Snakefile imports it for each batch."""
    *_, imported = listed(ROOT)
    assert "data_prep.sets.emoji" in imported and not set(HEAVY) & set(imported)
