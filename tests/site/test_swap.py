"""The folder of the site is whole at every moment."""

import os
import signal
from multiprocessing import get_context
from pathlib import Path

import pytest

from mmlib.site.swap import replacing


def test_a_failure_leaves_the_old_folder(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "old").touch()
    with pytest.raises(RuntimeError), replacing(tmp_path / "site") as work:
        (work / "new").mkdir()
        raise RuntimeError
    assert os.listdir(tmp_path / "site") == ["old"] and not list(tmp_path.glob(".site.*.partial"))


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    (tmp_path / "site").mkdir()
    killed = get_context("fork").Process(target=_build_and_die, args=(tmp_path / "site",))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL and list(tmp_path.glob(".site.*.partial"))
    assert os.listdir(tmp_path / "site") == []
    with replacing(tmp_path / "site") as work:
        (work / "new").mkdir()
        (work / "new" / "page").touch()
    assert os.listdir(tmp_path / "site") == ["page"] and not list(tmp_path.glob(".site.*.partial"))


def _build_and_die(folder: Path) -> None:
    with replacing(folder) as work:
        (work / "new").mkdir()
        os.kill(os.getpid(), signal.SIGKILL)
