"""Preparing from a user's copy: order, skipping, going on after a kill, and that nothing half-made stays."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from data_prep import __main__ as command
from data_prep import manifest as manifests
from data_prep import reach
from data_prep.errors import PreparationError
from data_prep.release import manifest as raw_manifest
from data_prep.release import prepare as raw_prepare
from data_prep.release import rows as row_files
from data_prep.release.layout import Layout, Part, Undecodable, raw_set
from mmlib.data.storage.manifest import DataDamaged, DataNotPrepared
from mmlib.data.storage.stored import read_stored
from mmlib.records.sealed import opened


class Toy:
    """A set of files with one number each: NAME.txt, whose row is that number; "bad" cannot be read."""

    def __init__(self, skips):
        self.SKIPS = skips
        self.read = []
        self.more = {}

    def layout(self, raw):
        files = sorted(raw.glob("*.txt"))
        parts = tuple(Part(f.name, (f,), {"label": 0}) for f in files)
        return Layout(parts, ("x",), about={"note": "toy"}, **self.more)

    def convert(self, part):
        self.read.append(part.name)
        text = part.files[0].read_text()
        if text == "bad":
            raise Undecodable(f"{part.name}: it holds no number.")
        return {"value": np.full((1, 2), float(text), np.float32), "labels": np.array([part.about["label"]])}


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """toy(texts, skips): writes the files and puts the set in the place of crema_d; returns it and the raw folder."""
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    raw = tmp_path / "raw"
    raw.mkdir()

    def make(texts=("1", "2", "3"), skips=True):
        for i, text in enumerate(texts):
            (raw / f"{i}.txt").write_text(text)
        made = Toy(skips)
        monkeypatch.setattr(raw_prepare, "raw_set", lambda name: made)
        return made, raw

    return make


def prepared(raw, jobs="1"):
    return command.main(["crema_d", "--raw", str(raw), "--jobs", jobs])


def left(tmp_path):
    """What lies in the data folder beside the lock."""
    return sorted(f.name for f in (tmp_path / "data").glob("*") if f.name != ".crema_d.lock")


def stopping(convert, name):
    """A conversion that is interrupted when it comes to the part ``name``."""

    def stopped(part):
        if part.name == name:
            raise KeyboardInterrupt
        return convert(part)

    return stopped


def test_rows_are_in_order_and_the_manifest_says_what_they_are(toy, tmp_path, capsys):
    _, raw = toy()
    assert prepared(raw) == 0
    stored = read_stored("crema_d")
    assert stored.column("value").tolist() == [[1, 1], [2, 2], [3, 3]]
    manifest = opened(json.loads((tmp_path / "data" / "crema_d.json").read_text()))
    assert manifest["arrays"]["value"]["shape"] == [3, 2] and manifest["arrays"]["value"]["dtype"] == "float32"
    assert (manifest["rows"], manifest["classes"], manifest["note"]) == (3, ["x"], "toy")
    assert manifest["skipped"] == {"count": 0, "parts": []}
    assert {"licence", "credit", "split", "source"} <= set(manifest)
    assert left(tmp_path) == ["crema_d", "crema_d.json"]
    assert "wrote 3 rows" in capsys.readouterr().out


def test_a_second_call_converts_nothing_and_other_files_everything(toy, capsys):
    made, raw = toy()
    prepared(raw)
    assert prepared(raw) == 0 and made.read == ["0.txt", "1.txt", "2.txt"]
    assert "nothing to do" in capsys.readouterr().out
    (raw / "3.txt").write_text("44")
    assert prepared(raw) == 0 and len(made.read) == 7
    assert read_stored("crema_d").column("value")[:, 0].tolist() == [1, 2, 3, 44]


def test_what_cannot_be_read_is_left_out_named_and_counted(toy, capsys):
    _, raw = toy(("1", "bad", "3", "nan"))
    assert prepared(raw) == 0
    stored = read_stored("crema_d")
    assert stored.column("value")[:, 0].tolist() == [1, 3]
    skipped = stored.manifest["skipped"]
    assert skipped["count"] == 2 and [p["part"] for p in skipped["parts"]] == ["1.txt", "3.txt"]
    assert "holds no number" in skipped["parts"][0]["why"] and "NaN" in skipped["parts"][1]["why"]
    out = capsys.readouterr().out
    assert "skipped: 1.txt: it holds no number" in out and out.endswith("crema_d.json: 2 unreadable\n")


def test_missing_files_are_counted_too_or_refused(toy, tmp_path, capsys):
    made, raw = toy()
    made.more = {"missing": ((raw / "9.txt", "the list names it"),), "left_out": (("8", "it is in two splits"),)}
    assert prepared(raw) == 0
    assert read_stored("crema_d").manifest["skipped"] == {
        "count": 2,
        "parts": [
            {"part": "9.txt", "kind": "missing", "why": "the list names it"},
            {"part": "8", "kind": "left out", "why": "it is in two splits"},
        ],
    }
    out = capsys.readouterr().out
    assert f"1 files are missing and are done without, the first: {raw / '9.txt'} (the list names it)" in out
    assert "1 parts are left out, the first: 8 (it is in two splits)" in out
    assert out.endswith("listed in crema_d.json: 1 missing, 1 left out\n")
    made.SKIPS = False
    (tmp_path / "data" / "crema_d.json").unlink()
    assert prepared(raw) == 1
    assert f"{raw / '9.txt'} is missing: the list names it." in capsys.readouterr().err


@pytest.mark.parametrize("texts", [("1", "bad"), ("1", "nan")])
def test_where_nothing_may_be_left_out_the_first_bad_file_ends_it(toy, tmp_path, capsys, texts):
    _, raw = toy(texts, skips=False)
    assert prepared(raw) == 1
    assert "1.txt" in capsys.readouterr().err
    assert left(tmp_path) == []
    with pytest.raises(DataNotPrepared, match="--raw FOLDER"):
        read_stored("crema_d")


def test_a_folder_of_bad_files_is_refused(toy, tmp_path, capsys):
    _, raw = toy(("bad", "bad"))
    assert prepared(raw) == 1
    assert "none of the 2 parts can be read" in capsys.readouterr().err and left(tmp_path) == []


def test_rows_that_do_not_fit_to_the_first_are_refused(toy, monkeypatch, tmp_path, capsys):
    made, raw = toy()
    short = made.convert

    def convert(part):
        rows = short(part)
        return rows if part.name != "2.txt" else rows | {"value": rows["value"][:, :1]}

    made.convert = convert
    assert prepared(raw) == 1
    error = capsys.readouterr().err
    assert "2.txt has the arrays value float32 [1]" in error and "before it value float32 [2]" in error
    assert left(tmp_path) == []


def test_a_full_disk_names_the_place_and_leaves_nothing(toy, monkeypatch, tmp_path, capsys):
    _, raw = toy()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(row_files.RowFiles, "add", full)
    assert prepared(raw) == 1
    error = capsys.readouterr().err
    assert "No space left on device" in error and str(tmp_path / "data" / "crema_d") in error
    assert "MMLIB_DATA" in error and left(tmp_path) == []


def test_a_disk_that_is_too_small_is_told_after_the_first_part(toy, monkeypatch, tmp_path, capsys):
    made, raw = toy()
    monkeypatch.setattr(raw_prepare.shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    assert prepared(raw) == 1
    assert "GB more are needed" in capsys.readouterr().err and left(tmp_path) == [] and made.read == ["0.txt"]


def test_a_stopped_preparation_goes_on_where_it_was(toy, tmp_path, capsys):
    made, raw = toy(("1", "bad", "3", "4", "5"))
    whole, work = made.convert, tmp_path / "data" / ".crema_d.partial"
    for last in ("2.txt", "3.txt"):
        made.convert = stopping(whole, last)
        with pytest.raises(KeyboardInterrupt):
            prepared(raw)
        with pytest.raises(DataNotPrepared):
            read_stored("crema_d")
        with (work / "value.npy").open("ab") as file:
            file.write(b"?" * 1001)  # rows that were written and not noted, the last one not to its end
        with (work / "journal.jsonl").open("a") as file:
            file.write('{"part": "3.t')
    made.convert, made.read = whole, []
    assert prepared(raw) == 0 and made.read == ["3.txt", "4.txt"]
    assert "going on after 3 parts" in capsys.readouterr().out
    stored = read_stored("crema_d")
    assert stored.column("value")[:, 0].tolist() == [1, 3, 4, 5] and stored.manifest["skipped"]["count"] == 1
    assert stored.manifest["arrays"]["value"]["bytes"] == 128 + 4 * 8


def test_a_stopped_preparation_of_other_files_starts_anew(toy, tmp_path):
    made, raw = toy()
    files = row_files.RowFiles(tmp_path / "data" / ".crema_d.partial", "another plan")
    files.add("0.txt", {"value": np.ones((1, 2), np.float32), "labels": np.array([0])})
    files.close()
    assert prepared(raw) == 0 and made.read == ["0.txt", "1.txt", "2.txt"]


def test_rows_lost_from_a_file_start_it_anew(toy, tmp_path):
    made, raw = toy()
    layout = made.layout(raw)
    plan = raw_manifest.plan_of("crema_d", raw_manifest.source_of(layout, raw), layout, raw, None)
    files = row_files.RowFiles(tmp_path / "data" / ".crema_d.partial", plan)
    files.add("0.txt", made.convert(layout.parts[0]))
    files.close()
    (tmp_path / "data" / ".crema_d.partial" / "value.npy").write_bytes(b"")
    made.read = []
    assert prepared(raw) == 0 and made.read == ["0.txt", "1.txt", "2.txt"]


@pytest.mark.parametrize("file", ["crema_d/value.npy", "crema_d.json", "crema_d/labels.npy"])
def test_damage_is_named_and_mended(toy, tmp_path, file):
    made, raw = toy()
    prepared(raw)
    (tmp_path / "data" / file).write_bytes(b"broken")
    with pytest.raises(DataDamaged, match=f"{file} is damaged.*make it again with"):
        read_stored("crema_d")
    assert prepared(raw) == 0 and len(made.read) == 6
    read_stored("crema_d")


def test_a_flipped_byte_is_seen_when_the_array_is_read(toy, tmp_path):
    made, raw = toy()
    prepared(raw)
    file = tmp_path / "data" / "crema_d" / "value.npy"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataDamaged, match="value.npy is damaged .its sha256 is"):
        read_stored("crema_d").column("value")
    assert prepared(raw) == 0 and len(made.read) == 6, "the command that the message names mends it"
    read_stored("crema_d").column("value")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["crema_d"], "name its folder, as in  python -m data_prep crema_d --raw"),
        (["uci_digits", "--raw", "{raw}"], "--raw goes with one of av_mnist"),
        (["crema_d", "ave", "--raw", "{raw}"], "got crema_d ave"),
        (["crema_d", "--raw", "/nowhere"], "/nowhere, which is not there"),
        (["crema_d", "--raw", "{raw}", "--jobs", "0"], "--jobs must be at least 1"),
        (["emoji", "--jobs", "2"], "--jobs goes with --raw"),
        (["crema"], "Did you mean 'crema_d'"),
    ],
)
def test_wrong_commands_are_one_sentence_and_code_2(toy, capsys, arguments, words):
    _, raw = toy()
    assert command.main([a.replace("{raw}", str(raw)) for a in arguments]) == 2
    error = capsys.readouterr().err
    assert words in error and len(error.splitlines()) == 1


def test_other_content_of_the_same_size_is_prepared_anew(toy):
    made, raw = toy()
    prepared(raw)
    before = (raw / "1.txt").stat()
    (raw / "1.txt").write_text("7")
    os.utime(raw / "1.txt", ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert prepared(raw) == 0 and len(made.read) == 6
    assert read_stored("crema_d").column("value")[:, 0].tolist() == [1, 7, 3]


def test_other_code_does_not_go_on_with_the_rows_of_this_one(toy, monkeypatch):
    made, raw = toy()
    whole, made.convert = made.convert, stopping(made.convert, "2.txt")
    with pytest.raises(KeyboardInterrupt):
        prepared(raw)
    made.convert, made.read = whole, []
    monkeypatch.setattr(raw_manifest, "code_of", lambda *_: "another version")
    assert prepared(raw) == 0 and made.read == ["0.txt", "1.txt", "2.txt"]


@pytest.mark.parametrize(
    ("module", "line", "read"),
    [
        ("data_prep.sets.emoji", "CHANGED = 1", 3),
        ("data_prep.sets.crema_d", "# a comment", 3),
        ("data_prep.sets.crema_d", "CHANGED = 1", 6),
        ("data_prep.decode.video", "CHANGED = 1", 6),
        ("data_prep.release.rows", "CHANGED = 1", 6),
    ],
)
def test_a_changed_converter_converts_its_own_set_again_and_no_other(toy, monkeypatch, module, line, read):
    made, raw = toy()
    prepared(raw)
    on_disk = reach.source_of
    monkeypatch.setattr(
        reach, "source_of", lambda m: on_disk(m) + f"\n{line}\n".encode() if m == module else on_disk(m)
    )
    assert prepared(raw) == 0 and len(made.read) == read


def test_the_same_release_elsewhere_and_later_has_the_same_manifest(toy, tmp_path):
    made, raw = toy(("1", "bad", "3"))
    made.more = {"missing": ((raw / "9.txt", "the list names it"),)}
    prepared(raw)
    first = (tmp_path / "data" / "crema_d.json").read_bytes()
    moved = raw.rename(tmp_path / "moved")
    os.utime(moved / "0.txt", (1, 1))
    made.more = {"missing": ((moved / "9.txt", "the list names it"),)}
    assert prepared(moved) == 0
    again = (tmp_path / "data" / "crema_d.json").read_bytes()
    assert again == first


@pytest.mark.parametrize("where", ["data/crema_d", "data/crema_d/deeper"])
def test_the_release_is_never_where_the_prepared_set_goes(toy, tmp_path, capsys, where):
    _, raw = toy()
    (tmp_path / where).parent.mkdir(parents=True, exist_ok=True)
    inside = raw.rename(tmp_path / where)
    assert prepared(inside) == 1
    assert "cannot be the release too" in capsys.readouterr().err
    assert sorted(f.name for f in inside.iterdir()) == ["0.txt", "1.txt", "2.txt"]


def test_a_folder_of_somebody_else_is_left_alone(toy, tmp_path, capsys):
    _, raw = toy()
    (tmp_path / "data" / "crema_d").mkdir(parents=True)
    (tmp_path / "data" / "crema_d" / "thesis.txt").write_text("mine")
    assert prepared(raw) == 1
    assert "thesis.txt" in capsys.readouterr().err
    assert (tmp_path / "data" / "crema_d" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("failing", ["gone", "not allowed"])
def test_a_disk_that_goes_away_skips_nothing(toy, tmp_path, capsys, failing):
    """A decoder calls a file that it cannot open damaged; it is looked at again before it is left out."""
    made, raw = toy()
    whole = made.convert

    def convert(part):
        if part.name == "1.txt" and failing == "gone":
            part.files[0].rename(tmp_path / "away")
            raise Undecodable("1.txt: invalid data.")
        if part.name == "1.txt":
            raise PermissionError(errno.EACCES, "Permission denied", str(part.files[0]))
        return whole(part)

    made.convert = convert
    assert prepared(raw) == 1
    error = capsys.readouterr().err
    assert str(raw / "1.txt") in error and "is kept: mend this and run the same command again" in error
    (tmp_path / "away").rename(raw / "1.txt") if failing == "gone" else None
    made.convert, made.read = whole, []
    assert prepared(raw) == 0 and made.read == ["1.txt", "2.txt"]


def test_what_a_decoder_raises_on_a_strange_file_names_that_file(toy):
    made, raw = toy()
    whole = made.convert

    def convert(part):
        if part.name == "1.txt":
            raise ValueError("Frame does not match")
        return whole(part)

    made.convert = convert
    assert prepared(raw) == 0
    [skipped] = read_stored("crema_d").manifest["skipped"]["parts"]
    assert skipped["part"] == "1.txt" and "Frame does not match" in skipped["why"]


def test_when_nothing_can_be_read_it_ends_early(toy, monkeypatch, capsys):
    made, raw = toy(("bad",) * 9)
    monkeypatch.setattr(raw_prepare, "ENOUGH", 4)
    assert prepared(raw) == 1 and len(made.read) == 4
    assert "none of the first 4 parts can be read; the last one" in capsys.readouterr().err


def test_stopped_while_hashes_are_computed_it_has_only_these_left_to_do(toy, monkeypatch):
    made, raw = toy()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(row_files, "sha256_of", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        prepared(raw)
    made.read = []
    assert prepared(raw) == 0 and made.read == []
    assert read_stored("crema_d").column("value")[:, 0].tolist() == [1, 2, 3]


def test_stopped_before_the_manifest_it_counts_as_not_prepared_and_goes_on(toy, monkeypatch, tmp_path):
    made, raw = toy()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(manifests, "write_json", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        prepared(raw)
    with pytest.raises(DataNotPrepared):
        read_stored("crema_d")
    made.read = []
    assert prepared(raw) == 0 and made.read == [] and left(tmp_path) == ["crema_d", "crema_d.json"]
    assert sorted(f.name for f in (tmp_path / "data" / "crema_d").iterdir()) == ["labels.npy", "plan", "value.npy"]


def test_stopped_before_its_manifest_a_set_is_not_vouched_for_by_the_one_before(toy, monkeypatch):
    made, raw = toy()
    prepared(raw)
    (raw / "3.txt").write_text("44")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(manifests, "write_json", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        prepared(raw)
    with pytest.raises(DataNotPrepared):
        read_stored("crema_d")
    made.read = []
    assert prepared(raw) == 0 and made.read == []
    assert read_stored("crema_d").column("value")[:, 0].tolist() == [1, 2, 3, 44]


def test_a_folder_for_data_that_cannot_be_made_is_one_sentence(toy, monkeypatch, tmp_path, capsys):
    _, raw = toy()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "file" / "data"))
    assert prepared(raw) == 1
    error = capsys.readouterr().err
    assert "choose another folder with MMLIB_DATA" in error and len(error.splitlines()) == 1


def test_an_archive_is_unpacked_and_prepared_and_nothing_of_it_stays(toy, tmp_path, capsys):
    made, raw = toy()
    archive = shutil.make_archive(str(tmp_path / "release"), "gztar", tmp_path, "raw")
    assert prepared(archive) == 0 and prepared(archive) == 0 and len(made.read) == 3
    assert left(tmp_path) == ["crema_d", "crema_d.json"]
    assert read_stored("crema_d").column("value")[:, 0].tolist() == [1, 2, 3]


DIES = """
import os
import numpy as np

