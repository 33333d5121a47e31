"""A paper's data set that is not there: skipped, with the command that prepares it."""

PAPER = """\
from mmlib.data.synthetic import RECIPE, load

CARD = {
    "origin": "fetched",
    "modalities": "a, b",
    "size": "any",
    "licence": "MIT",
    "credit": "a paper",
    "split": "by the seed",
}
"""


def test_a_notebook_whose_data_are_not_here_is_skipped_and_named(suite):
    (suite.root / "mmlib" / "data" / "paper.py").write_text(PAPER)
    notebook = suite.root / "notebooks" / "11_two.ipynb"
    notebook.write_text(notebook.read_text().replace('data=\\"synthetic\\"', 'data=\\"paper\\"'))
    code, printed, _ = suite.make()
    assert code == 0, printed
    assert "notebooks: 1 done, 0 from cache, 0 failed, 1 skipped" in printed
    assert "runs: 2 done, 0 from cache, 0 failed, 2 skipped" in printed
    assert "skipped: 11_two needs paper: python -m data_prep paper" in printed
    assert "figures: 1 of 2 are there" in printed
    assert set(suite.executed()) == {"10_one"}
    code, printed, _ = suite.make()
    assert code == 0 and "Nothing to be done" in printed
    assert "skipped: 11_two needs paper: python -m data_prep paper" in printed
    for kind in ("npz", "json"):
        (suite.data / f"paper.{kind}").touch()
    code, printed, _ = suite.make()
    assert code == 0 and set(suite.executed()) == {"10_one", "11_two"}, printed
