# SPDX-License-Identifier: MIT
"""What a sweep keeps when it is interrupted, and how long it takes to leave."""

import contextlib
import os
import re
import signal
import time

import numpy as np
import pytest

import launch
from fake_sweep import DONE, PROGRAM, RUNS, Sweep, child_of

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


# ---- unfinished runs ----

LONG = 20  # ms per width: runs of up to half a second


@pytest.fixture(name="reference", scope="module")
def make_reference(tmp_path_factory):
    """The digest of the undisturbed cube."""
    sweep = Sweep(tmp_path_factory.mktemp("reference"), milliseconds=LONG)
    sweep.run(4)
    return sweep.digest()


def stop(sweep, process, number=signal.SIGUSR1):
    os.kill(child_of(process.pid), number)
    process.communicate()
    return process.returncode


def unfinished(sweep):
    begun = sweep.events("begin") + sweep.events("resume")
    return set(begun) - set(sweep.events("end"))


@pytest.mark.parametrize("lanes", [1, 5])
def test_unfinished_runs_go_on_on_any_number_of_ranks(tmp_path, reference, lanes):
    sweep = Sweep(tmp_path, milliseconds=LONG)
    left, done = set(), 0
    for ranks in 1, 3, 2:
        process = sweep.start(ranks, "every=1000", FAKE_LANES=str(lanes))
        sweep.wait_for_runs(6)
        assert stop(sweep, process) == 85
        assert len(sweep.checkpoints()) >= 1
        assert not set(sweep.events("begin")) & left, "a run with a checkpoint began anew"
        done += len(sweep.events("end"))
        left = (left - set(sweep.events("end"))) | unfinished(sweep)
    figures = sweep.run(4, FAKE_LANES="3")
    assert set(sweep.events("resume")) == left
    assert len(sweep.events("begin")) == RUNS - done - len(left)
    assert figures["done"] == RUNS and sweep.digest() == reference
    assert sweep.checkpoints() == [], "what nobody needs is left"


def test_the_time_of_a_run_is_that_of_all_launches(tmp_path):
    sweep = Sweep(tmp_path, milliseconds=100, rates="0.1", modes="plain")
    process = sweep.start(0, "every=1000")
    sweep.wait_for_runs(1)
    time.sleep(0.3)  # the longest runs come first
    assert stop(sweep, process) == 85
    sweep.run(0)
    assert len(sweep.events("resume")) == 1
    widths = np.array([1, 4, 16])[:, None, None, None]
    assert (sweep.variable("wall_seconds") >= 0.5 * 0.1 * widths).all(), "half the mean at least"


@pytest.mark.parametrize("ranks, lanes", [(1, 1), (3, 5)])
def test_killed_runs_go_on_from_the_last_checkpoint(tmp_path, ranks, lanes):
    long_runs = {"milliseconds": 100, "rates": "0.1", "modes": "plain"}
    whole, sweep = Sweep(tmp_path / "whole", **long_runs), Sweep(tmp_path / "cube", **long_runs)
    whole.run(4)
    process = sweep.start(ranks, "every=0.05", FAKE_LANES=str(lanes))
    until = time.monotonic() + 60
    while not sweep.published_checkpoints() and time.monotonic() < until:
        time.sleep(0.01)
    for pid in sweep.pids():
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    sweep.run(2, "every=0.05")
    assert len(sweep.events("resume")) >= 1
    assert sweep.digest() == whole.digest() and sweep.checkpoints() == []


def test_a_second_signal_hurries(tmp_path):
    """Steps of three seconds: at their end one signal has come, or two."""
    for signals in 1, 2:
        sweep = Sweep(tmp_path / str(signals), milliseconds=1000, rates="0.1", modes="plain")
        process = sweep.start(0, "every=1000", FAKE_STEP="3")
        while not sweep.events("begin"):
            time.sleep(0.01)
        for _ in range(signals):
            os.kill(child_of(process.pid), signal.SIGUSR1)
            time.sleep(1.2)
        process.communicate()
        assert process.returncode == 85
        assert len(sweep.checkpoints()) == (1 if signals == 1 else 0)


