"""trace: what made a figure, from its id or from one file of it, with and without the runs."""

import json
import shlex
import shutil
import subprocess
import sys

import matplotlib
import matplotlib.pyplot as plt
import nbformat
import pytest
import yaml
from nbformat import v4

from mmlib import paths
from mmlib.__main__ import main
from mmlib.audit.trace import trace
from mmlib.audit.trace_text import trace_lines
from mmlib.figures import save_figure
from mmlib.records.files import sha256_of, write_json
from mmlib.records.sealed import sealed

matplotlib.use("agg")
PLACE = {"notebook": "12_toy", "answers": "MCR, figure 4", "data": "synthetic, uci_digits"}
ENTRY = {**PLACE, "caption": "κ over time.", "alt": "A line."}
COMMIT = "c" * 40
PARAMETERS = {"alpha": 2.5, "views": ["fac", "kar"], "label": "a b", "epochs": 3, "drawn": "mean", "profile": "smoke"}


def put_run(results, hash, method, **options):
    data = {"data": "synthetic", "data_options": {"shared": 0.5}, "seeds": [0]}
    spec = {**data, "method": method, "method_options": options}
    made_by = {"commit": COMMIT, "dirty": False, "device": "cuda"}
    write_json(results / "runs" / hash / "metrics.json", {"spec": spec, "data": {"0": "d" * 64}, "provenance": made_by})
    return {f"runs/{hash}": sha256_of(results / "runs" / hash / "metrics.json")}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """One figure of a toy notebook, drawn from two runs."""
    results = tmp_path / "results"
    monkeypatch.setenv("MMLIB_RESULTS", str(results))
    monkeypatch.setenv("MMLIB_OUTPUTS", str(results))  # no notebook runs here
    monkeypatch.setenv("MMLIB_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    versions = {"mmlib": "0.1.0", "torch": "2.13.0"}
    machine = {"threads": 1, "device": "cpu", "platform": "Linux"}
    monkeypatch.setattr(
        "mmlib.figures.save.provenance", lambda: {"commit": COMMIT, "dirty": True, "versions": versions, **machine}
    )
    (tmp_path / "figures.yaml").write_text(yaml.safe_dump({"kappa": ENTRY, "later": ENTRY}))
    source = 'profile = default()\nalpha = 1.5\nviews = ["fac"]\nlabel = "x"\nepochs = 3'
    cell = v4.new_code_cell(source, metadata={"tags": ["parameters"]})
    nbformat.write(v4.new_notebook(cells=[cell]), tmp_path / "12_toy.ipynb")
    inputs = put_run(results, "a" * 16, "agm", alpha=1.5) | put_run(results, "b" * 16, "joint")
    figure = plt.figure(figsize=(1, 1))
    plt.close(figure)
    save_figure("kappa", figure, parameters=PARAMETERS, seeds=[0, 1], inputs=inputs)
    return results


def test_the_lines_tell_all_of_it(results, capsys):
    assert main(["trace", "kappa"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in (
        "kappa κ over time. answers MCR, figure 4 notebook notebooks/12_toy.ipynb",
        'parameters alpha = 2.5, drawn = mean, epochs = 3, label = a b, profile = smoke, views = ["fac", "kar"]',
        "seeds 0 1 runs 2, in all of those here: data = synthetic, seeds = [0], data.shared = 0.5",
        f"{'a' * 16} (as drawn) method = agm, method.alpha = 1.5 {'b' * 16} (as drawn) method = joint",
        f"2 of them computed at {COMMIT}, on cuda",
        f'data synthetic {{"shared": 0.5}}: seed 0 {"d" * 16} uci_digits.json here: not prepared',
        f"commit {COMMIT} with files changed since versions mmlib 0.1.0, torch 2.13.0 machine cpu, 1 thread(s), Linux",
        f"make again git checkout {COMMIT} python -m data_prep uci_digits MMLIB_PROFILE=smoke python -m mmlib notebook",
    ):
        assert part in text, part


def test_the_last_command_gives_the_notebook_the_figures_parameters(results):
    from mmlib.records.origin.parameters import parse_parameters

    *_, command = trace("kappa")["commands"]
    setting, _, _, _, _, name, *options = shlex.split(command)
    assert setting == "MMLIB_PROFILE=smoke" and name == "12_toy" and options[::3] == ["-p"] * 3
    texts = dict(zip(options[1::3], options[2::3], strict=True))
    # epochs has its default value, and drawn is not a parameter of the notebook.
    given = parse_parameters(paths.NOTEBOOKS / "12_toy.ipynb", texts)
    assert given == {"alpha": 2.5, "views": ["fac", "kar"], "label": "a b"}


@pytest.mark.parametrize("kind", ["png", "svg", "json"])
def test_a_picture_that_travelled_alone_is_traced_and_the_runs_are_not_here(results, tmp_path, capsys, kind):
    alone = tmp_path / f"mailed.{kind}"
    shutil.copy(results / "figures" / f"kappa.{kind}", alone)
    (tmp_path / "12_toy.ipynb").unlink()
    shutil.rmtree(results)
    assert main(["trace", str(alone)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"runs 2 {'a' * 16} (not here) {'b' * 16} (not here)" in text
    assert "synthetic, uci_digits (the runs, which hold the hashes of the data, are not here)" in text
    # Without the notebook there is no telling what is its own parameter: all are given.
    assert "notebook 12_toy -p alpha 2.5 -p drawn mean -p epochs 3 -p label 'a b'" in text


def test_runs_that_changed_or_cannot_be_read_are_told(results):
    (results / "runs" / ("a" * 16) / "metrics.json").write_text("{")
    put_run(results, "b" * 16, "joint", new=1)
    runs = trace("kappa")["runs"]
    assert [run["state"] for run in runs.values()] == ["unreadable", "changed since"]
    assert "spec" not in runs["a" * 16] and runs["b" * 16]["spec"]["method_options"] == {"new": 1}


def test_json_for_programs(results, capsys):
    (results.parent / "data").mkdir()
    (results.parent / "data" / "uci_digits.json").write_text("{}")
    assert main(["trace", "kappa", "--json"]) == 0
    traced = json.loads(capsys.readouterr().out)
    assert traced["record"]["caption"] == "κ over time." and traced["record"]["parameters"] == PARAMETERS
    assert traced["runs"]["a" * 16]["data"] == {"0": "d" * 64} and len(traced["commands"]) == 3
    assert traced["prepared"] == {"uci_digits": sha256_of(results.parent / "data" / "uci_digits.json")}


def test_a_figure_without_runs_or_commit_is_traced(results):
    file = results / "figures" / "kappa.json"
    record = json.loads(file.read_text()) | {"inputs": {}}
    record["provenance"] |= {"commit": None, "dirty": None}
    del record["digest"], record["answers"]
    file.write_text(json.dumps(record))
    text = "\n".join(trace_lines(trace("kappa")))
    assert "runs         none: the figure was drawn from what its notebook computed itself" in text
    assert "commit       none: mmlib 0.1.0, not from a git checkout" in text and "\nmake again   python" in text
    assert "answers      not recorded: made by an earlier version" in text


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ("kapa", "unknown figure 'kapa': .*Did you mean 'kappa'"),
        ("later", "later is listed and not made yet: run  python -m mmlib notebook 12_toy$"),
        ("nowhere/kappa.png", "no file nowhere/kappa.png"),
        ("some/where", "a .png, .svg or .json file, got some/where"),
    ],
)
def test_what_cannot_be_traced_is_said_in_a_sentence(results, figure, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        trace(figure)


def test_a_figure_made_only_with_other_parameters_is_found(results):
    other = results / "variants" / "12_toy-01234567" / "figures" / "later.json"
    other.parent.mkdir(parents=True)
    (results / "figures" / "kappa.json").rename(other)
    with pytest.raises(ValueError, match=f"later is listed and not made.*with other parameters it is there: {other}"):
        trace("later")
    assert trace(str(other))["record"]["id"] == "kappa"


def test_a_made_figure_that_is_no_longer_listed_is_traced(results):
    (results.parent / "figures.yaml").write_text(yaml.safe_dump({"later": ENTRY}))
    assert trace("kappa")["record"]["id"] == "kappa"


def test_tracing_needs_no_torch():
    code = "import sys, mmlib.audit.trace, mmlib.audit.trace_text; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=paths.ROOT).returncode == 0


def reseal(path, **entries):
    content = json.loads(path.read_text()) | entries
    content.pop("digest", None)
    write_json(path, sealed(content))


def test_what_it_prints_as_a_command_holds_no_command_of_the_records(results):
    file = results / "figures" / "kappa.json"
    hostile = "$(reboot); `reboot` 'x"
    reseal(file, parameters={"alpha": 1.5, "profile": hostile, "label": hostile, hostile: hostile})
    (paths.NOTEBOOKS / "12_toy.ipynb").unlink()  # then every parameter is given
    *_, command = trace("kappa")["commands"]
    split = shlex.split(command)
    given = {name: value for flag, name, value in zip(*[iter(split[6:])] * 3, strict=True)}
    assert split[0] == f"MMLIB_PROFILE={hostile}" and given == {"alpha": "1.5", "label": hostile, hostile: hostile}
    shown = subprocess.run(["bash", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True)
    assert hostile in shown.stdout.splitlines() and shown.stderr == ""


@pytest.mark.parametrize("commit", ["HEAD; reboot", "$(reboot)", "-f", "", 3])
@pytest.mark.parametrize("kind", ["json", "png"])
def test_a_commit_that_is_not_one_is_refused(results, monkeypatch, commit, kind):
    file = results / "figures" / f"kappa.{kind}"
    provenance = json.loads(file.with_suffix(".json").read_text())["provenance"] | {"commit": commit}
    monkeypatch.setattr("mmlib.figures.save.provenance", lambda: provenance)
    figure = plt.figure(figsize=(1, 1))
    plt.close(figure)
    save_figure("kappa", figure, parameters=PARAMETERS, seeds=[0, 1], inputs={})
    with pytest.raises(ValueError, match="its commit must be a hash in hex"):
        trace(str(file))


@pytest.mark.parametrize(
    "changes", [{"notebook": "../x"}, {"notebook": "a;b"}, {"id": "a/b"}, {"inputs": {"runs/../../x": "0" * 64}}]
)
def test_a_name_that_becomes_a_path_is_a_name(results, changes):
    reseal(results / "figures" / "kappa.json", **changes)
    with pytest.raises(ValueError, match="must be a name of letters, digits, _ and -"):
        trace("kappa")


def test_no_text_of_a_record_commands_the_terminal(results):
    reseal(results / "figures" / "kappa.json", caption="\x1b]0;x\x07\x9b31m\u202eab", parameters={"label": "\x1b[2J"})
    text = "\n".join(trace_lines(trace("kappa")))
    assert not [c for c in text if c != "\n" and (ord(c) < 32 or 126 < ord(c) < 160 or c == "\u202e")]


@pytest.mark.parametrize(
    ("file", "said", "command"),
    [
        ("notebooks/a 1.ipynb", "notebooks/a 1.ipynb", "python -m mmlib notebook 'notebooks/a 1.ipynb' -p alpha"),
        ("mine.py", "mine.py", "MMLIB_PROFILE=smoke python mine.py"),
        (None, "of no known file", "python -m mmlib notebook 12_toy -p alpha"),
    ],
)
def test_other_code_than_the_suites_is_named_by_its_file(results, file, said, command):
    reseal(results / "figures" / "kappa.json", file=file)
    traced = trace("kappa")
    assert f"notebook     notebooks/12_toy.ipynb with other code: {said}" in trace_lines(traced)
    assert command in traced["commands"][-1]
    # The default of the suite's notebook, 3, need not be that of another file.
    assert ("-p epochs 3" in traced["commands"][-1]) == (file == "notebooks/a 1.ipynb")


@pytest.mark.parametrize("file", ["/etc/x.ipynb", "../x.ipynb", "a/../../x.ipynb", "-c", 3])
def test_a_file_outside_the_project_is_refused(results, file):
    reseal(results / "figures" / "kappa.json", file=file)
    with pytest.raises(ValueError, match="its file must be a path inside the project, or a plain name"):
        trace("kappa")


@pytest.mark.parametrize("content", ['{"spec": 3}', "[]", '{"spec": {}, "data": {}, "provenance": {}}', "[" * 99999])
def test_a_run_of_another_shape_is_unreadable(results, content):
    (results / "runs" / ("a" * 16) / "metrics.json").write_text(content)
    traced = trace("kappa")
    assert traced["runs"]["a" * 16] == {"state": "unreadable"} and trace_lines(traced)
