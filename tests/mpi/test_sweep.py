# SPDX-License-Identifier: MIT
"""Sweeps of the fake experiment: the same cube on any number of ranks, whatever interrupts it."""

import hashlib
import json
import os
import signal
import time
from collections import Counter

import h5py
import numpy as np
import pytest

from fake_sweep import DIVERGED, DONE, FAILED, RUNS, TODO, CELLS, Sweep, child_of


@pytest.fixture(name="reference", scope="module")
def make_reference(tmp_path_factory):
    """The digest of the whole cube, from one process without mpirun."""
    sweep = Sweep(tmp_path_factory.mktemp("reference"))
    figures = sweep.run(0)
    assert figures["done"] == RUNS
    return sweep.digest()


@pytest.mark.parametrize("ranks, mode", [(1, "auto"), (2, "auto"), (3, "auto"), (5, "auto"),
                                         (2, "dedicated"), (3, "dedicated")])
def test_same_cube_on_any_number_of_ranks(tmp_path, reference, ranks, mode):
    sweep = Sweep(tmp_path)
    figures = sweep.run(ranks, mode)
    assert sweep.digest() == reference
    assert figures["runs"] == figures["done"] == RUNS
    assert figures["diverged"] == RUNS // 2 and figures["failed"] == 0
    assert sum(figures["phases"]) == RUNS
    begun = sweep.events("begin")
    assert len(begun) == len(set(begun)) == RUNS, "a run was done twice"
    workers = set(sweep.variable("rank").ravel())
    assert workers == set(range(0 if mode == "auto" else 1, ranks))


@pytest.mark.parametrize("ranks, lanes", [(1, 2), (1, 16), (3, 5), (2, 16)])
def test_same_cube_side_by_side(tmp_path, reference, ranks, lanes):
    """Runs that are trained together, end in any order and are replaced by others."""
    sweep = Sweep(tmp_path)
    figures = sweep.run(ranks, FAKE_LANES=str(lanes))
    assert sweep.digest() == reference
    assert figures["done"] == RUNS and figures["diverged"] == RUNS // 2
    begun = sweep.events("begin")
    assert len(begun) == len(set(begun)) == RUNS, "a run was done twice"
    assert begun != sweep.events("end"), "all ended in the order in which they began"
    shares = sweep.variable("wall_seconds")
    assert shares.min() >= 0 and shares.sum() < 1.05 * ranks * figures["elapsed"]


def test_lanes_are_filled_from_any_piece(tmp_path):
    """The width changes from cell to cell: three rows follow each other, but lanes are empty only
    when all rows of a width are done."""
    sweep = Sweep(tmp_path)
    lines = sweep.job.read_text(encoding="utf-8").splitlines()
    width = next(line for line in lines if "name: width" in line)
    lines.remove(width)
    lines.insert(lines.index("seeds: 3"), width)
    sweep.job.write_text("\n".join(lines) + "\n", encoding="utf-8")
    figures = sweep.run(1, FAKE_LANES="5")
    assert figures["done"] == RUNS
    log = sweep.log.read_text(encoding="utf-8").splitlines()
    steps = [+1 if line.split()[2] == "begin" else -1 for line in log]
    active = np.cumsum(steps)
    assert active.max() == 5
    assert np.count_nonzero(active == 0) == 3, "one time for each width"


def test_a_row_that_depends_on_the_rank_is_seen(tmp_path, reference):
    """What the test above is worth: with the rank in its key, the cube is another one."""
    sweep = Sweep(tmp_path)
    sweep.run(3, FAKE_KEY="rank")
    assert sweep.digest() != reference