def test_without_checkpoints_none_is_left(tmp_path):
    sweep = Sweep(tmp_path, milliseconds=LONG)
    process = sweep.start(2)
    sweep.wait_for_runs(6)
    assert stop(sweep, process) == 85
    assert sweep.checkpoints() == []


def test_a_checkpoint_that_cannot_be_written_is_a_warning(tmp_path):
    sweep = Sweep(tmp_path, milliseconds=LONG, rates="0.1")
    code, _, err = launch.run(2, [PROGRAM, str(sweep.job), str(sweep.file), "every=0.05"],
                              FAKE_HUGE="1")
    assert code == 0, err
    assert 1 <= err.count("warning:") <= 2, "one for each rank, whose file it is"
    assert "File too large" in err and "cube.h5.checkpoint-" in err
    assert list(tmp_path.glob("cube.h5*")) == [sweep.file]


# ---- one owner ----


def test_a_second_launch_is_refused(tmp_path, reference):
    sweep = Sweep(tmp_path, milliseconds=LONG)
    process = sweep.start(2)
    sweep.wait_for_runs(3)
    code, _, err = launch.run(2, [PROGRAM, str(sweep.job), str(sweep.file)])
    assert code == 1
    assert len(err.strip().splitlines()) == 1 and os.uname().nodename in err, err
    assert any(str(pid) in err for pid in sweep.pids())
    process.communicate()
    assert process.returncode == 0 and sweep.digest() == reference
    assert not list(tmp_path.glob("*.owner"))


def test_a_dead_owner_is_followed_at_once(tmp_path, reference):
    sweep = Sweep(tmp_path, milliseconds=LONG)
    process = sweep.start(3)
    sweep.wait_for_runs(3)
    os.killpg(process.pid, signal.SIGKILL)
    for pid in sweep.pids():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.communicate()
    assert list(tmp_path.glob("*.owner"))
    sweep.run(2)
    assert sweep.digest() == reference


# ---- failures that end nothing ----


def test_the_reason_of_failed_runs_is_told_once(tmp_path):
    sweep = Sweep(tmp_path, rates="0.1", modes="plain, refused")
    _, _, err = launch.run(3, [PROGRAM, str(sweep.job), str(sweep.file)])
    lines = [line for line in err.splitlines() if line.startswith("warning:")]
    assert len(lines) == 1 and "out of memory, as asked" in lines[0]
    assert "mode refused" in lines[0] and "seed" in lines[0]


# ---- memory ----


def available_bytes():
    with open("/proc/meminfo", encoding="ascii") as file:
        lines = dict(line.split(":") for line in file)
    return 1024 * int(lines["MemAvailable"].split()[0])


@pytest.mark.parametrize("share", [0.4, 2])
def test_runs_that_cannot_fit_the_node_are_refused(tmp_path, share):
    sweep = Sweep(tmp_path)
    need = share * available_bytes()
    message = sweep.run(3, expect=1, FAKE_BYTES=str(need)).strip()
    figures = re.fullmatch(r"the largest runs of the job need (\d+) MiB of memory on each of 3 ranks "
                           r"of \S+, which has (\d+) MiB to give: (.*)", message)
    assert figures, message
    assert int(figures[1]) >= int(need / 2**20)
    count = int(figures[2]) // int(figures[1])
    assert count < 3
    assert figures[3] == (f"at most {count} fit" if count > 0 else "not even one rank fits")
    assert [file.name for file in tmp_path.iterdir()] == ["job.yaml"], "nothing was begun"
    assert sweep.run(3, FAKE_BYTES="1000")["done"] == RUNS


def test_runs_that_a_limit_of_the_process_forbids_are_refused(tmp_path):
    sweep = Sweep(tmp_path)
    command = f"ulimit -v 8000000; exec {PROGRAM} {sweep.job} {sweep.file}"
    code, _, err = launch.run(0, ["sh", "-c", command], FAKE_BYTES="9e9")
    assert code == 1 and "ulimit -v" in err and "need 85" in err, err
