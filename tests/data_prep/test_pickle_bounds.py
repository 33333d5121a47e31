"""Small pickles that would take for ever, or all memory: each is refused, or opened, within seconds."""

import pickle
import struct
import subprocess
import sys
import time

import numpy as np
import pytest

from data_prep.errors import PreparationError
from data_prep.unpack._plain_values import DEEPEST, MOST
from data_prep.unpack.pickles import open_pickle

SECONDS = 10
OPEN = """
import resource, sys
from pathlib import Path
from data_prep.unpack.pickles import open_pickle, read_pickled_npy
from data_prep.errors import PreparationError
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
content = Path(sys.argv[1]).read_bytes()
header = b"\\x93NUMPY\\x01\\x00v\\x00" + b"{'descr': '|O', 'fortran_order': False, 'shape': (), }".ljust(117) + b"\\n"
for open_it in (lambda: open_pickle(Path(sys.argv[1])), lambda: read_pickled_npy(header + content, "x.npy")):
    try:
        open_it()
    except PreparationError as error:
        print(error)
"""


def shared(step, levels=28, first=b"K\x01"):
    """``levels`` containers, each with the one before it in two places: some hundred bytes, 2^levels entries."""
    body = b"".join(step(b"h" + bytes([i])) + b"q" + bytes([i + 1]) + b"0" for i in range(levels))
    return b"\x80\x02" + first + b"q\x000" + body + b"h" + bytes([levels])


def tuples(ref):
    return ref + ref + b"\x86"


KINDS = {
    "tuples": tuples,
    "lists": lambda ref: b"]" + b"(" + ref + ref + b"e",
    "dicts": lambda ref: b"}" + b"(K\x01" + ref + b"K\x02" + ref + b"u",
    "one list after another": lambda ref: b"(" + ref + ref + b"l",
    "one dict after another": lambda ref: b"(K\x01" + ref + b"K\x02" + ref + b"d",
}
DAG = shared(tuples)
ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
OBJECTS = (
    b"cnumpy\ndtype\nX\x01\x00\x00\x00OK\x00K\x01\x87R(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
)


def texts_again_and_again(count=50_000):
    """A text of a megabyte that is encoded ``count`` times."""
    text = b"X" + struct.pack("<I", 10**6) + bytes([65]) * 10**6
    call = b"c_codecs\nencode\n" + text + b"X\x06\x00\x00\x00latin1\x86q\x010q\x000"
    return b"\x80\x02](" + call + b"h\x00h\x01R" * count + b"e."


def lists_again_and_again(count=50_000):
    """A list of 20,000 entries that ``count`` arrays take as theirs."""
    entries = b"](" + b"N" * 20_000 + b"e"
    state = b"(K\x01M\x20\x4e\x85" + OBJECTS + b"\x89" + entries + b"tq\x050"
    return b"\x80\x03" + state + b"](" + (ARRAY + b"h\x05b") * count + b"e."


