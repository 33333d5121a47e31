import hashlib
import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.image import imread

from mmlib.figures import save as module
from mmlib.figures import save_figure

ENTRY = {"notebook": "12_agm", "answers": "none", "data": "synthetic", "caption": "Kappa", "alt": "A line that rises."}


def drawn():
    figure, axes = plt.subplots(figsize=(2, 2), facecolor="none")
    axes.plot([1, 2, 3])
    plt.close(figure)
    return figure


def save(id="agm_kappa", **changes):
    return save_figure(id, drawn(), **{"parameters": {"alpha": 1.5}, "seeds": [0, 1], "inputs": {}} | changes)


def test_three_files_and_the_record(listed, tmp_path):
    (tmp_path / "run.csv").write_bytes(b"1,2")
    png = save(inputs={"run": tmp_path / "run.csv", "spec": "0123abcd"})
    assert png == tmp_path / "figures" / "agm_kappa.png"
    record = json.loads(png.with_suffix(".json").read_text())
    pictures = {kind: hashlib.sha256(png.with_suffix(f".{kind}").read_bytes()).hexdigest() for kind in ("png", "svg")}
    assert record.pop("sha256") == pictures and len(record.pop("digest")) == 64
    assert record.pop("provenance")["versions"]["matplotlib"]
    inputs = {"run": hashlib.sha256(b"1,2").hexdigest(), "spec": "0123abcd"}
    assert record == {"id": "agm_kappa", **ENTRY, "parameters": {"alpha": 1.5}, "seeds": [0, 1], "inputs": inputs}
    assert sorted(file.name for file in png.parent.iterdir()) == ["agm_kappa.json", "agm_kappa.png", "agm_kappa.svg"]


def test_as_the_last_value_of_a_cell_it_shows_nothing(listed):
    saved = save()
    assert DisplayFormatter().format(saved) == ({}, {}) and saved.with_suffix(".svg").is_file()


def test_the_background_is_opaque_white_whatever_the_figure_says(listed):
    picture = imread(save())
    assert picture.shape[0] == 2 * module.DPI
    assert np.all(picture[0, 0] == 1.0) and (picture.shape[2] == 3 or np.all(picture[..., 3] == 1.0))


def test_the_same_figure_gives_the_same_bytes_and_holds_its_words(listed):
    first = save().with_suffix(".svg").read_bytes()
    assert save().with_suffix(".svg").read_bytes() == first
    assert ENTRY["alt"].encode() in first


def test_an_id_that_is_not_listed_is_refused(listed, tmp_path):
    with pytest.raises(ValueError, match="unknown figure .*'agm_kapa'.*Did you mean 'agm_kappa'"):
        save("agm_kapa")
    assert not (tmp_path / "figures").exists()


def test_figures_go_to_the_folder_of_the_outputs(listed, tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_OUTPUTS", str(tmp_path / "variants" / "12_agm-0"))
    assert save() == tmp_path / "variants" / "12_agm-0" / "figures" / "agm_kappa.png"
    assert not (tmp_path / "figures").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameters": {"x": np.zeros(2)}}, r"parameters\['x'\] must be"),
        ({"parameters": {"cap": float("inf")}}, r"parameters\['cap'\] is inf"),
        ({"inputs": {"run": "somewhere/else"}}, r"inputs\['run'\] must be a Path or a hash"),
    ],
)
def test_what_the_record_cannot_hold_is_refused(listed, tmp_path, changes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        save(**changes)
    assert not (tmp_path / "figures").exists()


def test_an_old_record_does_not_vouch_for_a_half_saved_figure(listed, monkeypatch):
    png = save()
    written = []

    def full_disk(path, write):
        written.append(path.suffix)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_atomically", full_disk)
    with pytest.raises(OSError, match="No space"):
        save()
    assert written == [".png"] and not png.with_suffix(".json").exists()
