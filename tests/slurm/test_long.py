# SPDX-License-Identifier: MIT
"""Ordeals in Slurm's own time: limits of minutes, and two minutes in the queue."""

import time

import pytest

import cluster as slurm
import sweeps

FACTOR = 20  # times the steps of the fast tests: four cores have more than a minute's work

pytestmark = pytest.mark.long


@pytest.fixture(name="long_steps", scope="module")
def find_long_steps(steps):
    return FACTOR * steps


@pytest.fixture(name="long_undisturbed", scope="module")
def make_long_undisturbed(cluster, long_steps, tmp_path_factory):
    return sweeps.on_one_rank(cluster, tmp_path_factory.mktemp("undisturbed"), long_steps)[0]


@pytest.mark.parametrize("how, signal", [((), "USR1@20"), (("--mpirun",), "B:USR1@20")])
def test_time_limit(cluster, sweep, long_steps, long_undisturbed, how, signal):
    sweep.steps = long_steps
    sweep.send("--nodes", 4, "--time", "1m", *how, "--", f"--signal={signal}")
    sweep.wait_until_done(1200)
    found = sweep.launches()
    assert len(found) >= 2, found
    assert "exit code 85" in sweep.log()
    assert all(launch["reason"] not in ("", "done") for launch in found[:-1]), found
    sweep.assert_finished(long_undisturbed, launches=len(found))


def test_two_minutes_in_the_queue(steps, undisturbed, tmp_path_factory, tmp_path):
    """A cluster as Slurm comes, and nobody's hand on it."""
    cluster = slurm.Cluster(tmp_path_factory.mktemp("patient"))
    try:
        sweep = sweeps.Sweep(cluster, tmp_path, steps)
        sweep.submit()
        sweep.wait_until_trained()
        sweep.kill_rank(1)
        struck = time.monotonic()
        sweep.wait_until_done(600, hasten=False)
        assert time.monotonic() - struck > 60, "it was put into the queue by a hand"
        sweep.assert_finished(undisturbed, launches=2)
    finally:
        cluster.stop()
