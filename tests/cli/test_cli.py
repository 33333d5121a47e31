"""The command line: exit codes and sentences."""

import pytest

from mmlib.__main__ import main
from mmlib.records.origin.parameters import parse_parameters


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    import nbformat
    from nbformat import v4

    from mmlib.notebooks.clean import KERNEL

    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path / "results"))
    source = 'views = ["a"]\nname = "x"\nprofile = default()\nalpha: float = 1.5  # alpha >= 0'
    cell = v4.new_code_cell(source, metadata={"tags": ["parameters"]})
    nbformat.write(v4.new_notebook(cells=[cell], metadata={"kernelspec": KERNEL}), tmp_path / "toy {1}.ipynb")
    return tmp_path / "toy {1}.ipynb"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("views", '["fac", "kar"]', ["fac", "kar"]),
        ("views", "['fac', 'kar']", ["fac", "kar"]),
        ("alpha", "2", 2),
        ("alpha", "1e-3", 0.001),
        ("alpha", "true", True),
        ("alpha", "None", None),
        ("alpha", "null", None),
        ("name", "3", "3"),
        ("name", "true", "true"),
        ("profile", "smoke", "smoke"),
    ],
)
def test_texts_become_values_and_texts_stay_texts(notebook, key, text, value):
    parsed = parse_parameters(notebook, {key: text})[key]
    assert parsed == value and type(parsed) is type(value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "alhpa", "2"], "'alhpa': expected one of views, name, profile, alpha. Did you mean 'alpha'?"),
        (["-p", "alpha", "2", "-p", "alpha", "3"], "given twice"),
        (["-p", "alpha", "{1, 2}"], "parameters['alpha'] must be"),
    ],
)
def test_a_wrong_request_is_one_sentence_and_code_2(notebook, capsys, arguments, message):
    assert main(["notebook", str(notebook), *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_an_unknown_notebook_is_one_sentence_and_code_2(capsys):
    assert main(["notebook", "99_nothing"]) == 2
    assert "unknown notebook '99_nothing'" in capsys.readouterr().err


def test_a_failing_notebook_is_code_1(notebook, capsys):
    assert main(["notebook", str(notebook), "-p", "alpha", "2"]) == 1
    error = capsys.readouterr().err
    assert "NameError" in error and "Traceback" not in error


def test_results_go_where_the_option_says_whatever_the_environment_says(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MMLIB_RESULTS", str(tmp_path / "elsewhere"))
    assert main(["--results", str(tmp_path / "here"), "summary"]) == 2
    told = capsys.readouterr().err
    assert f"{tmp_path}/here/plan.json is missing" in told and "python -m mmlib plan" in told


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    for command in ("batch", "notebook", "plan", "refresh", "run", "site", "summary", "trace", "verify"):
        assert f"\n    {command} " in told
