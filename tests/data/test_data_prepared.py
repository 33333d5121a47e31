"""Reading prepared files: missing, truncated and altered ones are named with the command that mends them."""

import hashlib
import io
import json

import numpy as np
import pytest

from mmlib.data import DataDamaged, DataNotPrepared, load
from mmlib.data.prepared import read_prepared
from mmlib.sealed import sealed


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
