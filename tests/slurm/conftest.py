# SPDX-License-Identifier: MIT
"""One cluster for all tests of a session; where there can be none, one test is skipped that says why."""

import pytest

import cluster as slurm
import sweeps

SECONDS = 8  # that one rank is at work for a sweep of the fast tests


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes, since Slurm does")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    reason = slurm.reason_against() if items else None
    if reason:
        items[:] = items[:1]
        items[0].add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(name="cluster", scope="session")
def make_cluster(tmp_path_factory):
    cluster = slurm.Cluster(tmp_path_factory.mktemp("slurm"), credential_seconds=5)
    yield cluster
    cluster.stop()


@pytest.fixture(name="steps", scope="session")
def find_steps(cluster, tmp_path_factory):
    return sweeps.steps_for(cluster, tmp_path_factory.mktemp("trial"), SECONDS)


@pytest.fixture(name="undisturbed", scope="session")
def make_undisturbed(cluster, steps, tmp_path_factory):
    """The digest of an undisturbed run on one rank."""
    return sweeps.on_one_rank(cluster, tmp_path_factory.mktemp("undisturbed"), steps)[0]


@pytest.fixture(name="sweep")
def make_sweep(cluster, steps, undisturbed, tmp_path):
    """A sweep on four nodes, not yet sent; the cluster is idle before and after."""
    yield sweeps.Sweep(cluster, tmp_path, steps)
    clear(cluster)


def clear(cluster):
    """No job is left, and every node is in service."""
    cluster.run("scancel", "--full", "--signal=KILL", "--user=root")
    cluster.run("scancel", "--user=root")
    for node in range(1, slurm.NODES + 1):
        cluster.run("scontrol", "update", f"NodeName=n{node}", "State=RESUME")
    slurm.wait_for(cluster.all_idle, lambda: f"idle nodes: {cluster.ask('sinfo')}{cluster.ask('squeue')}")