def convert(part):
    if part.name == "2":
        os._exit(1)
    return {"labels": np.array([int(part.name)])}
"""


def test_a_part_that_kills_its_process_is_left_out_and_the_others_are_kept(tmp_path, monkeypatch):
    (tmp_path / "dying_set.py").write_text(DIES)
    code = (
        "if __name__ == '__main__':\n"
        "    from pathlib import Path\n"
        "    import dying_set\n"
        "    from data_prep.release.convert import converted\n"
        "    from data_prep.release.layout import Part, Undecodable\n"
        "    for part, found in converted(dying_set.convert, [Part(str(i), (Path(__file__),)) for i in range(6)], 2):\n"
        "        print(part.name, found if isinstance(found, Undecodable) else found['labels'].tolist())\n"
    )
    (tmp_path / "start.py").write_text(code)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "start.py")],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{os.getcwd()}"}, capture_output=True, text=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines == ["0 [0]", "1 [1]", "2 2: the process that reads it dies.", "3 [3]", "4 [4]", "5 [5]"], done.stderr


SLOW = """
import time
from data_prep.release.layout import Layout, Part
import numpy as np

def layout(raw):
    return Layout(tuple(Part(f.name, (f,)) for f in sorted(raw.glob("*.txt"))), ("x",))

def convert(part):
    time.sleep(0.05)
    return {"value": np.full((1, 1000), float(part.files[0].read_text()), np.float32), "labels": np.array([0])}

