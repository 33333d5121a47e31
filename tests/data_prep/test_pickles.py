"""Pickles of others: arrays come out as they went in, and nothing else comes in."""

import ast
import codecs
import io
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from data_prep.errors import PreparationError
from data_prep.unpack._skipping_file import LARGE, SkippingFile
from data_prep.unpack.pickles import open_pickle, read_pickled_npy

ROOT = Path(__file__).resolve().parents[2]
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def contents():
    draw = np.random.default_rng(0)
    large = draw.normal(size=(300, 50, 20))
    return {
        "large": large, "columns first": np.asfortranarray(large), "float32": large[:2].astype(np.float32),
        "big end first": np.arange(5).astype(">i4"), "text": np.array(["a[1]", "bb[2]"]), "bytes": np.array([b"x"]),
        "truth": np.array([True, False]), "empty": np.zeros((0, 3)), "scalar": np.array(3.5), "plain": [1, 2.5, "é"],
    }  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_come_out_as_they_went_in(tmp_path, protocol):
    file = tmp_path / "x.pkl"
    file.write_bytes(pickle.dumps(contents(), protocol=protocol))
    found = open_pickle(file)
    assert list(found) == list(contents()) and found["plain"] == [1, 2.5, "é"]
    for name, values in contents().items():
        if name != "plain":
            assert np.array_equal(found[name], values) and found[name].dtype == values.dtype, name


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_large_arrays_stay_in_the_file(tmp_path, protocol):
    file = tmp_path / "x.pkl"
    file.write_bytes(pickle.dumps(contents(), protocol=protocol))
    found = open_pickle(file)
    mapped = [name for name, values in found.items() if isinstance(values, np.memmap)]
    assert mapped == ["large", "columns first"]
    assert found["columns first"].flags.f_contiguous


def test_objects_of_an_array_are_looked_at_too(tmp_path):
    file = tmp_path / "x.pkl"
    values = np.array(["a", 3, None, np.float64(2.5), b"c", [np.arange(3)]], dtype=object)
    file.write_bytes(pickle.dumps(values))
    *plain, (array,) = open_pickle(file)
    assert plain == ["a", 3, None, 2.5, b"c"] and array.tolist() == [0, 1, 2]


@pytest.mark.parametrize("values", [np.array(["", ""]), np.array([b"", b""]), np.array([], dtype=str)])
def test_empty_texts_have_one_letter_of_room_and_are_read(tmp_path, values):
    file = tmp_path / "x.pkl"
    file.write_bytes(pickle.dumps(values))
    assert np.array_equal(open_pickle(file), values)


def test_what_python_2_wrote_can_be_read(tmp_path):
    # protocol 2 of Python 2 has byte strings where Python 3 has text: "U" is SHORT_BINSTRING
    raw = struct.pack("<2d", 1.5, -2.0)
    text = lambda value: b"U" + bytes([len(value)]) + value  # noqa: E731
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R(K\x01K\x02\x85"
        b"cnumpy\ndtype\n" + text(b"f8") + b"K\x00K\x01\x87R(K\x03" + text(b"<") + b"NNN" + 2 * b"J\xff\xff\xff\xff"
        + b"K\x00tb\x89" + text(raw) + b"tb"
    )  # fmt: skip
    file = tmp_path / "two.pkl"
    file.write_bytes(b"\x80\x02}" + text(b"x") + array + b"s.")
    assert open_pickle(file)["x"].tolist() == [1.5, -2.0]


