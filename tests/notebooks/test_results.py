import json

import numpy as np
import pandas as pd
import pytest

from mmlib.notebooks.results import write_results
from mmlib.records.files import sha256_of
from mmlib.records.sealed import opened, read_exactly

TABLE = pd.DataFrame({"method": ["joint", "agm"], "value": [0.9, 0.95]})


@pytest.fixture(autouse=True)
def results(tmp_path, monkeypatch):
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path))
    monkeypatch.setenv("MMLIB_OUTPUTS", str(tmp_path))  # no notebook runs here
    return tmp_path / "notebooks" / "12_agm"


def test_metrics_parameters_and_table_are_written(results):
    write_results("12_agm", {"acc": {"joint": np.float32(0.5)}, "n": np.int64(3)}, TABLE, {"views": ("fac", "kar")})
    content = json.loads((results / "metrics.json").read_text())
    assert content["metrics"] == {"acc": {"joint": 0.5}, "n": 3}
    assert content["parameters"] == {"views": ["fac", "kar"]}
    assert "torch" in content["provenance"]["versions"]
    pd.testing.assert_frame_equal(pd.read_csv(results / "table.csv"), TABLE)


@pytest.mark.parametrize(
    ("metrics", "table", "message"),
    [
        ({"acc": {"joint": float("nan")}}, TABLE, r"metrics\['acc'\]\['joint'\] is nan"),
        ({"acc": [1.0, float("inf")]}, TABLE, r"metrics\['acc'\]\[1\] is inf"),
        ({"acc": np.zeros(2)}, TABLE, r"metrics\['acc'\] must be a number.*got ndarray"),
        ({3: 1.0}, TABLE, "keys of metrics must be texts"),
        ({"acc": 1.0}, TABLE.assign(value=[0.9, np.nan]), "nan in column 'value', row 1"),
        ({"acc": 1.0}, TABLE.iloc[:0], "no rows"),
    ],
)
def test_what_is_no_result_is_refused_and_nothing_is_written(results, metrics, table, message):
    with pytest.raises((ValueError, TypeError), match=message):
        write_results("12_agm", metrics, table, {})
    assert not results.exists()


def test_a_name_with_a_folder_is_refused():
    with pytest.raises(ValueError, match="notebook must be a name of letters, digits, _ and -"):
        write_results("../12_agm", {"acc": 1.0}, TABLE, {})


def test_no_old_metrics_vouch_for_a_table_that_could_not_be_written(results, monkeypatch):
    write_results("12_agm", {"acc": 1.0}, TABLE, {})

    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_results("12_agm", {"acc": 2.0}, TABLE, {})
    assert [file.name for file in results.iterdir()] == ["table.csv"]


def test_metrics_carry_the_hash_of_the_table_and_of_themselves(results):
    write_results("12_agm", {"acc": 1.0}, TABLE, {})
    content = opened(read_exactly(results / "metrics.json"))
    assert content["table_sha256"] == sha256_of(results / "table.csv")
    assert sorted(content) == ["metrics", "notebook", "parameters", "provenance", "table_sha256"]


def test_results_go_to_the_folder_of_the_outputs(results, tmp_path, monkeypatch):
    outputs = tmp_path / "variants" / "12_agm-0"
    monkeypatch.setenv("MMLIB_OUTPUTS", str(outputs))
    write_results("12_agm", {"acc": 1.0}, TABLE, {})
    assert (outputs / "notebooks" / "12_agm" / "table.csv").is_file() and not results.exists()