@pytest.mark.parametrize("lanes", [1, 16])
def test_killed_and_resumed(tmp_path, reference, lanes):
    sweep = Sweep(tmp_path)
    process = sweep.start(3, FAKE_LANES=str(lanes))
    sweep.wait_for_runs(RUNS // 2)
    for pid in sweep.pids():
        os.kill(pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode != 0
    before = sweep.variable("status")
    figures = sweep.run(2)
    kept = np.count_nonzero(before)
    assert len(sweep.events("begin")) == RUNS - kept, "rows in the file were trained again"
    assert figures["done"] == RUNS and sum(figures["phases"]) == RUNS
    assert sweep.digest() == reference


@pytest.mark.parametrize("number, lanes", [(signal.SIGUSR1, 1), (signal.SIGUSR2, 1),
                                           (signal.SIGUSR1, 6)])
def test_stopped_and_resumed(tmp_path, reference, number, lanes):
    sweep = Sweep(tmp_path)
    process = sweep.start(3, FAKE_LANES=str(lanes))
    sweep.wait_for_runs(RUNS // 3)
    mpirun = child_of(process.pid)
    os.kill(mpirun, number)
    _, err = process.communicate()
    assert process.returncode == 85, err
    assert "the same command goes on" in err
    ended, kept = len(sweep.events("end")), np.count_nonzero(sweep.variable("status"))
    assert kept == ended < RUNS, "finished rows were lost"
    sweep.run(5)
    assert len(sweep.events("begin")) == RUNS - kept
    assert sweep.digest() == reference


def test_one_rank_that_is_told_to_stop_stops_all(tmp_path, reference):
    sweep = Sweep(tmp_path)
    process = sweep.start(3)
    sweep.wait_for_runs(RUNS // 3)
    os.kill(max(sweep.pids()), signal.SIGTERM)
    _, err = process.communicate()
    assert process.returncode == 85, err
    sweep.run(1)
    assert sweep.digest() == reference


def test_finished_file_is_left_as_it_is(tmp_path, reference):
    sweep = Sweep(tmp_path)
    sweep.run(2)
    figures = sweep.run(3)
    assert figures["done"] == RUNS and sweep.events("begin") == []
    assert sweep.digest() == reference


def checksum(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_another_job_is_refused(tmp_path):
    sweep = Sweep(tmp_path, rates="0.1")
    sweep.run(2)
    before = checksum(sweep.file)
    sweep.write_job(milliseconds=1.0, **{**CELLS, "rates": "0.1, 0.2"})
    message = sweep.run(2, expect=3)
    assert "was made by another job" in message and "rate" in message
    assert message.count("another job") == 1, "one message, not one per rank"
    assert checksum(sweep.file) == before


def test_other_numerics_are_refused(tmp_path):
    sweep = Sweep(tmp_path, rates="0.1")
    sweep.run(1)
    with h5py.File(sweep.file, "r+") as file:
        file.attrs["numerics"] = np.int64(777)
    assert "numerics 777" in sweep.run(2, expect=3)


def test_a_file_whose_job_cannot_be_read_is_refused(tmp_path):
    sweep = Sweep(tmp_path, rates="0.1")
    sweep.run(1)
    with h5py.File(sweep.file, "r+") as file:
        file.attrs["job"] = "{"
    message = sweep.run(2, expect=3).strip()
    refusal = f"{sweep.file} holds a job that this program cannot read: "
    assert message.startswith(refusal)
    reason = message.removeprefix(refusal)
    assert reason and "cannot read" not in reason, "the reason is the message itself"


def test_cell_that_is_not_allowed_is_named(tmp_path):
    sweep = Sweep(tmp_path)
    text = sweep.job.read_text(encoding="utf-8").replace("[1, 4, 16]", "[1, 13]")
    sweep.job.write_text(text, encoding="utf-8")
    message = sweep.run(2, expect=1)
    assert message.strip() == "width 13, rate 0.1, mode plain: width 13 brings bad luck"
    assert not sweep.file.exists()


@pytest.mark.parametrize("lanes", [1, 4])
def test_failed_runs_are_told_and_tried_again(tmp_path, lanes):
    """One that fails beside others does not disturb them."""
    sweep = Sweep(tmp_path, rates="0.1", modes="plain, refused")
    for attempt in (1, 2):
        figures = sweep.run(3, FAKE_LANES=str(lanes))
        assert figures["done"] == 18 and figures["failed"] == 9
        assert len(sweep.events("begin")) == (18 if attempt == 1 else 9)
        status, attempts = sweep.variable("status"), sweep.variable("attempts")
        assert (status[:, :, 0] == DONE).all() and (status[:, :, 1] == FAILED).all()
        assert (attempts[:, :, 0] == 1).all() and (attempts[:, :, 1] == attempt).all()
    assert (sweep.variable("failure")[:, :, 1] == 1).all(), "out_of_memory"
    assert np.isnan(sweep.variable("value")[:, :, 1]).all()
    assert (sweep.variable("phase")[:, :, 1] == 255).all()


def test_diverged_runs_keep_their_values(tmp_path):
    sweep = Sweep(tmp_path, rates="0.1")
    sweep.run(2)
    assert (sweep.variable("status")[:, :, 1] == DIVERGED).all()
    assert (sweep.variable("last_step") == 40).all()
    assert np.isfinite(sweep.variable("value")).all()


@pytest.mark.parametrize("lanes", [1, 8])
def test_full_disk_on_one_rank_ends_all_with_one_message(tmp_path, lanes):
    sweep = Sweep(tmp_path)
    message = sweep.run(3, expect=1, FAKE_FULL="1", FAKE_LANES=str(lanes))
    assert message.count("cube.h5") == 1, message


def test_rows_do_not_wait_for_a_long_run(tmp_path):
    """Three runs of a millisecond, then one of seconds on the same rank: they are safe soon."""
    sweep = Sweep(tmp_path, milliseconds=4, rates="0.1", modes="plain, slow")
    text = sweep.job.read_text(encoding="utf-8").replace("[1, 4, 16]", "[1]")
    sweep.job.write_text(text, encoding="utf-8")
    process = sweep.start(0)
    sweep.wait_for_runs(3)
    time.sleep(1.8)
    status = sweep.variable("status").ravel()
    assert list(status) == [DONE] * 3 + [TODO] * 3
    os.kill(child_of(process.pid), signal.SIGTERM)
    process.communicate()
    assert process.returncode == 85


@pytest.mark.parametrize("mode", ["auto", "dedicated"])
def test_waiting_costs_no_core(tmp_path, mode):
    """Runs that sleep: nobody computes, so whoever is busy is busy waiting."""
    sweep = Sweep(tmp_path, milliseconds=8)
    figures = sweep.run(3, mode)
    assert figures["elapsed"] > 0.5
    assert figures["busiest"] < 0.3
    assert figures["reports"] >= 3


def test_layout(tmp_path):
    sweep = Sweep(tmp_path)
    sweep.run(2)
    with h5py.File(sweep.file, "r") as file:
        assert file["status"].shape == (3, 3, 2, 3)
        assert file["trace"].shape == (3, 3, 2, 3, len(file["step"]))
        assert file["parameters"].shape == (3, 3, 2, 3, 2, 16)
        assert list(file["width"][...]) == [1, 4, 16]
        assert list(file["rate"][...]) == [0.1, 0.5, 2.0]
        assert [mode.decode() for mode in file["mode"][...]] == ["plain", "diverges"]
        assert list(file["seed"][...]) == [0, 1, 2]
        assert file["step"][0] == 0 and file["step"][-1] == 40
        assert list(file["snapshot"][...]) == [0, 20]
        assert [name.decode() for name in file["segment"][...]] == ["weight"]
        assert (file["segment_columns"][..., 0] == np.array([1, 4, 16])[:, None, None]).all()
        assert file.attrs["experiment"] == "fake"
        assert json.loads(file.attrs["job"])
        narrow = file["parameters"][0]
        assert np.isfinite(narrow[..., :1]).all() and np.isnan(narrow[..., 1:]).all()


def test_draws_are_of_the_seed_and_the_cell(tmp_path):
    """No two runs of the cube are equal, so the digests above compare something."""
    sweep = Sweep(tmp_path)
    sweep.run(2)
    assert max(Counter(sweep.variable("value").ravel()).values()) == 1