class Runs:
    """Unpickling this calls ``function`` with ``arguments``."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class BadState:
    """Pickled as an array, with a state of its own."""

    def __init__(self, *state):
        self.state = state

    def __reduce__(self):
        return np.empty(0).__reduce__()[0], (np.ndarray, (0,), b"b"), self.state


class NamedDtype:
    """Pickled as the dtype of that code, whether numpy would write such a code or not."""

    def __init__(self, code):
        self.code = code

    def __reduce__(self):
        return np.dtype, (self.code, False, True)


def with_flags(code, flags):
    """A dtype whose pickled flags say something else than it is."""

    class Lies:
        def __reduce__(self):
            return np.dtype, (code, False, True), (3, "|", None, None, None, -1, -1, flags)

    return Lies()


def attacks(touched):
    """name -> (pickle, what the message says)."""
    bomb = codecs.encode(bytes(10**6), "zlib")
    pointers = BadState(1, (4,), with_flags("O8", 0), False, struct.pack("<4Q", 1, 2, 3, 4))
    objects = {
        "os.system": (Runs(__import__("os").system, f"touch {touched}"), "asks for posix.system"),
        "builtins.eval": (Runs(eval, f"open({str(touched)!r}, 'w')"), "asks for"),
        "builtins.exec": (Runs(exec, f"open({str(touched)!r}, 'w')"), "asks for"),
        "a class": (Runs(Path, str(touched)), "asks for pathlib.Path"),
        "getattr": (Runs(getattr, "text", "upper"), "getattr"),
        "numpy.load": (Runs(np.load, str(touched)), "asks for numpy.load"),
        "a zip bomb": (Runs(codecs.decode, bomb, "zlib"), "asks for _codecs.decode"),
        "another codec": (Runs(codecs.encode, "x", "zlib"), "the codec 'zlib'"),
        "inside an array": (np.array([Runs(eval, "1")], dtype=object), "asks for"),
        "inside a dict of arrays": ({"train": {"x": np.arange(3), "y": Runs(eval, "1")}}, "asks for"),
        "pointers for objects": (pointers, "an array [4] of object 32 bytes"),
        "fields with objects": (np.zeros(2, dtype=[("a", "O")]), "it holds the dtype 'V8'"),
        "too few bytes": (BadState(1, (1000,), np.dtype("f8"), False, bytes(16)), "[1000] of float64 16 bytes"),
        "a negative shape": (BadState(1, (-1, -2), np.dtype("f8"), False, bytes(16)), "without shape or dtype"),
        "too few objects": (BadState(1, (5,), np.dtype("O"), False, [1]), "[5] of object 1 objects"),
        "numbers for text": (BadState(1, (2,), np.dtype("f8"), False, [1, 2]), "[2] of float64 2 objects"),
        "dates": (np.array(["2020-01-01"], dtype="datetime64[D]"), "the dtype 'M8'"),
        "texts that take no bytes": (BadState(1, (10**8,), NamedDtype("U0"), False, b""), "the dtype 'U0'"),
        "bytes that take no bytes": (BadState(1, (10**8,), NamedDtype("S000"), False, b""), "the dtype 'S000'"),
        "a set": ({1, 2}, "it holds a set"),
        "an array of another class": (np.ma.masked_array([1, 2]), "asks for numpy.ma"),
    }
    made = {name: (pickle.dumps(value, protocol=4), says) for name, (value, says) in objects.items()}
    mold = b"\x80\x02cnumpy\ndtype\n"
    changes = "changes what it may only call"
    made["changing what it may call"] = (mold + b"}(K\x01K\x02ub.", changes)
    made["slots of what it may call"] = (mold + b"N}X\x05\x00\x00\x00_makeK\x01s\x86b.", changes)
    made["a class in the place of an instance"] = (mold + b")\x81.", "")
    made["an extension"] = (b"\x80\x02\x82\x01.", "unregistered extension code 1")
    made["a persistent id"] = (b"\x80\x02X\x01\x00\x00\x00aQ.", "persistent")
    made["itself"] = (b"\x80\x02]q\x00h\x00a.", "it holds itself")
    made["a length without end"] = (b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x.", "")
    made["a large text beside arrays"] = (pickle.dumps([np.arange(9), bytes(LARGE)]), "large texts beside its arrays")
    return made


def torch_files():
    kept = io.BytesIO()
    torch.save({"x": torch.zeros(2)}, kept)
    old = io.BytesIO()
    torch.save({"x": torch.zeros(2)}, old, _use_new_zipfile_serialization=False)
    return {"a torch file": (kept.getvalue(), ""), "an old torch file": (old.getvalue(), "goes on after")}


NAMES = [*attacks(Path("/x")), *torch_files()]


def as_npy(content):
    """The pickle in the place where an npy file of objects has one."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
    return file.getvalue() + content


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_malicious_pickle_runs(tmp_path, name):
    touched, file = tmp_path / "touched", tmp_path / "evil.pkl"
    content, says = (attacks(touched) | torch_files())[name]
    file.write_bytes(content)
    with pytest.raises(PreparationError) as caught:
        open_pickle(file)
    assert str(file) in str(caught.value) and says in str(caught.value)
    assert not touched.exists()
    if name not in ("a large text beside arrays", "an old torch file"):  # harmless, but not what a file should be
        with pytest.raises(PreparationError, match="evil.npy was not opened"):
            read_pickled_npy(as_npy(content), "evil.npy")
    assert not touched.exists()