BOMBS = {
    **{kind: (shared(step) + b".", "unfolds to more than") for kind, step in KINDS.items()},
    "objects of arrays": (
        b"\x80\x03" + DAG[2:] + b"q\xf0" + ARRAY + b"(K\x01K\x01\x85" + OBJECTS + b"\x89](h\xf0etb.",
        "unfolds to more than",
    ),
    "tuples as a key": (DAG + b"q\xf00}h\xf0K\x01s.", "a dict with a tuple as a key"),
    "tuples as keys": (DAG + b"q\xf00}(h\xf0K\x01u.", "a dict with a tuple as a key"),
    "tuples as keys of an old dict": (DAG + b"q\xf00(h\xf0K\x01d.", "a dict with a tuple as a key"),
    "tuples in a set": (b"\x80\x04" + DAG[2:] + b"q\xf00\x8f(h\xf0\x90.", "it holds a set"),
    "tuples in a frozen set": (b"\x80\x04" + DAG[2:] + b"q\xf00(h\xf0\x91.", "it holds a set"),
    "tuples as a dtype": (DAG + b"q\xf00cnumpy\ndtype\nh\xf0\x85R.", "the dtype '<tuple>'"),
    "tuples as a codec": (DAG + b"q\xf00c_codecs\nencode\nX\x01\x00\x00\x00ah\xf0\x86R.", "the codec '<tuple>'"),
    "tuples as a shape": (DAG + b"q\xf00" + ARRAY.replace(b"C", b"U") + b"(K\x01h\xf0NNNtb.", "without shape or dtype"),
    "tuples as a name": (b"\x80\x04" + DAG[2:] + b"q\xf0h\xf0\x93.", "requires str"),
    "deep": (b"\x80\x02)" + b"\x85" * 10**6 + b".", f"nested more than {DEEPEST} deep"),
    "deep lists": (b"\x80\x02" + b"]" * 10**5 + b"a" * (10**5 - 1) + b".", f"nested more than {DEEPEST} deep"),
    "lists that hold each other": (b"\x80\x02]q\x00]q\x01h\x00ah\x01a.", "it holds itself"),
    "a dict that holds itself": (b"\x80\x02}q\x00K\x01h\x00s.", "it holds itself"),
    "a place far out in the memo": (b"\x80\x02Nr\xff\xff\xff\x7f.", ""),
    "a number of a million digits": (b"\x80\x02\x8b" + struct.pack("<i", 10**6) + b"\x01" * 10**6 + b".", "255 bytes"),
    "a shape of many long numbers": (
        b"\x80\x03" + ARRAY + b"(K\x01(" + (b"\x8a\xfe" + b"\x01" * 254) * 20_000 + b"t" + OBJECTS + b"\x89C\x00tb.",
        "without shape or dtype",
    ),
    "texts again and again": (texts_again_and_again(), "the same texts or lists again and again"),
    "lists again and again": (lists_again_and_again(), "the same texts or lists again and again"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_takes_little_time_and_memory(tmp_path, name):
    content, says = BOMBS[name]
    file = tmp_path / "x.pkl"
    file.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(file)], capture_output=True, text=True, timeout=SECONDS, check=True
    )
    if says:
        assert done.stdout.count("was not opened") == done.stdout.count(says) == 2, done.stdout


def test_the_smallest_bomb_is_some_hundred_bytes_and_28_deep():
    assert len(BOMBS["tuples"][0]) < 300
    value, depth = pickle.loads(BOMBS["tuples"][0]), 0
    while value != 1:
        value, depth = value[0], depth + 1
    assert depth == 28


def test_what_is_shared_moderately_is_opened_and_stays_shared(tmp_path):
    file = tmp_path / "x.pkl"
    file.write_bytes(shared(tuples, levels=12) + b".")
    value = open_pickle(file)
    assert value[0] is value[1] and value[0][0] is value[1][1]
    entries = ["a", 1.5]
    file.write_bytes(pickle.dumps({"x": entries, "y": entries, "z": [np.arange(3)] * 3}))
    found = open_pickle(file)
    assert found["x"] is found["y"] == entries and found["z"][0] is found["z"][2]


def test_lists_as_deep_as_a_release_could_have_them_are_opened(tmp_path):
    file = tmp_path / "x.pkl"
    file.write_bytes(b"\x80\x02)" + b"\x85" * (DEEPEST - 1) + b".")
    open_pickle(file)
    file.write_bytes(b"\x80\x02)" + b"\x85" * (DEEPEST + 1) + b".")
    with pytest.raises(PreparationError, match="nested more than"):
        open_pickle(file)


def test_a_long_list_is_opened_quickly(tmp_path):
    file = tmp_path / "x.pkl"
    values = [f"video[{i}]" for i in range(200_000)]
    file.write_bytes(pickle.dumps({"id": values}))
    start = time.perf_counter()
    assert open_pickle(file)["id"] == values and len(values) < MOST
    assert time.perf_counter() - start < SECONDS
