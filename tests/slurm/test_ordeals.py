# SPDX-License-Identifier: MIT
"""What a cluster does to its jobs: the sweep is finished in the end, and its bytes are those of an
undisturbed run on one rank."""

import pytest

from cluster import wait_for


def outrank(cluster):
    """A job of a better partition takes all nodes and gives them back at once."""
    return cluster.ask("sbatch", "--parsable", "--partition=high", "--nodes=4", "--exclusive",
                       "--output=/dev/null", "--wrap=true").strip()


@pytest.mark.parametrize("partition", ["low", "grace"])
def test_preempted(cluster, sweep, undisturbed, partition):
    """With a grace time of 0 and of 20 s."""
    sweep.submit("--partition", partition)
    sweep.wait_until_trained()
    better = outrank(cluster)
    wait_for(lambda: cluster.job(better)["JobState"] == "COMPLETED", sweep.told)
    sweep.wait_until_done()
    assert sweep.job()["Restarts"] == "1"
    sweep.assert_finished(undisturbed, launches=2)


def test_cancelled_and_sent_again(cluster, sweep, undisturbed):
    sweep.submit()
    sweep.wait_until_trained()
    cluster.ask("scancel", sweep.number)
    sweep.wait_until(["CANCELLED"])
    sweep.submit()
    sweep.wait_until_done()
    sweep.assert_finished(undisturbed, launches=2)


def test_put_into_the_queue_by_hand(cluster, sweep, undisturbed):
    sweep.submit()
    sweep.wait_until_trained()
    cluster.ask("scontrol", "requeue", sweep.number)
    sweep.wait_until_done()
    assert sweep.job()["Restarts"] == "1"
    sweep.assert_finished(undisturbed, launches=2)


def test_a_node_goes_down(cluster, sweep, undisturbed):
    sweep.submit()
    sweep.wait_until_trained()
    cluster.ask("scontrol", "update", "NodeName=n3", "State=DOWN", "Reason=test")
    sweep.wait_until_requeued()
    # It may have come back by itself, when its slurmd spoke up again (ReturnToService).
    cluster.run("scontrol", "update", "NodeName=n3", "State=RESUME")
    wait_for(cluster.all_idle, sweep.told)
    sweep.wait_until_done()
    sweep.assert_finished(undisturbed, launches=2)


@pytest.mark.parametrize("rank", [0, 2])
def test_a_rank_is_killed(sweep, undisturbed, rank):
    sweep.submit()
    sweep.wait_until_trained()
    sweep.kill_rank(rank)
    sweep.wait_until_done()
    assert sweep.job()["Restarts"] == "1" and "exit code 137" in sweep.log(), sweep.told()
    sweep.assert_finished(undisturbed, launches=2)


def test_the_batch_script_is_killed(sweep, undisturbed):
    """Slurm takes that for a failure of the job; the same command goes on."""
    sweep.submit()
    sweep.wait_until_trained()
    sweep.kill_script()
    sweep.wait_until(["FAILED"])
    sweep.submit()
    sweep.wait_until_done()
    sweep.assert_finished(undisturbed, launches=2)


def test_the_controller_ends_and_comes_back(cluster, sweep, undisturbed):
    """The ranks do not notice."""
    sweep.submit()
    sweep.wait_until_trained()
    cluster.restart_controller()
    assert sweep.job()["JobState"] == "RUNNING", sweep.told()
    sweep.wait_until_done()
    assert sweep.job()["Restarts"] == "0"
    sweep.assert_finished(undisturbed, launches=1)
