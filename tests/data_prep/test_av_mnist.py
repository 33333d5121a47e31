"""av_mnist from a tiny copy of the release: what comes out, and what is refused by name."""

import pickle
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent))
from raw_folders_arrays import make_av_mnist  # noqa: E402

from data_prep import __main__ as command  # noqa: E402
from data_prep.errors import PreparationError  # noqa: E402
from data_prep.sets import av_mnist  # noqa: E402
from mmlib.data.storage.stored import read_stored  # noqa: E402


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def prepared(raw):
    return command.main(["av_mnist", "--raw", str(raw), "--jobs", "1"])


def test_every_row_comes_out_in_its_place(tmp_path, data, monkeypatch):
    monkeypatch.setattr(av_mnist, "ROWS", 10)  # parts of 10, 10 and 4 rows of train, 8 of test
    raw = make_av_mnist(tmp_path / "raw")
    assert prepared(raw) == 0
    stored = read_stored("av_mnist")
    assert stored.column("split").tolist() == [0] * 24 + [2] * 8
    assert stored.column("labels").tolist() == [*(i % 10 for i in range(24)), *range(8)]
    for m, shape in (("image", (32, 1, 28, 28)), ("audio", (32, 1, 112, 112))):
        whole = np.concatenate([np.load(raw / m / f"{split}_data.npy") for split in ("train", "test")])
        assert np.array_equal(stored.column(m), whole.reshape(shape)) and stored.column(m).dtype == np.uint8
    assert stored.manifest["classes"] == list("0123456789") and stored.manifest["rows"] == 32


@pytest.mark.parametrize(
    ("values", "kind"),
    [(7.0, "uint8"), (255.0, "uint8"), (7.5, "float32"), (256.0, "float32"), (-1.0, "float32")],
)
def test_whole_numbers_from_0_to_255_are_kept_as_bytes(tmp_path, values, kind):
    test_data = np.full((8, 784), 3.0)
    test_data[-1, -1] = values
    layout = av_mnist.layout(make_av_mnist(tmp_path, dtype="float64", image__test_data=test_data))
    parts = [av_mnist.convert(part) for part in layout.parts]
    assert {str(rows["image"].dtype) for rows in parts} == {kind}, "the same in all parts, those of train too"
    assert {str(rows["audio"].dtype) for rows in parts} == {"uint8"}
    assert parts[-1]["image"][-1].flatten()[-1] == values


def test_labels_may_stand_in_a_column(tmp_path):
    layout = av_mnist.layout(make_av_mnist(tmp_path, test_labels=np.arange(8.0)[:, None]))
    assert av_mnist.convert(layout.parts[-1])["labels"].tolist() == list(range(8))


def test_a_folder_of_its_own_and_an_archive_of_it_are_found(tmp_path, data):
    raw = make_av_mnist(tmp_path / "outer" / "avmnist")
    assert av_mnist.layout(raw.parent).parts[0].files[0].parent == raw / "image"
    with tarfile.open(tmp_path / "avmnist.tar.gz", "w:gz") as archive:
        archive.add(raw, "avmnist")
    assert prepared(tmp_path / "avmnist.tar.gz") == 0
    assert read_stored("av_mnist").manifest["rows"] == 32
    assert not [f.name for f in tmp_path.iterdir() if f.name.startswith(".")], "the unpacked copy is removed"


LABELS = np.arange(24) % 10
WRONG = {
    "missing image": ({"image__train_data": None}, "image/train_data.npy is missing"),
    "missing audio": ({"audio__test_data": None}, "audio/test_data.npy is missing"),
    "missing labels": ({"train_labels": None}, "train_labels.npy is missing"),
    "no npy": ({"image__train_data": b"hello"}, "image/train_data.npy is not a whole npy file"),
    "empty file": ({"image__train_data": b""}, "image/train_data.npy is not a whole npy file"),
    "a pickle": ({"image__train_data": pickle.dumps(np.zeros(3))}, "image/train_data.npy is not a whole npy file"),
    "objects": ({"image__train_data": np.array([{}], dtype=object)}, "image/train_data.npy is not a whole npy file"),
    "texts": ({"train_labels": np.array(["a"] * 24)}, "train_labels.npy is not an npy file of numbers"),
    "pixels": ({"image__train_data": np.zeros((24, 700), "u1")}, "image/train_data.npy holds an array [24, 700]"),
    "rows": ({"audio__train_data": np.zeros((23, 112, 112), "u1")}, "audio/train_data.npy holds an array [23, 112,"),
    "swapped axes": ({"image__train_data": np.zeros((784, 24), "u1")}, "image/train_data.npy holds an array [784, 24]"),
    "no rows": ({"test_labels": np.zeros(0, int), "image__test_data": np.zeros((0, 784))}, "image/test_data.npy holds"),
    "label 10": ({"train_labels": np.where(LABELS == 3, 10, LABELS)}, "train_labels.npy has the label 10 in row 3"),
    "label -1": ({"train_labels": LABELS - 1}, "train_labels.npy has the label -1 in row 0"),
    "label 2.5": ({"train_labels": LABELS + 0.5}, "train_labels.npy has the label 0.5 in row 0"),
    "two labels": ({"train_labels": np.stack([LABELS, LABELS], 1)}, "train_labels.npy has the label 0, 0 in row 0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_and_nothing_is_written(tmp_path, data, capsys, name):
    changes, says = WRONG[name]
    assert prepared(make_av_mnist(tmp_path / "raw", **changes)) == 1
    error = capsys.readouterr().err
    assert says in error and len(error.splitlines()) == 1
    assert not [f for f in data.glob("*") if f.name != ".av_mnist.lock"]


def test_a_truncated_file_is_named(tmp_path):
    file = make_av_mnist(tmp_path) / "audio" / "train_data.npy"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(PreparationError, match=r"audio/train_data\.npy is not a whole npy file"):
        av_mnist.layout(tmp_path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_named_and_nothing_is_written(tmp_path, data, capsys, bad):
    values = np.zeros((24, 112, 112), np.float32)
    values[5, 3, 3] = bad
    assert prepared(make_av_mnist(tmp_path / "raw", audio__train_data=values)) == 1
    assert "audio/train_data.npy holds NaN or infinite values in train rows 0 to 23" in capsys.readouterr().err
    assert not [f for f in data.glob("*") if f.name != ".av_mnist.lock"]


def test_a_folder_with_the_archive_only_says_to_pass_that(tmp_path):
    with tarfile.open(tmp_path / "avmnist.tar.gz", "w:gz"):
        pass
    with pytest.raises(PreparationError, match=r"image is missing: .* --raw .*avmnist\.tar\.gz"):
        av_mnist.layout(tmp_path)
