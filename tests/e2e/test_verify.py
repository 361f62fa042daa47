# SPDX-License-Identifier: MIT
"""Proof: every flipped bit is found and named, and two files are compared run by run."""

import json
import random
import shutil
import subprocess

import h5py
import numpy as np
import pytest

from command import SMALL_JOB, SMALL_RUNS, phasegrid
from results_file import change, fix_crc, flip, payload, place_of

SEED = 20261123  # of the places where bits flip
RUN_5 = "run 5: decoder_lr 0.0001, weight_decay 2, seed 1"


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A finished small file, never changed."""
    folder = tmp_path_factory.mktemp("verify")
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


def test_a_sound_file(sound):
    result = phasegrid("verify", sound)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.split() == [digest(sound), str(sound)]
    page = json.loads(phasegrid("verify", sound, "--json").stdout)
    assert page["digest"] == digest(sound)
    assert (page["runs"], page["done"], page["damaged"], page["damage"]) == (SMALL_RUNS, 12, [], None)


def test_a_bit_in_every_payload_variable(sound, copy):
    """One variable after the other, a random run and place in it; volatile ones as well."""
    draw = random.Random(SEED)
    with h5py.File(sound) as file:
        names = payload(file)
    assert len(names) > 15 and {"wall_seconds", "attempts"} <= set(names)
    for name in names:
        offset, size, row_bytes = place_of(copy, name)
        at, bit = draw.randrange(size), draw.randrange(8)
        run = at // row_bytes
        flip(copy, offset + at, bit)
        result = phasegrid("verify", copy)
        assert result.returncode == 3, f"{name}: byte {at}, bit {bit}"
        assert result.stdout == ""
        assert f"run {run}: " in result.stderr, name
        assert f"1 of {SMALL_RUNS} runs are damaged" in result.stderr
        assert result.stderr.rstrip().endswith(f"phasegrid repair {copy}")
        flip(copy, offset + at, bit)
    assert digest(copy) == digest(sound)


def test_a_bit_in_a_row_crc(copy):
    offset, _, row_bytes = place_of(copy, "row_crc")
    flip(copy, offset + 5 * row_bytes + 2, 7)
    result = phasegrid("verify", copy)
    assert result.returncode == 3
    assert RUN_5 + ": its data do not fit its CRC" in result.stderr


@pytest.mark.parametrize("bit", range(1, 8))
def test_a_bit_in_a_status(copy, bit):
    """done (1) becomes failed (3), which has no reason, or a code that there is not."""
    offset, _, _ = place_of(copy, "status")
    flip(copy, offset + 5, bit)
    result = phasegrid("verify", copy)
    assert result.returncode == 3
    assert RUN_5 + ": its status" in result.stderr
    found = json.loads(phasegrid("verify", copy, "--json").stdout)["damaged"]
    assert found == [{"run": 5, "cell": "decoder_lr 0.0001, weight_decay 2", "seed": 1,
                      "fault": "status"}]


def test_done_that_reads_as_to_do(copy):
    """Nothing is lost but the run: it would be trained again."""
    offset, _, _ = place_of(copy, "status")
    flip(copy, offset + 5, 0)
    result = phasegrid("verify", copy)
    assert result.returncode == 0
    assert "1 runs to do hold data" in result.stderr and "(1 are whole)" in result.stderr


@pytest.mark.parametrize("name, value", [("decoder_lr", "value 2 of dimension 'decoder_lr'"),
                                         ("seed", "value 2 of dimension 'seed'"),
                                         ("step", "value 2 of dimension 'step'")])
def test_a_bit_in_a_coordinate(copy, name, value):
    offset, _, _ = place_of(copy, name)
    flip(copy, offset + 8, 3)
    result = phasegrid("verify", copy)
    assert result.returncode == 3
    assert "damaged outside of its rows" in result.stderr and value in result.stderr
    assert "cannot be repaired" in result.stderr


def test_a_bit_in_the_data_of_cells(copy):
    offset, size, _ = place_of(copy, "segment_rows")
    flip(copy, offset + size - 8, 0)
    result = phasegrid("verify", copy)
    assert result.returncode == 3
    assert "segment_rows (segment" in result.stderr and "by its job" in result.stderr


@pytest.mark.parametrize("text, found", [
    (b"experiment: addition", "title, job_text, source"),  # the job file as it was
    (b"comprehension grokking", "flag_meanings"),
    (b'"decoder_width":20', "damaged"),  # the job that the file keeps
])
def test_a_bit_in_a_text(copy, text, found):
    """Texts stand in heaps, which HDF5 does not check."""
    whole = open(copy, "rb").read()
    at = whole.find(text)
    assert at >= 0
    flip(copy, at + len(text) - 1, 0)
    result = phasegrid("verify", copy)
    assert result.returncode == 3 and found in result.stderr


def test_many_damaged_runs(copy):
    offset, size, row_bytes = place_of(copy, "last_step")
    for run in range(SMALL_RUNS):
        flip(copy, offset + run * row_bytes, 0)
    result = phasegrid("verify", copy)
    named = [line for line in result.stderr.splitlines() if line.startswith("run ")]
    assert len(named) == 10 and "and 2 more" in result.stderr
    assert len(json.loads(phasegrid("verify", copy, "--json").stdout)["damaged"]) == SMALL_RUNS


@pytest.mark.skipif(shutil.which("h5repack") is None, reason="no h5repack")
def test_a_repacked_file(sound, copy):
    """Chunked and compressed by a tool of HDF5's, the file says the same, and is checked as well."""
    packed = copy.with_name("packed.h5")
    subprocess.run(["h5repack", "-f", "GZIP=1", sound, packed], check=True, timeout=60)
    assert digest(packed) == digest(sound)
    with h5py.File(packed, "r+") as file:
        file["last_step"][0, 1, 1] += 1
    damaged = phasegrid("verify", packed)
    assert damaged.returncode == 3 and "run 3: " in damaged.stderr


