"""The list of all data sets: complete, and right about what is here."""

import json

import numpy as np
import pytest

from data_prep.sources import SOURCES
from mmlib.__main__ import main
from mmlib.data import DATASETS
from mmlib.records.catalogue import CATALOGUE, FETCHED, MADE, OWN_COPY, PREPARED, RAW, command_for
from mmlib.records.files import write_json
from mmlib.records.sealed import sealed
from mmlib.runs.recipes import RECIPES


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path))
    return tmp_path


def state_of(name, printed):
    """The line that begins with the name."""
    [line] = [line for line in printed.splitlines() if line.startswith(f"{name}:")]
    return line


def test_every_set_can_be_loaded_prepared_and_trained():
    assert set(CATALOGUE) == set(DATASETS) == set(RECIPES)
    origins = {origin: {n for n, e in CATALOGUE.items() if e.origin == origin} for origin in (MADE, FETCHED, OWN_COPY)}
    assert origins[FETCHED] == set(SOURCES) and origins[OWN_COPY] == set(RAW)
    assert origins[FETCHED] | origins[OWN_COPY] == PREPARED
    assert set().union(*origins.values()) == set(CATALOGUE)


def test_all_sets_are_listed_with_what_one_wants_to_know(folder, capsys):
    assert main(["data"]) == 0
    printed = capsys.readouterr().out
    for name, entry in CATALOGUE.items():
        start = printed.index(f"{name}: ")
        block = printed[start : start + 900]
        assert all(text in block for text in (entry.modalities, entry.size, entry.licence, entry.credit, entry.split))
        assert state_of(name, printed) == f"{name}: {'made when asked for' if entry.origin == MADE else 'NOT PREPARED'}"
        assert (f'load("{name}")' if entry.origin == MADE else command_for(name)) in block


def test_what_is_prepared_is_said_with_its_size_and_what_was_left_out(folder, capsys):
    (folder / "ave").mkdir()
    np.save(folder / "ave" / "audio.npy", np.zeros(500_000))
    np.savez(folder / "emoji.npz", x=np.zeros(250_000))
    skipped = {"count": 1234, "parts": []}
    write_json(folder / "ave.json", sealed({"arrays": {}, "skipped": skipped}))
    write_json(folder / "emoji.json", sealed({"npz_sha256": "0" * 64}))
    assert main(["data", "ave", "emoji", "ucf101"]) == 0
    printed = capsys.readouterr().out
    assert state_of("ave", printed) == (
        f"ave: prepared, 4.0 MB in {folder / 'ave'}; 1,234 parts are not in it: see ave.json"
    )
    assert state_of("emoji", printed) == f"emoji: prepared, 2.0 MB in {folder / 'emoji.npz'}"
    assert state_of("ucf101", printed) == "ucf101: NOT PREPARED"
    assert "av_mnist" not in printed


@pytest.mark.parametrize("gone", ["ave.json", "ave"])
def test_half_of_a_set_is_not_prepared(folder, capsys, gone):
    (folder / "ave").mkdir()
    write_json(folder / "ave.json", sealed({"arrays": {}}))
    (folder / gone).rmdir() if gone == "ave" else (folder / gone).unlink()
    main(["data", "ave"])
    assert "ave: NOT PREPARED" in capsys.readouterr().out


def test_a_damaged_manifest_is_named(folder, capsys):
    (folder / "ave").mkdir()
    content = sealed({"arrays": {}})
    (folder / "ave.json").write_text(json.dumps(content | {"arrays": {"x": 1}}))
    assert main(["data", "ave"]) == 0
    assert "ave.json is damaged" in capsys.readouterr().out


def test_a_file_that_is_too_short_is_named(folder, capsys):
    (folder / "ave").mkdir()
    (folder / "ave" / "audio.npy").write_bytes(b"cut")
    write_json(folder / "ave.json", sealed({"arrays": {"audio": {"bytes": 4000}}}))
    assert main(["data", "ave"]) == 0
    assert "audio.npy is damaged (it has 3 bytes, the manifest says 4000)" in capsys.readouterr().out


def test_an_unknown_name_is_one_sentence_and_code_2(folder, capsys):
    assert main(["data", "emojy"]) == 2
    assert "Did you mean 'emoji'?" in capsys.readouterr().err
