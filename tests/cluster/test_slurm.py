"""A real Slurm of one node, made by slurm.sh: what the Slurm executor does with GPUs, failures and variables."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

HERE = Path(__file__).parent
SCRIPT, PROFILE = HERE / "slurm.sh", HERE.parent.parent / "profiles" / "slurm"
WITH_SBIN = f"{os.environ['PATH']}:/usr/sbin"


def missing() -> str | None:
    """Why no cluster can be started here, None where one can."""
    if os.geteuid() != 0:
        return "not root, and slurmd needs it"
    if not all(shutil.which(name, path=WITH_SBIN) for name in ("munged", "slurmctld", "slurmd")):
        return "Slurm is not installed: tests/cluster/slurm.sh install"
    if Path("/etc/slurm/slurm.conf").exists():
        return "this machine has a Slurm of its own, which is left alone"
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        return "the executor is not installed: pip install snakemake-executor-plugin-slurm"
    return None


pytestmark = [pytest.mark.slow, pytest.mark.skipif(missing() is not None, reason=missing() or "")]


class Job(NamedTuple):
    """One line of squeue; ``start`` and ``end`` are times as text that sort as they follow."""

    id: str
    rule: str
    state: str
    start: str
    end: str


class Outcome(NamedTuple):
    folder: Path
    code: int
    log: str
    jobs: list[Job]

    def notes(self, rule: str) -> dict[str, dict[str, str]]:
        """Slurm's number of each job of the rule -> the variables the job saw."""
        files = {"with_gpu": "gpu/*.json", "without_gpu": "cpu.json"}[rule]
        seen = [json.loads(file.read_text(encoding="utf-8")) for file in self.folder.glob(files)]
        return {variables["SLURM_JOB_ID"]: variables for variables in seen}


