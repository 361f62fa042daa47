# SPDX-License-Identifier: MIT
"""Runs that crash their process: the others get done, and whoever is to blame is given up."""

import os
import re
import signal

import h5py
import numpy as np
import pytest

from fake_sweep import DONE, FAILED, RUNS, Sweep, child_of

BAD = (1, 1, 0, 1)  # width 4, rate 0.5, mode plain, seed 1
SIGNALS = {"SEGV": (signal.SIGSEGV, "segmentation_fault"), "ABRT": (signal.SIGABRT, "aborted"),
           "FPE": (signal.SIGFPE, "arithmetic_error")}


@pytest.fixture(name="reference", scope="module")
def make_reference(tmp_path_factory):
    """The whole cube, without a crash."""
    sweep = Sweep(tmp_path_factory.mktemp("reference"))
    sweep.run(2)
    return sweep


def notes_of(sweep):
    path = sweep.folder / "cube.h5.faults"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def crash(sweep, ranks, how, lanes):
    """A launch that crashes; the number of runs that its last note names."""
    before = notes_of(sweep)
    process = sweep.start(ranks, FAKE_CRASH=how, FAKE_LANES=str(lanes))
    process.communicate()
    assert process.returncode not in (0, 1, 2, 3, 85)
    notes = notes_of(sweep)
    assert len(notes) == len(before) + 1, "one process crashed, so one note"
    assert re.fullmatch(rf"fault {SIGNALS[how][0]:d}( [0-9a-f]{{64}}\.[0-9]+)+ end", notes[-1])
    return len(notes[-1].split()) - 3


def rows(sweep):
    """What the digest counts of each run, but for the bad one."""
    values = np.stack([sweep.variable(name).astype(float) for name in ("value", "phase", "status")])
    values[(slice(None), *BAD)] = 0
    return values


@pytest.mark.parametrize("how, ranks, lanes", [("SEGV", 1, 1), ("ABRT", 3, 6), ("FPE", 2, 6)])
def test_three_crashes_alone_are_enough(tmp_path, reference, how, ranks, lanes):
    sweep = Sweep(tmp_path)
    named = crash(sweep, ranks, how, lanes)
    assert named <= lanes
    crashes = 1
    if named > 1:
        assert crash(sweep, ranks, how, lanes) == 1, "suspects are trained alone"
        crashes += 1
    for _ in range(2):
        assert crash(sweep, ranks, how, lanes) == 1
        crashes += 1
    assert crashes == (3 if named == 1 else 4)
    figures = sweep.run(ranks, FAKE_CRASH=how, FAKE_LANES=str(lanes))
    assert figures["done"] == RUNS and figures["failed"] == 1
    assert sweep.variable("status")[BAD] == FAILED and sweep.variable("attempts")[BAD] == 3
    assert meaning(sweep, "failure", BAD) == SIGNALS[how][1]
    assert np.array_equal(rows(sweep), rows(reference), equal_nan=True), "neighbours were disturbed"
    assert notes_of(sweep) == []

    figures = sweep.run(ranks, FAKE_CRASH=how)
    assert figures["failed"] == 1 and sweep.events("begin") == [], "it is left out"

    figures = sweep.run(ranks, "retry")
    assert figures["failed"] == 0 and len(sweep.events("begin")) == 1
    assert sweep.variable("status")[BAD] == DONE
    assert sweep.digest() == reference.digest()


def meaning(sweep, name, row):
    with h5py.File(sweep.file, "r") as file:
        variable = file[name]
        code = list(variable.attrs["flag_values"]).index(variable[row])
        return variable.attrs["flag_meanings"].split()[code]


def test_a_retried_run_that_crashes_again_takes_no_neighbour_along(tmp_path):
    sweep = Sweep(tmp_path)
    for _ in range(3):
        crash(sweep, 1, "SEGV", 1)
    sweep.run(1, FAKE_CRASH="SEGV")
    process = sweep.start(1, "retry", FAKE_CRASH="SEGV", FAKE_LANES="6")
    process.communicate()
    assert [len(line.split()) for line in notes_of(sweep)] == [4]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_signal_from_outside_counts_against_no_run(tmp_path, number):
    sweep = Sweep(tmp_path, milliseconds=8)
    process = sweep.start(2)
    sweep.wait_for_runs(5)
    os.kill(max(sweep.pids()), number)
    process.communicate()
    assert process.returncode not in (0, 85)
    assert notes_of(sweep) == []


def test_damaged_notes_are_passed_over(tmp_path):
    sweep = Sweep(tmp_path)
    notes = sweep.folder / "cube.h5.faults"
    key = "0123456789abcdef" * 4
    notes.write_bytes(b"fault 11 " + key.encode() + b".1 end\n" b"fault 11 " + key.encode()
                      + b".\n\x00\xff\nfault\nfault x y z\nfault 11 " + key[:-1].encode() + b".7 end")
    assert sweep.run(2)["done"] == RUNS
    assert not notes.exists()


def test_a_stopped_sweep_keeps_its_notes(tmp_path):
    sweep = Sweep(tmp_path, milliseconds=8)
    assert crash(sweep, 1, "SEGV", 6) > 1
    process = sweep.start(1)
    sweep.wait_for_runs(1)
    os.kill(child_of(process.pid), signal.SIGUSR1)
    process.communicate()
    assert process.returncode == 85 and len(notes_of(sweep)) == 1