# ---- against another file ----

def test_against_itself(sound, copy):
    result = phasegrid("verify", sound, "--against", copy)
    assert result.returncode == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == [digest(sound)] * 2
    assert "hold the same results" in result.stderr
    link = copy.with_name("link.h5")
    link.symlink_to(copy)
    for same in (copy, link):  # one file, opened twice
        assert phasegrid("verify", copy, "--against", same).returncode == 0


def test_against_a_file_that_differs(sound, copy):
    """Run 7 = (1e-2, 0, seed 1): its second recorded train_loss, with a CRC that fits."""
    with h5py.File(copy, "r+") as file:
        file["train_loss"][1, 0, 1, 1] = 0.5
        file["train_loss"][1, 1, 0, 2] = 0.5
        step = file["step"][1]
        before = h5py.File(sound)["train_loss"][1, 0, 1, 1]
    fix_crc(copy, 7)
    fix_crc(copy, 8)
    result = phasegrid("verify", sound, "--against", copy)
    assert result.returncode == 3
    assert (f"2 of {SMALL_RUNS} runs differ; the first is run 7: decoder_lr 0.01, weight_decay 0, "
            f"seed 1: train_loss (step {step}) is ") in result.stderr
    assert f"0.5 in {copy}" in result.stderr
    page = json.loads(phasegrid("verify", sound, "--against", copy, "--json").stdout)
    first = page["comparison"]["first"]
    assert (first["run"], first["place"]) == (7, f"train_loss (step {step})")
    assert np.float32(first["here"]) == before and first["there"] == "0.5"


def test_against_an_unfinished_file(sound, copy):
    with h5py.File(copy, "r+") as file:
        file["status"][0, 1, 0] = 0
    result = phasegrid("verify", sound, "--against", copy)
    assert result.returncode == 3
    assert "(1 have a result in one file only)" in result.stderr
    assert "run 2: decoder_lr 0.0001, weight_decay 1, seed 0: status is 1 (done) in" in result.stderr


def test_against_another_job(sound, tmp_path):
    (tmp_path / "other.yaml").write_text(SMALL_JOB)
    made = phasegrid("run", "other.yaml", "--ranks", 1, "--set", "steps=40", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    result = phasegrid("verify", sound, "--against", tmp_path / "other.h5")
    assert result.returncode == 3
    assert "settings.steps: 50" in result.stderr and "40" in result.stderr


def test_against_a_damaged_file(sound, copy):
    offset, _, _ = place_of(copy, "last_step")
    flip(copy, offset, 0)
    for pair in ((sound, copy), (copy, sound)):
        result = phasegrid("verify", pair[0], "--against", pair[1])
        assert result.returncode == 3 and "run 0: " in result.stderr


# ---- computed again ----

def test_recompute(sound):
    result = phasegrid("verify", sound, "--recompute", 4, "--seed", 7)
    assert result.returncode == 0, result.stderr
    runs = [line for line in result.stderr.splitlines() if line.startswith("run ")]
    assert len(set(runs)) == 4 and all(line.endswith(": the same bytes") for line in runs)
    again = phasegrid("verify", sound, "--recompute", 4, "--seed", 7)
    assert again.stderr == result.stderr
    everything = phasegrid("verify", sound, "--recompute", 1000)
    assert everything.stderr.count(": the same bytes") == SMALL_RUNS


def test_recompute_finds_what_a_crc_cannot(copy):
    with h5py.File(copy, "r+") as file:
        file["train_loss"][0, 2, 1, 3] += 1
        step = file["step"][3]
    fix_crc(copy, 5)
    assert phasegrid("verify", copy).returncode == 0
    result = phasegrid("verify", copy, "--run", 5)
    assert result.returncode == 3
    assert f"{RUN_5}: train_loss (step {step}) is " in result.stderr
    assert "1 of 1 runs computed again are not as the file has them" in result.stderr
    named = phasegrid("verify", copy, "--run", "decoder_lr=1e-4,weight_decay=2,seed=1", "--json")
    assert named.returncode == 3
    assert json.loads(named.stdout)["recomputed"][0]["result"] == "differs"
    assert phasegrid("verify", copy, "--run", 4).returncode == 0


def test_recompute_does_not_blame_another_numerics(copy):
    change(copy, 5, numerics=12)
    note = phasegrid("verify", copy)
    assert note.returncode == 0
    assert "1 runs were trained with other numerics" in note.stderr
    result = phasegrid("verify", copy, "--run", 5)
    assert result.returncode == 1
    assert "it was computed by numerics 12, and this program has numerics" in result.stderr
    assert phasegrid("verify", copy, "--recompute", SMALL_RUNS).returncode == 0


def test_wrong_use(sound, copy):
    with h5py.File(copy, "r+") as file:
        file["status"][0, 0, 0] = 0
    for arguments, said in [([sound, "--run", 12], "runs 0 to 11"),
                            ([copy, "--run", 0], "run 0 has no result"),
                            ([sound, "--seed", 1], "--recompute"),
                            ([sound, "--recompute", 0], "not a whole number"),
                            ([sound, "--against", "missing.h5"], "missing.h5")]:
        result = phasegrid("verify", *arguments)
        assert result.returncode == 1 and said in result.stderr, result.stderr
