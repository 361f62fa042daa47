# SPDX-License-Identifier: MIT
"""A launch whose allocation ends: what it begins, when it leaves, and what is kept."""

import time

import h5py
import numpy as np
import pytest

from fake_sweep import DONE, RUNS, Sweep

SHORT_OF_TIME = "since none would end before the allocation does"
AT_THE_END = "since the allocation ends"


def reason(sweep):
    """Why the last launch ended, as the file says."""
    with h5py.File(sweep.file) as file:
        last = file["provenance/launch_count"][()] - 1
        return file["provenance/reason"][last].tobytes().rstrip(b"\0").decode()


def begun_and_cut(sweep):
    begun = sweep.events("begin") + sweep.events("resume")
    return len(begun), len(set(begun) - set(sweep.events("end")))


@pytest.mark.parametrize("ranks, options", [(0, []), (3, []), (4, ["dedicated"])])
def test_without_checkpoints_no_run_is_begun_that_cannot_end(tmp_path, ranks, options):
    """Runs of 1.6 s, 5.6 s for them: half a run is left over, so that a busy machine changes
    nothing."""
    sweep = Sweep(tmp_path, milliseconds=100, widths="16")
    began = time.monotonic()
    error = sweep.run(ranks, "left=6.6", "grace=1", *options, expect=85, FAKE_EVEN="1")
    assert time.monotonic() - began < 6.6 + 3  # mpirun's start and end
    assert SHORT_OF_TIME in error, error
    assert reason(sweep) == "stopped, " + SHORT_OF_TIME
    begun, cut = begun_and_cut(sweep)
    assert cut == 0 and 2 * max(ranks - len(options), 1) <= begun < sweep.variable("status").size
    ended = np.count_nonzero(sweep.variable("status") != 0)
    assert ended == begun, "what has ended is in the file"


def test_the_first_runs_are_begun_though_nobody_knows_how_long_they_take(tmp_path):
    """Runs of 5 and 1.25 s, in allocations of 3 and 9 s. The second one knows after a run that
    another one would not end, and takes up shorter ones, until .5 s are left."""
    sweep = Sweep(tmp_path, milliseconds=312, widths="4, 16")
    error = sweep.run(2, "left=3", "grace=1", expect=85, FAKE_EVEN="1")
    assert AT_THE_END in error and reason(sweep) == "stopped, " + AT_THE_END
    assert begun_and_cut(sweep) == (2, 2)
    assert not sweep.variable("status").any()
    error = sweep.run(2, "left=9", "grace=1", expect=85, FAKE_EVEN="1")
    assert SHORT_OF_TIME in error and reason(sweep) == "stopped, " + SHORT_OF_TIME
    begun, cut = begun_and_cut(sweep)
    assert cut == 0 and begun > 2
    # (width, rate, mode, seed); 2 runs of width 16
    ended = np.count_nonzero(sweep.variable("status"), axis=(1, 2, 3))
    assert ended[1] == 2 and ended[0] == begun - 2


@pytest.mark.parametrize("ranks", [0, 3])
def test_with_checkpoints_it_goes_on_until_it_must_leave(tmp_path, ranks):
    sweep = Sweep(tmp_path, milliseconds=50)
    began = time.monotonic()
    error = sweep.run(ranks, "left=5", "grace=2", "every=300", expect=85, FAKE_EVEN="1")
    assert 2.5 < time.monotonic() - began < 5 + 3
    assert AT_THE_END in error and reason(sweep) == "stopped, " + AT_THE_END
    _, cut = begun_and_cut(sweep)
    assert cut == max(ranks, 1) == len(sweep.checkpoints())
    sweep.run(3, "every=300", FAKE_EVEN="1")
    assert len(sweep.events("resume")) == cut
    assert (sweep.variable("status") >= DONE).all()
    whole = Sweep(tmp_path / "whole", milliseconds=50)
    whole.run(3, FAKE_EVEN="1")
    assert sweep.digest() == whole.digest()


def test_an_allocation_that_is_over(tmp_path):
    sweep = Sweep(tmp_path)
    error = sweep.run(2, "left=-60", "grace=1", expect=85)
    assert AT_THE_END in error and begun_and_cut(sweep) == (0, 0)
    figures = sweep.run(2)
    assert figures["done"] == RUNS
