# SPDX-License-Identifier: MIT
"""extend: a grown cube, once finished, is the one that the grown job gives undisturbed."""

import json
import random
import shutil
import signal
import time
from contextlib import contextmanager

import h5py
import pytest

from command import phasegrid, start
from cubes import digest, rows_of, trained

HEAD = """\
title: to be grown
experiment: addition
settings: {{steps: 40, train_count: 45, {settings}}}
grid:
  - {{name: weight_decay, values: {decays}}}
{axis}seeds: {seeds}
record: {{points: 8, parameters: [0, 40]}}
stop: decided
"""


def job(settings="decoder_width: 12", decays="[2, 0]", axis="", seeds="2", streams="shared"):
    return HEAD.format(settings=settings, decays=decays, axis=axis, seeds=seeds) + \
        f"streams: {streams}\n"


ZIP = """\
  - name: shape
    zip:
      - {{name: decoder_width, values: {}}}
      - {{name: decoder_depth, values: {}}}
"""
WIDTHS = "  - {{name: decoder_widths, values: {}}}\n"
SYMBOLS = "  - {{name: p, values: {}}}\n"

GROWTHS = {
    "seeds": (job(), ["--seeds", 4], job(seeds="4")),
    "listed seeds": (job(), ["--seeds", "7,5"], job(seeds="[0, 1, 7, 5]")),
    "a real axis": (job(), ["--axis", "weight_decay=1,3"], job(decays="[2, 0, 1, 3]")),
    "mini-batches, independent streams":
        (job("decoder_width: 12, batch_size: 7", streams="independent"),
         ["--axis", "weight_decay=1", "--seeds", 3],
         job("decoder_width: 12, batch_size: 7", "[2, 0, 1]", seeds="3", streams="independent")),
    "a list axis, with deeper and wider models":
        (job("batch_size: 0", axis=WIDTHS.format("[[9, 7], [5]]")),
         ["--axis", "decoder_widths=[11,6,8],[]"],
         job("batch_size: 0", axis=WIDTHS.format("[[9, 7], [5], [11, 6, 8], []]"))),
    "a zip, in the middle":
        (job("batch_size: 0", axis=ZIP.format("[8, 20]", "[2, 1]")),
         ["--axis", "decoder_width=20,31", "--axis", "decoder_depth=3,4"],
         job("batch_size: 0", axis=ZIP.format("[8, 20, 20, 31]", "[2, 1, 3, 4]"))),
    "more symbols": (job("batch_size: 0", axis=SYMBOLS.format("[10]")), ["--axis", "p=12,11"],
                     job("batch_size: 0", axis=SYMBOLS.format("[10, 12, 11]"))),
}