def test_the_attacks_work_on_an_ordinary_unpickler(tmp_path):
    touched = tmp_path / "touched"
    for name in ("os.system", "builtins.eval", "builtins.exec"):
        pickle.loads(attacks(touched)[name][0])
        assert touched.exists(), name
        touched.unlink()
    assert len(pickle.loads(attacks(touched)["a zip bomb"][0])) == 10**6


@pytest.mark.parametrize("kept", [0, 1, 100, -70_000, -1])
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_truncated_pickle_is_named(tmp_path, kept, protocol):
    file = tmp_path / "cut.pkl"
    file.write_bytes(pickle.dumps({"x": np.zeros((100, 200))}, protocol=protocol)[:kept])
    with pytest.raises(PreparationError, match=r"cut\.pkl was not opened .*Is the file whole"):
        open_pickle(file)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"<html>", zlib.compress(b"x"), bytes(100)])
def test_what_is_no_pickle_is_named(tmp_path, content):
    file = tmp_path / "x.pkl"
    file.write_bytes(content)
    with pytest.raises(PreparationError, match=r"x\.pkl was not opened"):
        open_pickle(file)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PreparationError, match=r"gone\.pkl was not opened \(.*No such file"):
        open_pickle(tmp_path / "gone.pkl")


def test_a_length_that_the_file_only_claims_takes_no_memory(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    with (tmp_path / "x").open("rb") as file:
        skipping = SkippingFile(file)
        with pytest.raises(EOFError, match="ends within an array"):
            skipping.skip(LARGE)
        assert skipping.read(2**62) == b"abc"


def test_a_passed_over_payload_is_mapped_where_it_lies(tmp_path):
    file = tmp_path / "x.pkl"
    first, second = (np.arange(LARGE, dtype=np.uint8) * n for n in (1, 3))
    file.write_bytes(pickle.dumps({"a": first, "again": first, "b": [second, bytes(9)]}))
    found = open_pickle(file)
    assert np.array_equal(found["a"], first) and np.array_equal(found["b"][0], second) and found["b"][1] == bytes(9)
    assert found["again"] is found["a"] and isinstance(found["a"], np.memmap)


RISKY = {
    ("pickle", "load"), ("pickle", "loads"), ("pickle", "Unpickler"), ("torch", "load"), ("np", "load"),
    ("pd", "read_pickle"), ("joblib", "load"), ("shelve", "open"), ("marshal", "load"), ("marshal", "loads"),
}  # fmt: skip
SAFE = {("np", "load"): "allow_pickle", ("torch", "load"): "weights_only"}


def risky_calls(source):
    """(line, call) of everything in ``source`` that could open a pickle without a restriction."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module, node.names[0].name) in RISKY:
            yield node.lineno, node.module
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        called = (getattr(node.func.value, "id", ""), node.func.attr)
        said = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
        harmless = said.get(SAFE.get(called)) is (called == ("torch", "load"))
        if called in RISKY and not (called in SAFE and harmless):
            yield node.lineno, ".".join(called)


def test_no_pickle_is_opened_outside_the_restricted_unpickler():
    files = [file for package in ("mmlib", "data_prep") for file in (ROOT / package).rglob("*.py")]
    assert len(files) > 100
    found = [(str(file.relative_to(ROOT)), *call) for file in files for call in risky_calls(file.read_text())]
    assert found == []


@pytest.mark.parametrize(
    ("source", "risky"),
    [
        ("pickle.load(f)", True), ("pickle.loads(b)", True), ("from pickle import load", True), ("np.load(f)", True),
        ("np.load(f, allow_pickle=True)", True), ("np.load(f, allow_pickle=False)", False), ("torch.load(f)", True),
        ("torch.load(f, weights_only=False)", True), ("torch.load(f, weights_only=True)", False),
        ("json.load(f)", False),
    ],
)  # fmt: skip
def test_the_search_finds_what_it_should(source, risky):
    assert bool(list(risky_calls(source))) == risky
