"""The three pickles of MultiBench from tiny copies: what comes out, and what is refused by name."""

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parent))
from raw_folders_arrays import FILES, SPLITS, WIDTHS, affect_split, make_affect  # noqa: E402

from data_prep import __main__ as command  # noqa: E402
from data_prep.errors import PreparationError  # noqa: E402
from data_prep.sets import _multibench as multibench
from data_prep.sets import cmu_mosei, cmu_mosi, ur_funny  # noqa: E402
from data_prep.sets._multibench_splits import group_of  # noqa: E402
from mmlib.data.storage.stored import read_stored  # noqa: E402
from mmlib.records.files import sha256_of  # noqa: E402

MODULES = {"cmu_mosi": cmu_mosi, "cmu_mosei": cmu_mosei, "ur_funny": ur_funny}


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def prepared(name, raw):
    return command.main([name, "--raw", str(raw), "--jobs", "1"])


def converted(name, folder, **splits):
    """All rows, part by part, without the files of the preparation."""
    module = MODULES[name]
    parts = [module.convert(part) for part in module.layout(make_affect(folder, name, **splits)).parts]
    return {key: np.concatenate([rows[key] for rows in parts]) for key in parts[0]}


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_every_row_comes_out_in_its_place(tmp_path, data, name, protocol, monkeypatch):
    monkeypatch.setattr(multibench, "ROWS", 4)  # two parts a split
    raw = make_affect(tmp_path / "raw", name, protocol)
    assert prepared(name, raw) == 0
    stored = read_stored(name)
    splits = [affect_split(name, split) for split in SPLITS]
    assert stored.column("split").tolist() == [0] * 6 + [1] * 6 + [2] * 6
    assert np.array_equal(stored.column("labels"), np.concatenate([split["labels"].reshape(-1) for split in splits]))
    assert stored.column("has_text").tolist() == [1] * 18
    for m, width in WIDTHS[name].items():
        whole = np.concatenate([split[m] for split in splits]).astype(np.float32)
        if name == "ur_funny":
            whole = np.stack([np.roll(row, -(45 - i % 6), axis=0) for i, row in enumerate(whole)])
        assert whole.shape == (18, 50, width) and np.array_equal(stored.column(m), whole)
    assert stored.manifest["opened"] == {"file": FILES[name], "sha256": sha256_of(raw / FILES[name])}