def slurm(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess:
    command = [str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, timeout=60)


@contextmanager
def folder_of_a_cluster() -> Iterator[Path]:
    """A folder that munged accepts, as all may enter it and those above, which is not so of pytest's. Ends stopped."""
    with TemporaryDirectory(prefix="mmlib-slurm-") as folder:
        try:
            yield Path(folder)
        finally:
            slurm("stop", folder)


@pytest.fixture(scope="module")
def cluster() -> Iterator[dict[str, str]]:
    """The variables with which Slurm's commands find a cluster of 4 CPUs and 2 GPUs."""
    with folder_of_a_cluster() as folder:
        started = slurm("start", folder, MMLIB_SLURM_CPUS="4")
        assert started.returncode == 0, started.stderr
        line = started.stdout.splitlines()[-1]
        told = subprocess.check_output(["bash", "-c", f"{line}; echo $SLURM_CONF; echo $PATH"], text=True).splitlines()
        yield os.environ | {"SLURM_CONF": told[0], "PATH": told[1]}


@pytest.fixture(scope="module")
def outcome(cluster: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What became of three jobs with a GPU, one without and one that fails, and of what waits for these two."""
    folder = tmp_path_factory.mktemp("jobs")
    command = [sys.executable, "-m", "snakemake", "--profile", PROFILE, "--snakefile", HERE / "Snakefile"]
    command += ["--directory", folder, "--config", "seconds=4", "--retries", "0", "--latency-wait", "3"]
    command += ["--default-resources", "mem_mb=100", "runtime=5", "--slurm-status-command", "squeue"]
    command += ["--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "1"]
    variables = cluster | {"MMLIB_RESULTS": "/of/the/submitter", "PYTHONPATH": str(HERE)}
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120)
    return Outcome(folder, ended.returncode, ended.stderr, squeue(cluster))


def squeue(variables: dict[str, str]) -> list[Job]:
    command = ["squeue", "--states=all", "--noheader", "--format=%A|%k|%T|%S|%e"]
    lines = subprocess.check_output(command, env=variables, text=True).splitlines()
    rows = [line.split("|") for line in lines]
    return [Job(id, comment.removeprefix("rule_").split("_wildcards")[0], *rest) for id, comment, *rest in rows]


def test_a_job_that_asks_for_a_gpu_sees_one_and_only_one(outcome):
    seen = [variables.get("CUDA_VISIBLE_DEVICES") for variables in outcome.notes("with_gpu").values()]
    assert len(seen) == 3, outcome.log
    assert set(seen) == {"0", "1"}


def test_a_job_that_asks_for_none_is_given_none(outcome):
    (seen,) = outcome.notes("without_gpu").values()
    assert "SLURM_JOB_GPUS" not in seen and "CUDA_VISIBLE_DEVICES" not in seen


def test_two_jobs_at_once_have_different_gpus_and_the_third_waits(outcome):
    gpus = {id: variables["CUDA_VISIBLE_DEVICES"] for id, variables in outcome.notes("with_gpu").items()}
    jobs = [job for job in outcome.jobs if job.rule == "with_gpu"]
    together = [pair for pair in combinations(jobs, 2) if pair[0].start < pair[1].end and pair[1].start < pair[0].end]
    assert together, "no two of the three jobs ran at once"
    assert all(gpus[one.id] != gpus[other.id] for one, other in together)
    assert max(job.start for job in jobs) >= min(job.end for job in jobs)


def test_the_variables_of_the_submitter_arrive(outcome):
    for rule in ("with_gpu", "without_gpu"):
        for seen in outcome.notes(rule).values():
            assert seen["MMLIB_RESULTS"] == "/of/the/submitter"
            assert seen["PYTHONPATH"] == str(HERE)


def test_a_job_that_fails_is_told_and_the_others_go_on(outcome):
    assert outcome.code == 1
    (failed,) = [job for job in outcome.jobs if job.state != "COMPLETED"]
    assert (failed.rule, failed.state) == ("broken", "FAILED")
    log = outcome.folder / ".snakemake" / "slurm_logs" / "rule_broken" / f"{failed.id}.log"
    assert str(log) in outcome.log
    assert "this job is broken" in log.read_text(encoding="utf-8")
    assert (outcome.folder / "after_cpu").exists()


def test_neither_what_waits_for_a_failed_job_nor_a_local_rule_is_sent(outcome):
    assert sorted(job.rule for job in outcome.jobs) == ["broken", *["with_gpu"] * 3, "without_gpu"]


def test_a_second_start_leaves_the_cluster_as_it_is(cluster):
    folder = Path(cluster["SLURM_CONF"]).parent
    before = (folder / "slurmctld.pid").read_text(encoding="utf-8")
    again = slurm("start", folder)
    assert again.returncode == 0 and "already runs" in again.stdout
    assert (folder / "slurmctld.pid").read_text(encoding="utf-8") == before


def test_stop_ends_every_process_and_running_job():
    mark = "4711.4711"
    with folder_of_a_cluster() as folder:
        started = slurm("start", folder)
        assert started.returncode == 0, started.stderr
        variables = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}
        subprocess.check_call(["sbatch", "--output=/dev/null", "--wrap", f"sleep {mark}"], env=variables)
        stopped = slurm("stop", folder)
        assert stopped.returncode == 0, stopped.stderr
        assert slurm("status", folder).returncode == 1
        assert not [line for line in processes() if str(folder) in line or mark in line]


def test_a_start_that_fails_leaves_no_process():
    with folder_of_a_cluster() as folder:
        failed = slurm("start", folder, MMLIB_SLURM_CPUS="many")
        assert failed.returncode != 0
        assert not [line for line in processes() if str(folder) in line]


def test_smoke_stops_its_cluster_and_passes_on_the_failure_of_snakemake(tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\n[ $1 = -c ] || { sbatch --output=/dev/null --wrap 'sleep 4712.4712'; exit 1; }\n")
    python.chmod(0o755)
    with folder_of_a_cluster() as above:
        above.chmod(0o755)
        failed = slurm("smoke", tmp_path / "results", PYTHON=str(python), TMPDIR=str(above))
        assert failed.returncode == 1
        assert "ended with 1" in failed.stdout and "no Slurm runs" in failed.stdout
        assert not list(above.iterdir())
        assert not [line for line in processes() if str(above) in line or "4712.4712" in line]


def processes() -> list[str]:
    """Command line and settings of every living process but this one."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int(folder.name) != os.getpid():
                found.append((folder / "cmdline").read_text() + (folder / "environ").read_text())
        except OSError:
            continue
    return found


def test_a_folder_with_something_else_in_it_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    refused = slurm("start", tmp_path)
    assert refused.returncode == 2
    assert "neither empty nor a folder of this script" in refused.stderr
    assert (tmp_path / "thesis.tex").exists()


def test_a_machine_without_slurm_is_told_how_to_get_it(tmp_path):
    for name in ("bash", "dirname", "id", "realpath", "env"):
        (tmp_path / name).symlink_to(shutil.which(name))
    script = tmp_path / "slurm.sh"
    script.write_text(SCRIPT.read_text(encoding="utf-8").replace("PATH=$PATH:/usr/sbin\n", ""), encoding="utf-8")
    refused = subprocess.run(
        ["bash", script, "start", tmp_path / "new"], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert refused.returncode == 2
    assert "munged is missing" in refused.stderr and "install" in refused.stderr


def test_who_is_not_root_is_told_so(tmp_path):
    refused = subprocess.run(
        ["setpriv", "--reuid=65534", "bash", SCRIPT, "start", tmp_path], capture_output=True, text=True
    )
    assert refused.returncode == 2
    assert "root is needed" in refused.stderr
