# SPDX-License-Identifier: MIT
"""What a sweep keeps when it is told to leave, and how long it takes."""

import contextlib
import os
import signal
import time

import numpy as np
import pytest

from fake_sweep import DONE, Sweep, child_of

# Seconds that mpirun takes to notice the end of a rank and to end the others.
MPIRUN = 3


def wait_until_quiet(sweep):
    """Until nothing has ended for a second: every rank is stuck, or waits for one that is."""
    ended = -1
    while len(sweep.events("end")) != ended:
        ended = len(sweep.events("end"))
        time.sleep(1.5)


@pytest.mark.parametrize("ranks", [0, 3])
def test_a_stuck_rank_is_left_by_force(tmp_path, ranks):
    sweep = Sweep(tmp_path, rates="0.1", modes="plain, stuck")
    process = sweep.start(ranks, "grace=2")
    wait_until_quiet(sweep)
    began = time.monotonic()
    os.kill(child_of(process.pid), signal.SIGUSR1)
    _, err = process.communicate()
    assert process.returncode == 85, err
    assert 1.7 < time.monotonic() - began < 2 + (MPIRUN if ranks > 0 else 0)
    assert err.count("the same command goes on") == 1, err
    kept = np.count_nonzero(sweep.variable("status") == DONE)
    figures = sweep.run(2, FAKE_CURED="1")
    assert len(sweep.events("begin")) == figures["runs"] - kept
    whole = Sweep(tmp_path / "whole", rates="0.1", modes="plain, stuck")
    whole.run(1, FAKE_CURED="1")
    assert sweep.digest() == whole.digest()


def test_signals_that_come_in_a_storm_are_one(tmp_path):
    sweep = Sweep(tmp_path, milliseconds=8)
    process = sweep.start(3)
    sweep.wait_for_runs(6)
    for _ in range(30):
        for pid in sweep.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        time.sleep(0.01)
        if process.poll() is not None:
            break
    _, err = process.communicate()
    assert process.returncode == 85, err
    ended = len(sweep.events("end"))
    assert np.count_nonzero(sweep.variable("status")) == ended, "finished rows were lost"
    sweep.run(2)
    whole = Sweep(tmp_path / "whole", milliseconds=8)
    whole.run(2)
    assert sweep.digest() == whole.digest()
