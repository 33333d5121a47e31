"""The ten lines of 24_your_own_data, out of the notebook, on a folder of six speakers."""

import ast

import nbformat
import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image

from mmlib import paths

SPEAKERS, ROWS = 6, 4


@pytest.fixture(scope="module")
def cells() -> dict[str, str]:
    """The notebook's code cells: the parameters, the set-up, and the function."""
    cells = nbformat.read(paths.NOTEBOOKS / "24_your_own_data.ipynb", as_version=4).cells
    tagged = {tag: cell.source for cell in cells for tag in cell.metadata.get("tags", [])}
    [function] = [cell.source for cell in cells if cell.source.startswith("def own_data")]
    return {"parameters": tagged["parameters"], "setup": tagged["setup"], "function": function.split("\n\n\n")[0]}


@pytest.fixture
def own_data(cells):
    """The function itself."""
    space: dict[str, object] = {}
    for source in cells.values():
        exec(source, space)
    return space["own_data"]


@pytest.fixture
def folder(tmp_path):
    """Four rows of each speaker, whose pictures are all of one grey that no other speaker has."""
    rows = []
    for speaker in range(SPEAKERS):
        for row in range(ROWS):
            name = f"{speaker}{row}"
            Image.fromarray(np.full((4, 3), 40 * speaker, np.uint8)).save(tmp_path / f"{name}.png")
            soundfile.write(tmp_path / f"{name}.wav", np.sin(np.arange(2000.0) * (row + 1) / 20), 16_000)
            rows.append([f"{name}.png", f"{name}.wav", "yes" if row % 2 else "no", f"speaker{speaker}"])
    pd.DataFrame(rows, columns=["picture", "sound", "label", "speaker"]).to_csv(tmp_path / "table.csv", index=False)
    return tmp_path


def greys(data) -> dict[str, set[float]]:
    """What the pictures of each split are filled with: who is in it."""
    return {name: set(split.inputs["picture"][:, 0, 0, 0].tolist()) for name, split in data.splits.items()}


def test_they_are_ten(cells):
    [function] = ast.parse(cells["function"]).body
    assert len(function.body) == 10 and len(cells["function"].splitlines()) == 11


def test_no_speaker_is_in_two_splits(own_data, folder):
    for seed in range(5):
        data = own_data(folder, seed=seed)
        train, valid, test = greys(data).values()
        assert (len(train), len(valid), len(test)) == (3, 1, 2) and len(train | valid | test) == SPEAKERS
        assert sum(len(split) for split in data.splits.values()) == SPEAKERS * ROWS
        assert data.classes == ("no", "yes") and data.modalities == ("picture", "sound")


def test_the_wrong_split_puts_speakers_into_several(own_data, folder):
    train, _, test = greys(own_data(folder, group="picture")).values()
    assert train & test


def test_both_modalities_are_standardised_by_the_training_rows(own_data, folder):
    for values in own_data(folder).train.inputs.values():
        assert abs(float(values.mean())) < 1e-4 and 0.3 < float(values.std(correction=0)) < 1.0001
