"""A preparation that is killed (kill -9) leaves no process behind, and nobody who holds the caller's pipe."""

import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 10
SPEAKS = """
    from data_prep.decode.speech import Take, speak_all
    if __name__ == "__main__":
        takes = [[Take("seven", "en-us", "f2", 50, 50, 175)] * 200] * 10_000
        for spoken in speak_all(takes):
            print("speaks", flush=True)
"""
CONVERTS = """
    import time
    from data_prep.release.convert import converted
    from data_prep.release.layout import Part

    def slow(part):
        print("converts", flush=True)
        time.sleep(60)

    if __name__ == "__main__":
        list(converted(slow, [Part(f"{i}", (), {}) for i in range(4)], jobs=2))
"""
STREAMS = """
    import time
    import numpy as np
    import torch
    from mmlib.data.storage.mapped import MappedRows, View
    from mmlib.data.storage.streaming import streamed_batches
    from pathlib import Path

    np.save("rows.npy", np.zeros((4096, 8), np.float32))
    rows = MappedRows(Path("rows.npy"), "0", View("rows"), torch.arange(4096))
    batches = streamed_batches({"a": rows}, torch.zeros(4096).long(), torch.arange(4096).split(16))
    for _ in batches:
        print("streams", flush=True)
        time.sleep(0.5)
"""


def children_of(pid):
    """Process numbers of all that ``pid`` started, and of those that these started."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found = {pid}
    for _ in parents:
        found |= {child for child, parent in parents if parent in found}
    return found - {pid}


def lives(pid):
    """Whether it runs: a zombie does not, which stays where nobody collects it (as in a container)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def closes(pipe, seconds):
    """Whether nobody holds the other end of ``pipe`` after so many seconds, whatever is in it until then."""
    end = time.monotonic() + seconds
    while select.select([pipe], [], [], max(0, end - time.monotonic()))[0]:
        if not os.read(pipe.fileno(), 1 << 16):
            return True
    return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc, as Linux has it")
@pytest.mark.parametrize("program", [SPEAKS, CONVERTS, STREAMS], ids=["speech", "decoding", "reading ahead"])
def test_the_processes_end_with_the_one_that_started_them(tmp_path, program):
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent(program))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(file)], stdout=subprocess.PIPE, cwd=tmp_path, env=environment
    ) as started:
        assert started.stdout.readline()
        children = children_of(started.pid)
        assert children and all(map(lives, children))
        os.kill(started.pid, signal.SIGKILL)
        try:
            assert closes(started.stdout, SECONDS)
            end = time.monotonic() + SECONDS
            while any(map(lives, children)):
                assert time.monotonic() < end
                time.sleep(0.05)
        finally:
            for child in filter(lives, children):
                os.kill(child, signal.SIGKILL)
