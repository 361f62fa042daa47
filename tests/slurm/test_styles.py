# SPDX-License-Identifier: MIT
"""The other ways to send a sweep, and a folder that not every node sees."""

import re

import pytest

import sweeps


@pytest.fixture(name="by_mpirun")
def send_by_mpirun(sweep):
    sweep.submit("--mpirun")
    sweep.wait_until_trained()
    return sweep


def test_mpirun_is_told_of_the_time_limit(cluster, by_mpirun, undisturbed):
    """As Slurm does it three minutes before: USR1 to the batch script alone."""
    cluster.ask("scancel", "--batch", "--signal=USR1", by_mpirun.number)
    by_mpirun.wait_until_done()
    assert "exit code 85" in by_mpirun.log(), by_mpirun.told()
    by_mpirun.assert_finished(undisturbed, launches=2)


def test_a_rank_is_killed_under_mpirun(by_mpirun, undisturbed):
    by_mpirun.kill_rank(1)
    by_mpirun.wait_until_done()
    assert "exit code 137" in by_mpirun.log(), by_mpirun.told()
    by_mpirun.assert_finished(undisturbed, launches=2)


def test_srun_is_told_of_the_time_limit(cluster, sweep, undisturbed):
    """USR1 to every rank, as Slurm does it three minutes before."""
    sweep.submit()
    sweep.wait_until_trained()
    cluster.ask("scancel", "--signal=USR1", f"{sweep.number}.0")
    sweep.wait_until_done()
    assert "exit code 85" in sweep.log(), sweep.told()
    sweep.assert_finished(undisturbed, launches=2)


def test_an_array_of_shards_and_its_merge(cluster, sweep, undisturbed):
    """One of the shards is put into the queue again; the merge waits for both."""
    said = sweep.send("--array", 2, "--nodes", 2, "--time", "10m")
    merge = int(re.findall(r"job (\d+)", said)[-1])
    assert merge != sweep.number, said
    sweep.wait_until_trained()
    cluster.ask("scontrol", "requeue", f"{sweep.number}_1")
    sweep.number = merge
    sweep.wait_until_done()
    assert sweeps.digest(cluster, sweep.path) == undisturbed


def test_a_folder_that_one_node_sees(cluster, sweep, tmp_path):
    """/dev/shm is each node's own: one error that names a node, and no other try."""
    job_file = tmp_path / "job.yaml"
    job_file.write_text(sweeps.JOB.read_text())
    said = cluster.ask(sweeps.PROGRAM, "submit", job_file, "-o", "/dev/shm/cube.h5", "--nodes", 4, "--time",
                       "10m", "--", f"--output={tmp_path}/cube.h5.log")
    sweep.number = int(re.search(r"sent as job (\d+)", said)[1])
    sweep.wait_until(["FAILED"])
    job = sweep.job()
    assert (job["ExitCode"], job["Restarts"]) == ("1:0", "0"), sweep.told()
    errors = [line for line in sweep.log().splitlines() if line.startswith("phasegrid")]
    assert len(errors) == 1 and re.search(r"\bn[2-4]\b", errors[0]) and "/dev/shm" in errors[0], sweep.told()
