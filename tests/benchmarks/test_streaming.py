"""The streaming benchmark runs and measures what it says, on a set of a few megabytes; speed itself is not tested."""

import json
import sys
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent


@pytest.fixture
def streaming(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    threads = torch.get_num_threads()
    import streaming

    yield streaming
    torch.set_num_threads(threads)


def test_memory_is_that_of_the_whole_family_of_processes(streaming):
    child = "import time; x = bytearray(300_000_000); time.sleep(.4)"
    parent = f"import subprocess, sys; x = bytearray(200_000_000); subprocess.run([sys.executable, '-c', '{child}'])"
    measured = streaming.most_resident([sys.executable, "-c", parent])
    assert 0.5 < measured["most_resident_gb"] <= measured["most_rss_sum_gb"] < 0.65 and measured["seconds"] > 0.4


def test_a_failing_command_is_no_measurement(streaming):
    with pytest.raises(SystemExit, match="ended with 3"):
        streaming.most_resident([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_small_set_is_trained_and_measured(streaming, tmp_path, capsys):
    streaming.main(["memory", "--gigabytes", "0.02", "--folder", str(tmp_path), "--threads", "1"])
    measured = json.loads(capsys.readouterr().out)
    assert measured["set_gb"] == pytest.approx(0.02, rel=0.01) and 0.1 < measured["most_resident_gb"] < 2
    assert list(tmp_path.iterdir()) == []


def test_both_ways_are_timed(streaming, tmp_path, capsys):
    streaming.main(["speed", "--rows", "200", "--rounds", "2", "--folder", str(tmp_path), "--threads", "1"])
    measured = json.loads(capsys.readouterr().out)
    assert measured["ratio_low"] <= measured["ratio"] <= measured["ratio_high"]
    assert 0 < measured["streamed_rows_per_s"] < 50 * measured["memory_rows_per_s"]