@pytest.mark.parametrize("growth", GROWTHS)
def test_is_the_undisturbed_cube(growth, tmp_path):
    before, options, after = GROWTHS[growth]
    trained(before, "x.h5", tmp_path)
    runs = listing_of_runs("x.h5", tmp_path)
    result = phasegrid("extend", "x.h5", *options, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert f"{len(listing_of_runs('x.h5', tmp_path)) - len(runs)} of them new" in result.stdout
    (tmp_path / "grown.yaml").write_text(phasegrid("show", "x.h5", "--job", cwd=tmp_path).stdout)
    assert phasegrid("resume", "x.h5", "--ranks", 1, cwd=tmp_path).returncode == 0
    assert digest("x.h5", tmp_path) == trained(after, "whole.h5", tmp_path)
    assert digest("x.h5", tmp_path) == trained("grown.yaml", "again.h5", tmp_path)


def listing_of_runs(path, cwd):
    """The statuses, one a run."""
    with h5py.File(cwd / path) as file:
        return file["status"][...].ravel()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    trained(job(), "x.h5", folder)
    return folder / "x.h5"


@pytest.fixture
def small(finished, tmp_path):
    shutil.copy(finished, tmp_path)
    (tmp_path / "job.yaml").write_text(job())
    return tmp_path


def test_old_rows_keep_their_bytes(small):
    """Costs and dates too; two decays x two seeds become three x three."""
    before = rows_of(small / "x.h5", [0, 1, 2, 3])
    assert phasegrid("extend", "x.h5", "--seeds", 3, "--axis", "weight_decay=1",
                     cwd=small).returncode == 0
    assert rows_of(small / "x.h5", [0, 1, 3, 4]) == before


def test_run_with_the_old_job_goes_on(small):
    assert phasegrid("extend", "x.h5", "--seeds", 3, cwd=small).returncode == 0
    result = phasegrid("run", "job.yaml", "-o", "x.h5", "--ranks", 1, cwd=small)
    assert result.returncode == 0, result.stderr
    assert "addition: 6 runs on 1 rank" in result.stderr
    assert "job.yaml is a part of what it holds" in result.stderr
    assert (listing_of_runs("x.h5", small) == 1).all()


def test_a_larger_job_is_pointed_to_extend(small):
    (small / "job.yaml").write_text(job(seeds="3"))
    result = phasegrid("run", "job.yaml", "-o", "x.h5", "--ranks", 1, cwd=small)
    assert result.returncode == 3
    assert "seeds: 0, 1 in the file, 0, 1, 2 in the job" in result.stderr
    assert "`phasegrid extend` adds the others" in result.stderr


def test_the_extension_is_noted(small):
    assert phasegrid("extend", "x.h5", "--seeds", 3, cwd=small).returncode == 0
    with h5py.File(small / "x.h5") as file:
        reasons = [bytes(row.tobytes()).rstrip(b"\0") for row in file["provenance/reason"][:3]]
        assert file["provenance/launch_count"][()] == 2
    assert reasons == [b"done", b"extended from 4 to 6 runs", b""]


@pytest.mark.parametrize("options,said", [
    (["--axis", "weight_decay=2"], "x.h5: weight_decay: found 2, which is there already"),
    (["--axis", "weight_decay=-1"], "found -1, expected a number from 0"),
    (["--axis", "steps=10"], "which has one value in all runs, expected weight_decay"),
    (["--axis", "weight_deca=1"], "did you mean weight_decay?"),
    (["--seeds", "2"], "expected more than the 2 that are there"),
    ([], "give --axis or --seeds"),
])
def test_wrong_use_changes_nothing(small, options, said):
    before = (small / "x.h5").read_bytes()
    result = phasegrid("extend", "x.h5", *options, cwd=small)
    assert result.returncode == 1 and said in result.stderr
    assert (small / "x.h5").read_bytes() == before


def test_a_longer_budget_is_refused(tmp_path):
    trained(job(axis="  - {name: steps, values: [40, 80]}\n").replace("steps: 40, ", ""), "x.h5",
            tmp_path)
    result = phasegrid("extend", "x.h5", "--axis", "steps=100", cwd=tmp_path)
    assert result.returncode == 1
    assert "steps: found 100, expected at most 80, the longest budget" in result.stderr
    assert phasegrid("extend", "x.h5", "--axis", "steps=60", cwd=tmp_path).returncode == 0


LONG = job("decoder_width: 40").replace("steps: 40", "steps: 6000").replace("[0, 40]", "[]")


def finished_runs(cwd):
    result = phasegrid("status", "x.h5", "--json", cwd=cwd)
    return json.loads(result.stdout)["done"] if result.returncode == 0 else 0


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


@contextmanager
def sweep(cwd, *options):
    """A sweep of the long job at work, killed in the end."""
    (cwd / "job.yaml").write_text(LONG)
    process = start("run", "job.yaml", "-o", "x.h5", "--ranks", 1, *options, cwd=cwd)
    try:
        yield
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def long_digest(tmp_path_factory):
    """Of the long job with three seeds."""
    return trained(LONG.replace("seeds: 2", "seeds: 3"), "whole.h5",
                   tmp_path_factory.mktemp("long"))


def test_an_unfinished_cube(tmp_path, long_digest):
    """Killed in the middle, extended, and finished."""
    with sweep(tmp_path):
        wait_for(lambda: finished_runs(tmp_path) > 0)
    done = finished_runs(tmp_path)
    result = phasegrid("extend", "x.h5", "--seeds", 3, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert finished_runs(tmp_path) == done
    assert phasegrid("resume", "x.h5", "--ranks", 1, cwd=tmp_path).returncode == 0
    assert digest("x.h5", tmp_path) == long_digest


def test_checkpoints_stay_good(tmp_path, long_digest):
    """They stand beside the grown file, whose rows have other numbers, and are used up by it."""
    with sweep(tmp_path, "--checkpoint-every", "0.1s"):
        wait_for(lambda: list(tmp_path.glob("x.h5.checkpoint-*")))
    left = {path.name: path.read_bytes() for path in tmp_path.glob("x.h5.checkpoint-*")}
    result = phasegrid("extend", "x.h5", "--seeds", 3, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert left == {path.name: path.read_bytes() for path in tmp_path.glob("x.h5.checkpoint-*")}
    assert phasegrid("resume", "x.h5", "--ranks", 1, cwd=tmp_path).returncode == 0
    assert digest("x.h5", tmp_path) == long_digest
    assert not list(tmp_path.glob("x.h5.*"))


def test_a_sweep_at_work_keeps_its_file(tmp_path):
    with sweep(tmp_path):
        wait_for(lambda: (tmp_path / "x.h5").exists())
        result = phasegrid("extend", "x.h5", "--seeds", 3, cwd=tmp_path)
        assert result.returncode == 1
        assert "'x.h5' is in use by another launch: host " in result.stderr
        assert len(listing_of_runs("x.h5", tmp_path)) == 4


def test_a_damaged_row_is_named(small):
    with h5py.File(small / "x.h5", "r+") as file:
        file["last_step"][1, 0] += 1
    before = (small / "x.h5").read_bytes()
    result = phasegrid("extend", "x.h5", "--seeds", 3, cwd=small)
    assert result.returncode == 3
    assert "'x.h5' is damaged in run 2 (weight_decay 0, seed 0): its CRC is" in result.stderr
    assert (small / "x.h5").read_bytes() == before


def test_a_row_that_failed_stays_as_it_is(small):
    with h5py.File(small / "x.h5", "r+") as file:
        file["status"][0, 1] = 3
    before = rows_of(small / "x.h5", [1])
    assert phasegrid("extend", "x.h5", "--axis", "weight_decay=1", cwd=small).returncode == 0
    assert rows_of(small / "x.h5", [1]) == before


def test_killed_at_any_moment(small):
    """There is the old file or the new one, and nothing else once the next command has been."""
    random.seed(4)
    before = digest("x.h5", small)
    for seeds in range(3, 15):
        extending = start("extend", "x.h5", "--seeds", seeds * 200, cwd=small)
        time.sleep(random.uniform(0.0, 0.12))
        extending.send_signal(signal.SIGKILL)
        extending.communicate()
        count = len(listing_of_runs("x.h5", small))
        if count == 4:
            assert digest("x.h5", small) == before
        else:
            assert count == 2 * seeds * 200
            break
    seeds = len(listing_of_runs("x.h5", small)) // 2 + 1
    assert phasegrid("extend", "x.h5", "--seeds", seeds, cwd=small).returncode == 0
    assert {path.name for path in small.iterdir()} == {"x.h5", "job.yaml"}
