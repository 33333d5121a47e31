"""Reading prepared files: missing, truncated and altered ones are named with the command that mends them."""

import errno
import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from mmlib import __main__ as command
from mmlib.data import DataDamaged, DataNotPrepared, load
from mmlib.data.storage.mapped import View
from mmlib.data.storage.prepared import is_prepared, read_prepared
from mmlib.data.storage.stored import read_stored
from mmlib.records.sealed import sealed


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path))
    put(tmp_path, {"x": np.arange(500.0)})
    return tmp_path


def put(folder, arrays):
    content = io.BytesIO()
    np.savez(content, **arrays)
    (folder / "demo.npz").write_bytes(content.getvalue())
    sha256 = hashlib.sha256(content.getvalue()).hexdigest()
    (folder / "demo.json").write_text(json.dumps({"npz_sha256": sha256, "classes": ["0"]}))


def test_whole_files_are_read(folder):
    arrays, manifest = read_prepared("demo")
    assert np.array_equal(arrays["x"], np.arange(500.0))
    assert manifest["classes"] == ["0"]


@pytest.mark.parametrize("missing", ["demo.npz", "demo.json"])
def test_missing_file_names_the_command(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(DataNotPrepared, match=f"{missing}.*python -m data_prep demo"):
        read_prepared("demo")


@pytest.mark.parametrize("name", ["uci_digits", "smartwatch"])
def test_load_without_prepared_data_names_the_command(folder, name):
    with pytest.raises(FileNotFoundError, match=f"python -m data_prep {name}"):
        load(name)


@pytest.mark.parametrize("cut", [0, 100, 4000])
def test_truncated_arrays_are_damaged(folder, cut):
    file = folder / "demo.npz"
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(DataDamaged, match="demo.npz is damaged.*python -m data_prep demo"):
        read_prepared("demo")


def test_one_flipped_bit_is_damage(folder):
    content = bytearray((folder / "demo.npz").read_bytes())
    content[2000] ^= 1
    (folder / "demo.npz").write_bytes(content)
    with pytest.raises(ValueError, match="sha256"):
        read_prepared("demo")


@pytest.mark.parametrize("text", ["", '{"npz_sha', "[]", "{}", '{"npz_sha256": 3}', "\udcff"])
def test_unreadable_manifest_is_damaged(folder, text):
    (folder / "demo.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(DataDamaged, match="demo.json is damaged.*python -m data_prep demo"):
        read_prepared("demo")


def test_a_changed_word_in_a_manifest_is_damage(folder):
    manifest = sealed(json.loads((folder / "demo.json").read_text()))
    (folder / "demo.json").write_text(json.dumps(manifest))
    assert read_prepared("demo").manifest["classes"] == ["0"]
    (folder / "demo.json").write_text(json.dumps(manifest | {"classes": ["1"]}))
    with pytest.raises(DataDamaged, match="demo.json is damaged .its digest does not fit"):
        read_prepared("demo")


def test_object_arrays_are_refused(folder):
    put(folder, {"x": np.array([{"a": 1}], dtype=object)})
    with pytest.raises(DataDamaged, match="plain arrays"):
        read_prepared("demo")


def refuse_reading(monkeypatch, name, why):
    """Opening the file ``name`` fails; root may read whatever the rights say, so they cannot be taken away here."""
    opened = io.open

    def refuse(file, *arguments, **options):
        if Path(file).name == name:
            raise OSError(why, os.strerror(why), str(file))
        return opened(file, *arguments, **options)

    monkeypatch.setattr(io, "open", refuse)
    monkeypatch.setattr("builtins.open", refuse)


@pytest.fixture
def clips(tmp_path, monkeypatch):
    """A set prepared from a copy: arrays in a folder."""
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path))
    (tmp_path / "crema_d").mkdir()
    arrays = {"audio": np.zeros((9, 4), np.float32), "labels": np.arange(9) % 3}
    about = {}
    for name, values in arrays.items():
        file = tmp_path / "crema_d" / f"{name}.npy"
        np.save(file, values)
        about[name] = {"bytes": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    (tmp_path / "crema_d.json").write_text(json.dumps({"arrays": about, "classes": ["x", "y", "z"]}))
    return tmp_path


def load_clips(stream):
    stored = read_stored("crema_d")
    rows = {split: np.arange(9) for split in ("train", "valid", "test")}
    data = stored.data(rows, {"audio": View("audio")}, stored.column("labels"), ("x", "y", "z"), stream)
    return data.train.rows(torch.arange(3))


@pytest.mark.parametrize("why", [errno.EACCES, errno.EIO, errno.EPERM])
@pytest.mark.parametrize("name", ["demo.npz", "demo.json"])
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(folder, monkeypatch, name, why):
    refuse_reading(monkeypatch, name, why)
    words = f"{name} cannot be read .{os.strerror(why)}.: make it readable, or prepare the set again .* data_prep demo"
    with pytest.raises(DataDamaged, match=words):
        read_prepared("demo")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["audio.npy", "labels.npy", "crema_d.json"])
def test_a_file_of_clips_that_cannot_be_read_is_named_with_what_to_do(clips, monkeypatch, name, stream):
    refuse_reading(monkeypatch, name, errno.EACCES)
    with pytest.raises(DataDamaged, match=f"{name} cannot be read .Permission denied.: make it readable, or .*crema_d"):
        load_clips(stream)


@pytest.mark.parametrize("name", ["demo.npz", "demo.json"])
def test_a_folder_in_the_place_of_a_file_is_named(folder, name):
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(DataDamaged, match=f"{name} is not a file: remove it, and make the set again with .*demo"):
        read_prepared("demo")


@pytest.mark.parametrize("name", ["crema_d/audio.npy", "crema_d.json"])
def test_a_folder_in_the_place_of_a_file_of_clips_is_named(clips, name):
    (clips / name).unlink()
    (clips / name).mkdir()
    with pytest.raises(DataDamaged, match=f"{name} .*is not a file.*crema_d --raw FOLDER"):
        load_clips(False)


def test_a_folder_that_cannot_be_looked_into_is_named(folder, monkeypatch):
    def refuse(self, **_):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "stat", refuse)
    for read in (read_prepared, read_stored, is_prepared):
        with pytest.raises(DataDamaged, match="demo.json cannot be read .Permission denied.: make it readable"):
            read("demo")


def test_a_manifest_without_end_is_damaged(folder):
    (folder / "demo.json").write_text("[" * 10**5)
    with pytest.raises(DataDamaged, match="demo.json is damaged .it is not JSON"):
        read_prepared("demo")


@pytest.mark.parametrize("name", ["demo.npz", "demo.json"])
def test_the_command_line_says_so_too_and_names_no_results_folder(folder, monkeypatch, capsys, name):
    os.rename(folder / "demo.npz", folder / "emoji.npz")
    os.rename(folder / "demo.json", folder / "emoji.json")
    refuse_reading(monkeypatch, name.replace("demo", "emoji"), errno.EACCES)
    monkeypatch.setattr(command, "_parser", lambda: Loads())
    assert command.main([]) == 2
    said = capsys.readouterr().err
    assert "make it readable, or prepare the set again with  python -m data_prep emoji" in said
    assert "results folder" not in said and said.count("\n") == 1


class Loads:
    """A command line of one command, which loads emoji."""

    results = None

    def parse_args(self, _):
        return self

    def run(self, _):
        read_prepared("emoji")
