# SPDX-License-Identifier: MIT
"""Damaged and failed runs: trained again, they have the bytes of a sweep that nothing disturbed."""

import json
import random
import shutil

import h5py
import pytest

from command import SMALL_JOB, SMALL_RUNS, phasegrid
from results_file import change, flip, payload, place_of

SEED = 20261124  # of the places where bits flip
TODO, DONE, DIVERGED, FAILED = range(4)
OWNER_ELSEWHERE = """\
host: elsewhere
pid: 4711
start: 12345
boot: 00000000-0000-0000-0000-000000000000
slurm_job: 99
slurm_restart: 0
ompi_job: 0
since: 1795400000
"""
OUT_OF_MEMORY, SEGMENTATION_FAULT = 1, 3  # of `failure`


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A finished small file, never changed."""
    folder = tmp_path_factory.mktemp("repair")
    (folder / "small.yaml").write_text(SMALL_JOB)
    made = phasegrid("run", "small.yaml", "--ranks", 1, cwd=folder)
    assert made.returncode == 0, made.stderr
    return folder / "small.h5"


@pytest.fixture
def copy(sound, tmp_path):
    return shutil.copy(sound, tmp_path / "x.h5")


def digest(path):
    result = phasegrid("verify", path)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()[0]


def statuses(path):
    with h5py.File(path) as file:
        return file["status"][...].ravel().tolist()


def go_on(verb, path, *arguments):
    result = phasegrid(verb, path, "--ranks", 1, *arguments)
    assert result.returncode == 0, result.stderr
    return result


# ---- repair ----

def test_nothing_to_repair(sound, copy):
    result = phasegrid("repair", copy)
    assert (result.returncode, result.stderr) == (0, "")
    assert "nothing is damaged" in result.stdout
    assert open(copy, "rb").read() == open(sound, "rb").read()


def test_repair_and_resume(sound, copy):
    """A bit in five runs; afterwards the file is that of an undisturbed sweep."""
    draw = random.Random(SEED)
    with h5py.File(copy) as file:
        names = payload(file)
    runs = sorted(draw.sample(range(SMALL_RUNS), 5))
    for run in runs:
        offset, _, row_bytes = place_of(copy, draw.choice(names))
        flip(copy, offset + run * row_bytes + draw.randrange(row_bytes), draw.randrange(8))
    assert phasegrid("verify", copy).returncode == 3
    result = phasegrid("repair", copy)
    assert result.returncode == 0, result.stderr
    assert "5 runs are marked to do again" in result.stdout
    assert f"phasegrid resume {copy}" in result.stdout
    for run in runs:
        assert f"run {run}: " in result.stderr
    assert [run for run, status in enumerate(statuses(copy)) if status == TODO] == runs
    go_on("resume", copy)
    assert digest(copy) == digest(sound)


def test_repair_of_a_status(sound, copy):
    offset, _, _ = place_of(copy, "status")
    flip(copy, offset + 3, 6)
    page = json.loads(phasegrid("repair", copy, "--json").stdout)
    assert [found["run"] for found in page["damaged"]] == [3]
    assert page["after"]["damaged"] == [] and page["after"]["todo"] == 1
    go_on("resume", copy)
    assert digest(copy) == digest(sound)


def test_what_cannot_be_repaired(copy):
    offset, _, _ = place_of(copy, "weight_decay")
    flip(copy, offset + 15, 0)
    before = open(copy, "rb").read()
    result = phasegrid("repair", copy)
    assert result.returncode == 3
    assert "value 2 of dimension 'weight_decay'" in result.stderr
    assert "cannot be repaired" in result.stderr
    assert open(copy, "rb").read() == before


def test_a_file_that_somebody_has(copy):
    """A launch on another host may be alive: its file is left alone, unless we are told better."""
    offset, _, _ = place_of(copy, "last_step")
    flip(copy, offset, 0)
    owner = copy.with_name(copy.name + ".owner")
    owner.write_text(OWNER_ELSEWHERE)
    refused = phasegrid("repair", copy)
    assert refused.returncode == 1
    assert "elsewhere" in refused.stderr and "4711" in refused.stderr
    assert statuses(copy)[0] == DONE
    assert phasegrid("repair", copy, "--take-over").returncode == 0
    assert statuses(copy)[0] == TODO and not owner.exists()


# ---- retry ----

def test_nothing_to_retry(copy):
    result = phasegrid("retry", copy)
    assert result.returncode == 0
    assert "nothing to retry: no run has failed" in result.stdout


def test_retry_of_failed_runs(sound, copy):
    change(copy, 2, failure=OUT_OF_MEMORY, status=FAILED)
    change(copy, 9, failure=SEGMENTATION_FAULT, status=FAILED)
    go_on("retry", copy)
    assert digest(copy) == digest(sound)


def test_retry_of_one_run(sound, copy):
    """What was given up because it crashed is left out until it is asked for."""
    for run in (2, 9):
        change(copy, run, failure=SEGMENTATION_FAULT, status=FAILED)
    left_out = phasegrid("resume", copy, "--ranks", 1)
    assert left_out.returncode == 2
    assert statuses(copy)[2] == statuses(copy)[9] == FAILED
    result = phasegrid("retry", copy, "--ranks", 1, "--run", "decoder_lr=1e-4,weight_decay=1,seed=0")
    assert result.returncode == 2  # the other one has still failed
    assert statuses(copy)[2] == DONE and statuses(copy)[9] == FAILED
    go_on("retry", copy, "--run", 9)
    assert digest(copy) == digest(sound)


def test_a_diverged_run_would_diverge_again(copy):
    change(copy, 4, status=DIVERGED)
    before = open(copy, "rb").read()
    result = phasegrid("retry", copy)
    assert result.returncode == 0
    assert "1 diverged, and would diverge again under the same numerics" in result.stdout
    named = phasegrid("retry", copy, "--run", 4)
    assert named.returncode == 1
    assert "run 4 diverged, and would diverge again" in named.stderr
    assert phasegrid("retry", copy, "--run", 4, "--accept-numerics").returncode == 1
    assert open(copy, "rb").read() == before


def test_a_diverged_run_under_other_numerics(sound, copy):
    """As a program of numerics 0 would have left it."""
    change(copy, 4, status=DIVERGED, numerics=0)
    change(copy, 5, status=DIVERGED)
    refused = phasegrid("retry", copy, "--run", 4)
    assert refused.returncode == 1
    assert "diverged under numerics 0" in refused.stderr and "--accept-numerics" in refused.stderr
    go_on("retry", copy, "--accept-numerics")
    assert statuses(copy)[4] == DONE and statuses(copy)[5] == DIVERGED
    with h5py.File(copy) as file:
        assert set(file["numerics"][...].ravel()) == {file.attrs["numerics"]}
    change(copy, 5, status=DONE)
    assert digest(copy) == digest(sound)


@pytest.mark.parametrize("run, said", [(0, "run 0 is done"), (1, "run 1 is still to do"),
                                       (12, "runs 0 to 11"), ("rate=3", "not an axis")])
def test_runs_that_are_not_to_be_retried(copy, run, said):
    with h5py.File(copy, "r+") as file:
        file["status"][0, 0, 1] = TODO
    result = phasegrid("retry", copy, "--run", run)
    assert result.returncode == 1 and said in result.stderr


# ---- --accept-numerics ----

def test_a_file_of_other_numerics(sound, copy):
    """Refused; accepted, it says of each run by what it was trained, and of itself what it said."""
    with h5py.File(copy, "r+") as file:
        ours = int(file.attrs["numerics"])
        file.attrs.modify("numerics", ours + 1)
        file["numerics"][...] = ours + 1
        file["status"][1, 2, 1] = TODO
    refused = phasegrid("resume", copy, "--ranks", 1)
    assert refused.returncode == 3
    assert f"numerics {ours + 1}, and this program has numerics {ours}" in refused.stderr
    go_on("resume", copy, "--accept-numerics")
    with h5py.File(copy) as file:
        assert file.attrs["numerics"] == ours + 1
        assert file["numerics"][1, 2, 1] == ours
        assert file["numerics"][0, 0, 0] == ours + 1
        assert file["numerics"].attrs["volatile"] == 1