SKIPS = False
"""


def test_killed_at_any_time_it_ends_with_the_same_arrays(tmp_path):
    """A real process, killed with -9 again and again, in two converting processes."""
    raw, code = tmp_path / "raw", tmp_path / "code"
    raw.mkdir(), code.mkdir()
    for i in range(30):
        (raw / f"{i:02}.txt").write_text(str(i))
    (code / "slow_set.py").write_text(SLOW)
    start = (
        "import sys, importlib\n"
        "if __name__ == '__main__':\n"
        "    from data_prep.release import prepare\n"
        "    import slow_set\n"
        "    from pathlib import Path\n"
        "    prepare.raw_set = lambda name: slow_set\n"
        f"    prepare.prepare_raw('crema_d', Path({str(raw)!r}), 2, print)\n"
    )
    (code / "start.py").write_text(start)
    environment = os.environ | {"MMLIB_DATA": str(tmp_path / "data"), "PYTHONPATH": f"{code}:{os.getcwd()}"}
    kills = 0
    for _ in range(20):
        process = subprocess.Popen([sys.executable, str(code / "start.py")], env=environment, start_new_session=True)
        journal = tmp_path / "data" / ".crema_d.partial" / "journal.jsonl"
        before = journal.read_text().count("\n") if journal.is_file() else 0
        while process.poll() is None and kills < 2:
            if journal.is_file() and journal.read_text().count("\n") > before + 5:
                os.killpg(process.pid, signal.SIGKILL)
                kills += 1
            time.sleep(0.01)
        if process.wait() == 0:
            break
    assert kills == 2 and process.returncode == 0
    values = np.load(tmp_path / "data" / "crema_d" / "value.npy")
    assert values.shape == (30, 1000) and (values == np.arange(30)[:, None]).all()


def test_the_modules_of_all_sets_have_what_a_preparation_calls():
    from mmlib.records.catalogue import RAW

    for name in RAW:
        module = raw_set(name)
        assert isinstance(module.SKIPS, bool) and callable(module.layout) and callable(module.convert)


def test_an_unreadable_layout_is_an_error_of_preparation(toy, capsys):
    made, raw = toy()

    def layout(_):
        raise PreparationError("expected AudioWAV, got nothing.")

    made.layout = layout
    assert prepared(raw) == 1
    assert capsys.readouterr().err == "crema_d: expected AudioWAV, got nothing.\n"