@pytest.mark.parametrize("name", MODULES)
def test_rows_of_one_video_have_one_number_which_is_in_one_split_only(tmp_path, name):
    rows = converted(name, tmp_path)
    of = {split: set(rows["group"][rows["split"] == split].tolist()) for split in range(3)}
    assert all(of[a].isdisjoint(of[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    numbers = rows["group"][:6].tolist()
    assert len(set(numbers)) == 6 if name == "ur_funny" else numbers == [3, 3, 4, 4, 5, 5]


@pytest.mark.parametrize(
    ("entry", "group"),
    [
        ("abc[12]", "abc"), ("abc_12", "abc"), ("a_3b_12", "a_3b"), (b"a-b_1[x]", "a-b_1"), (np.array([7]), "7"),
        (np.array(["v_1", "0.1", "2.5"]), "v_1"), ([b"v", b"1", b"2"], "v"), (17, "17"), ("03bSnISJMiM", "03bSnISJMiM"),
        (("v[1]",), "v"),
    ],
)  # fmt: skip
def test_the_video_is_read_from_every_form_of_id(entry, group):
    assert group_of(entry) == group


IDS = {
    "texts of objects": lambda s: np.array([f"{s}{i // 2}[{i}]" for i in range(6)], dtype=object),
    "bytes": lambda s: np.array([f"{s}{i // 2}_{i}".encode() for i in range(6)]),
    "columns": lambda s: np.array([[f"{s}{i // 2}", "0.0", str(i)] for i in range(6)]),
    "a list": lambda s: [f"{s}{i // 2}_{i}" for i in range(6)],
}


@pytest.mark.parametrize("form", IDS)
def test_ids_of_every_form_are_taken(tmp_path, form):
    splits = {split: affect_split("cmu_mosi", split, id=IDS[form](split)) for split in SPLITS}
    assert converted("cmu_mosi", tmp_path, **splits)["group"][:6].tolist() == [3, 3, 4, 4, 5, 5]


@pytest.mark.parametrize("name", MODULES)
def test_a_video_in_two_splits_is_refused_and_named(tmp_path, name):
    split = affect_split(name, "test")
    split["id"] = [*split["id"][:2], affect_split(name, "train")["id"][4], *split["id"][3:]]
    with pytest.raises(PreparationError, match=rf"{FILES[name]}: '(4|train_video2)' is in 'train' and in 'test'"):
        converted(name, tmp_path, test=split)


def test_silence_becomes_0_in_audio_as_in_multibench(tmp_path):
    split = affect_split("cmu_mosi", "valid")
    split["audio"][2, 48, 3] = -np.inf
    rows = converted("cmu_mosi", tmp_path, valid=split)
    assert rows["audio"][8, 48, 3] == 0 and np.isfinite(rows["audio"]).all()
    split["audio"][2, 48, 3] = 0
    assert np.array_equal(rows["audio"][6:12], split["audio"].astype(np.float32)), "and nothing else changes"


NOT_FINITE = [("vision", -np.inf), ("audio", np.inf), ("audio", np.nan), ("text", np.nan), ("vision", 1e300)]


@pytest.mark.parametrize(("modality", "value"), NOT_FINITE)
def test_other_values_that_are_no_numbers_are_named_and_nothing_is_written(tmp_path, data, capsys, modality, value):
    split = affect_split("cmu_mosi", "test")
    split[modality][4, 49, 0] = value
    assert prepared("cmu_mosi", make_affect(tmp_path / "raw", "cmu_mosi", test=split)) == 1
    error = capsys.readouterr().err
    assert f"mosi_data.pkl: {modality} of row 4 of 'test' holds NaN or infinite values" in error
    assert [f.name for f in data.iterdir()] == [".cmu_mosi.lock"]


def test_leading_steps_without_text_are_cut_in_ur_funny_only(tmp_path):
    split = affect_split("ur_funny", "train")
    split["text"][:, :] = 0
    split["text"][0, 10] = 1
    split["text"][1, 0] = 1
    for m in ("vision", "audio"):
        split[m][:] = np.arange(50)[None, :, None]
    rows = converted("ur_funny", tmp_path, train=split)
    assert rows["vision"][0, :, 0].tolist() == [*range(10, 50), *[0] * 10]
    assert rows["audio"][1, :, 0].tolist() == rows["audio"][2, :, 0].tolist() == [*range(50)]
    assert rows["text"][0, 0].tolist() == [1] * 300 and not rows["text"][0, 1:].any()
    assert rows["has_text"][:6].tolist() == [1, 1, 0, 0, 0, 0]


def test_sequences_of_ur_funny_are_cut_or_padded_to_50_steps():
    values = np.arange(1, 61, dtype=np.float32)[None, :, None].repeat(2, 0)
    found = multibench.trimmed(values, np.array([5, 20]))[:, :, 0]
    assert found[0].tolist() == [*range(6, 56)] and found[1].tolist() == [*range(21, 61), *[0] * 10]


def changed(name, split, **changes):
    """The splits of ``name`` with one changed."""
    return {split: affect_split(name, split, **changes)}


def wrong_copies():
    """what is wrong -> (name, splits, what the message says)."""
    mosi, funny = "cmu_mosi", "ur_funny"
    texts, wide = affect_split(mosi, "train")["text"], np.zeros((6, 50, 768))
    labels = affect_split(mosi, "test")["labels"].copy()
    labels[2] = 3.5
    return {
        "no valid": (mosi, {"valid": None}, "holds no 'valid' but 'train', 'test'"),
        "no split but a list": (mosi, {"valid": [1, 2]}, "the split 'valid' holds no 'vision' but a list"),
        "no audio": (mosi, changed(mosi, "test", audio=None), "the split 'test' holds no 'audio' but 'vision', 'text'"),
        "no labels": (mosi, changed(mosi, "test", labels=None), "the split 'test' holds no 'labels'"),
        "no ids": (mosi, changed(mosi, "test", id=None), "the split 'test' holds no 'id'"),
        "wide text": (mosi, changed(mosi, "train", text=wide), "text of float64 [6, 50, 768]: expected 300 features"),
        "vision": (mosi, changed(mosi, "train", vision=wide), "vision of float64 [6, 50, 768]: expected 20 or 35"),
        "two axes": (mosi, changed(mosi, "train", text=texts[:, 0]), "text of float64 [6, 300]: expected [rows, steps"),
        "text of texts": (mosi, changed(mosi, "train", text=texts.astype("U3")), "text of <U3 [6, 50, 300]"),
        "a list of rows": (mosi, changed(mosi, "train", text=[1.0, 2.0]), "text of type list"),
        "rows": (mosi, changed(mosi, "train", text=texts[:5]), "is not aligned"),
        "steps": (mosi, changed(mosi, "train", text=texts[:, :40]), "is not aligned"),
        "fewer steps": (mosi, changed(mosi, "train", steps=30), "rows of [30, 50] steps: expected 50"),
        "labels of 7": (mosi, changed(mosi, "train", labels=np.zeros((6, 7))), "labels of float64 [6, 7]"),
        "strong": (mosi, changed(mosi, "test", labels=labels), "label 3.5 in row 2: expected from -3 to 3"),
        "nan": (mosi, changed(mosi, "test", labels=np.full(6, np.nan)), "the label nan in row 0"),
        "label 2": (funny, changed(funny, "valid", labels=np.full(6, 2)), "the label 2 in row 0: expected 0 to 1"),
        "label -1": (funny, changed(funny, "valid", labels=np.full(6, -1)), "the label -1 in row 0: expected 0 to 1"),
        "ids": (mosi, changed(mosi, "train", id=np.array(["a"])), "has 1 ids and 6 rows"),
    }


@pytest.mark.parametrize("wrong", wrong_copies())
def test_what_is_wrong_is_named_and_nothing_is_written(tmp_path, data, capsys, wrong):
    name, splits, says = wrong_copies()[wrong]
    assert prepared(name, make_affect(tmp_path / "raw", name, **splits)) == 1
    error = capsys.readouterr().err
    assert says in error and str(tmp_path / "raw" / FILES[name]) in error and len(error.splitlines()) == 1
    assert not list(data.glob("[!.]*")) and not list(data.glob("*.partial"))


class Attack:
    """Unpickling this makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", MODULES)
def test_a_malicious_copy_runs_nothing_and_is_named(tmp_path, data, capsys, name):
    touched = tmp_path / "touched"
    raw = make_affect(tmp_path / "raw", name, valid=affect_split(name, "valid", extra=Attack(touched)))
    assert prepared(name, raw) == 1
    error = capsys.readouterr().err
    assert f"{raw / FILES[name]} was not opened" in error and "asks for" in error
    assert not touched.exists() and not list(data.glob("[!.]*"))
    pickle.loads((raw / FILES[name]).read_bytes())
    assert touched.exists(), "the attack works on an ordinary unpickler"


@pytest.mark.parametrize("name", MODULES)
def test_a_truncated_copy_is_named(tmp_path, data, capsys, name):
    file = make_affect(tmp_path / "raw", name) / FILES[name]
    file.write_bytes(file.read_bytes()[:-300_000])
    assert prepared(name, tmp_path / "raw") == 1
    assert f"{file} was not opened" in capsys.readouterr().err


@pytest.mark.parametrize("name", MODULES)
def test_a_missing_file_is_named_with_what_is_expected(tmp_path, name):
    (tmp_path / "copy.tar.gz").touch()
    with pytest.raises(PreparationError) as caught:
        MODULES[name].layout(tmp_path)
    message = str(caught.value)
    assert all(file in message for file in MODULES[name].RELEASE.files) and "is missing" in message
    assert message.endswith(f"pass that,  --raw {tmp_path / 'copy.tar.gz'}")


def test_a_folder_deeper_is_found_and_two_copies_are_refused(tmp_path):
    make_affect(tmp_path / "mosi", "cmu_mosi")
    assert len(cmu_mosi.layout(tmp_path).parts) == 3
    (tmp_path / "mosi" / "mosi_raw.pkl").write_bytes(b"x")
    with pytest.raises(PreparationError, match=r"holds mosi/mosi_raw\.pkl and mosi/mosi_data\.pkl: give after --raw"):
        cmu_mosi.layout(tmp_path)


def test_a_changed_file_of_equal_size_is_prepared_anew(tmp_path, data, capsys):
    raw = make_affect(tmp_path / "raw", "cmu_mosi")
    assert prepared("cmu_mosi", raw) == 0 and prepared("cmu_mosi", raw) == 0
    assert "nothing to do" in capsys.readouterr().out
    file = raw / FILES["cmu_mosi"]
    content = bytearray(file.read_bytes())
    place = content.rindex(affect_split("cmu_mosi", "test")["text"][0, 49, 100:].tobytes())
    content[place : place + 8] = np.float64(0.5).tobytes()
    file.write_bytes(content)
    assert prepared("cmu_mosi", raw) == 0
    assert "made again" in capsys.readouterr().out
    assert read_stored("cmu_mosi").column("text")[12, 49, 100] == 0.5
