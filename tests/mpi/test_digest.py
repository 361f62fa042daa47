# SPDX-License-Identifier: MIT
"""The real command: the same bytes on any number of ranks, and a test that would see others."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

import launch

COMMAND = os.environ["PHASEGRID"]
BROKEN = os.environ["PHASEGRID_BROKEN_KEY"]
JOB = Path(__file__).with_name("every_kind.yaml")
RUNS = 2 * 2 * 2 * 3 * 2
DONE, DIVERGED = 1, 2


def train(program, ranks, path, *arguments, **environment):
    """Runs the job into `path`; 0 ranks: without mpirun."""
    alone = ["--ranks", "1"] if ranks == 0 else []
    code, out, err = launch.run(
        ranks, [program, "run", str(JOB), "-o", str(path), *alone, *arguments], **environment)
    assert code == 0, f"exit {code} on {ranks} ranks:\n{out}{err}"


def digest(path):
    code, out, err = launch.run(0, [COMMAND, "verify", str(path)])
    assert code == 0, err
    return out.split()[0]


@pytest.fixture(name="reference", scope="module")
def make_reference(tmp_path_factory):
    """The cube of one process."""
    path = tmp_path_factory.mktemp("reference") / "cube.h5"
    train(COMMAND, 0, path)
    return path


def test_the_job_holds_every_kind_of_run(reference):
    """What the digests below are worth."""
    with h5py.File(reference, "r") as file:
        status, last_step = file["status"][...], file["last_step"][...]
        parameters = file["parameters"][...]
    assert status.size == RUNS
    assert (status[0, ..., 1, :] == DIVERGED).all(), "regression by SGD at a rate of 1e6"
    assert (status[..., [0, 2], :] == DONE).all()
    ended = last_step[status == DONE]
    assert (ended == 2000).any(), "no run went to its budget"
    assert (ended < 2000).any(), "no run was decided early"
    rows = parameters.reshape(RUNS, -1)
    assert len(np.unique(rows, axis=0)) > RUNS / 2, "the runs hardly differ"


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
def test_same_bytes_on_any_number_of_ranks(tmp_path, reference, ranks):
    train(COMMAND, ranks, tmp_path / "cube.h5")
    with h5py.File(tmp_path / "cube.h5", "r") as file:
        assert len(np.unique(file["rank"][...])) == ranks, "not every rank trained"
    assert digest(tmp_path / "cube.h5") == digest(reference)


def test_same_bytes_with_a_dedicated_coordinator(tmp_path, reference):
    train(COMMAND, 3, tmp_path / "cube.h5", "--coordinator", "dedicated")
    with h5py.File(tmp_path / "cube.h5", "r") as file:
        assert set(np.unique(file["rank"][...])) == {1, 2}
    assert digest(tmp_path / "cube.h5") == digest(reference)


@pytest.mark.parametrize("what", ["rank", "order"])
def test_a_broken_key_is_seen(tmp_path, reference, what):
    """The same command with the rank, or the count of runs so far, in every random key."""
    train(BROKEN, 3, tmp_path / "cube.h5", BROKEN_KEY=what)
    assert digest(tmp_path / "cube.h5") != digest(reference)


def test_the_broken_command_is_otherwise_whole(tmp_path, reference):
    """Nothing but the key differs: unbroken by its variable, it gives the same bytes."""
    train(BROKEN, 2, tmp_path / "cube.h5", BROKEN_KEY="nothing")
    assert digest(tmp_path / "cube.h5") == digest(reference)
