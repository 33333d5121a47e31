"""Files are whole or absent, whatever happens while they are written."""

import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys

import pytest

from mmlib.records import files
from mmlib.records.files import sha256_of, write_atomically, write_json


@pytest.fixture
def old(tmp_path):
    """A file that was written before."""
    path = tmp_path / "result.txt"
    path.write_bytes(b"old")
    return path


def assert_only_the_old(path):
    assert path.read_bytes() == b"old"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_new_content_replaces_the_old_and_missing_folders_are_made(old, tmp_path):
    write_atomically(old, lambda file: file.write(b"new"))
    assert old.read_bytes() == b"new"
    write_atomically(tmp_path / "a" / "b" / "c.txt", lambda file: file.write(b"deep"))
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == b"deep"
    assert [file.name for file in (tmp_path / "a" / "b").iterdir()] == ["c.txt"]


def test_until_it_is_whole_a_reader_sees_the_old_file(old):
    def write(file):
        file.write(b"ne")
        file.flush()
        assert old.read_bytes() == b"old"
        file.write(b"w")

    write_atomically(old, write)
    assert old.read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_half_way_leaves_the_old_file_and_no_partial_one(old, error):
    def write(file):
        file.write(b"half")
        raise error("on purpose")

    with pytest.raises(error, match="on purpose"):
        write_atomically(old, write)
    assert_only_the_old(old)


@pytest.mark.parametrize("fails", ["fsync", "chmod", "replace"])
def test_a_full_disk_leaves_the_old_file_and_no_partial_one(old, monkeypatch, fails):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, fails, full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(old, lambda file: file.write(b"new"))
    monkeypatch.undo()
    assert_only_the_old(old)


def test_the_bytes_are_on_the_disk_before_the_name_is(old, monkeypatch):
    order = []
    for name in ("fsync", "replace"):
        done = getattr(os, name)
        monkeypatch.setattr(files.os, name, lambda *a, name=name, done=done: order.append(name) or done(*a))
    write_atomically(old, lambda file: file.write(b"new"))
    assert order == ["fsync", "replace"]


def test_a_kill_half_way_leaves_the_old_file(old):
    code = (
        "import os, pathlib, signal, sys\nfrom mmlib.records.files import write_atomically\n"
        "def write(file):\n    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_atomically(pathlib.Path(sys.argv[1]), write)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(old)], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert old.read_bytes() == b"old"


def test_others_may_read_what_was_written(old):
    write_atomically(old, lambda file: file.write(b"new"))
    assert stat.S_IMODE(old.stat().st_mode) == 0o644


def test_a_file_where_a_folder_should_be_is_an_error_that_names_it(old):
    with pytest.raises(OSError, match="result.txt"):
        write_atomically(old / "below.txt", lambda file: file.write(b"new"))
    assert_only_the_old(old)


def test_json_is_sorted_and_ends_its_line(tmp_path):
    write_json(tmp_path / "x.json", {"b": 1, "a": [2]})
    assert (tmp_path / "x.json").read_text() == '{\n "a": [\n  2\n ],\n "b": 1\n}\n'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}])
def test_what_json_cannot_hold_leaves_the_old_file(old, value):
    with pytest.raises((ValueError, TypeError)):
        write_json(old, {"value": value})
    assert_only_the_old(old)


def test_the_hash_is_sha256_of_the_bytes(tmp_path):
    content = bytes(range(256)) * 9000
    (tmp_path / "x").write_bytes(content)
    assert sha256_of(tmp_path / "x") == hashlib.sha256(content).hexdigest()
