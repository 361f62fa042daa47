# SPDX-License-Identifier: MIT
"""run --shard and merge: parts of a job, trained apart, are the job's cube together."""

import shutil

import h5py
import pytest

from command import phasegrid
from cubes import digest, forge, trained

JOB = """\
title: in parts
experiment: addition
settings: {train_count: 45, batch_size: 7, decoder_depth: 1}
grid:
  - {name: weight_decay, values: [3, 1, 2]}
  - {name: steps, values: [20, 40]}
  - {name: decoder_width, values: [20, 8]}
seeds: [5, 0]
record: {points: 8, parameters: [0, 20]}
streams: independent
"""
SHARDS = 5


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """part-1.h5 to part-5.h5, and whole.h5 of an undisturbed run."""
    folder = tmp_path_factory.mktemp("parts")
    (folder / "job.yaml").write_text(JOB)
    trained("job.yaml", "whole.h5", folder)
    for i in range(1, SHARDS + 1):
        trained("job.yaml", f"part-{i}.h5", folder, "--shard", f"{i}/{SHARDS}")
    return folder


def merge(folder, output, *names):
    (folder / output).unlink(missing_ok=True)
    return phasegrid("merge", *names, "-o", output, cwd=folder)


def part(*numbers):
    return [f"part-{i}.h5" for i in numbers]


@pytest.mark.parametrize("order", [(1, 2, 3, 4, 5), (4, 1, 5, 3, 2), (2, 2, 5, 4, 3, 1, 1)])
def test_shards_are_the_job(parts, order):
    result = merge(parts, "merged.h5", *part(*order))
    assert result.returncode == 0, result.stderr
    assert result.stdout == "merged.h5: 24 of 24 runs finished\n"
    assert digest("merged.h5", parts) == digest("whole.h5", parts)
    assert phasegrid("show", "merged.h5", "--job", cwd=parts).stdout == JOB


def test_missing_shards_are_to_do(parts):
    result = merge(parts, "some.h5", *part(4, 2))
    assert "runs finished; `phasegrid resume some.h5` trains the rest" in result.stdout
    assert phasegrid("resume", "some.h5", "--ranks", 1, cwd=parts).returncode == 0
    assert digest("some.h5", parts) == digest("whole.h5", parts)


def test_every_shard_has_all_budgets_and_a_fair_share(parts):
    sizes = []
    for name in part(*range(1, SHARDS + 1)):
        with h5py.File(parts / name) as file:
            assert list(file["steps"]) == [20, 40]
            sizes.append(file["status"].size)
    assert sum(sizes) == 24 and max(sizes) <= 6


def test_a_shard_is_gone_on_with(parts, tmp_path):
    """By the same command, by resume, and grown."""
    shutil.copy(parts / "part-2.h5", tmp_path)
    (tmp_path / "job.yaml").write_text(JOB)
    again = phasegrid("run", "job.yaml", "--shard", f"2/{SHARDS}", "-o", "part-2.h5", "--ranks", 1,
                      cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert phasegrid("resume", "part-2.h5", "--ranks", 1, cwd=tmp_path).returncode == 0
    assert phasegrid("extend", "part-2.h5", "--seeds", "[9]", cwd=tmp_path).returncode == 0
    other = phasegrid("run", "job.yaml", "--shard", f"3/{SHARDS}", "-o", "part-2.h5", "--ranks", 1,
                      cwd=tmp_path)
    assert other.returncode == 3 and "was made by another job" in other.stderr


def test_the_name_of_a_shard(tmp_path):
    (tmp_path / "job.yaml").write_text(JOB)
    assert phasegrid("run", "job.yaml", "--shard", "12/12", "--ranks", 1,
                     cwd=tmp_path).returncode == 0
    assert (tmp_path / "job-12-of-12.h5").exists()


@pytest.mark.parametrize("shard,said", [
    ("13/13", "found 13 shards, expected at most 12: the job has 24 runs, and the axis of steps is "
              "not split"),
    ("0/3", "expected I/N with I from 1 to N"),
    ("4/3", "expected I/N with I from 1 to N"),
    ("1/3x", "expected I/N with I from 1 to N"),
    ("one", "expected I/N with I from 1 to N"),
])
def test_wrong_shards(parts, shard, said):
    result = phasegrid("run", "job.yaml", "--shard", shard, "-o", "no.h5", cwd=parts)
    assert result.returncode == 1 and said in result.stderr
    assert not (parts / "no.h5").exists()


def test_jobs_that_meet_nowhere(tmp_path):
    """Two files that are no shards: the values ascend, what neither has is to do."""
    trained(JOB.replace("[3, 1, 2]", "[4, 7]"), "a.h5", tmp_path)
    trained(JOB.replace("[3, 1, 2]", "[5]").replace("[5, 0]", "[0]"), "b.h5", tmp_path)
    assert merge(tmp_path, "c.h5", "a.h5", "b.h5").returncode == 0
    with h5py.File(tmp_path / "c.h5") as file:
        assert list(file["weight_decay"]) == [4, 5, 7]
        assert file["status"].shape == (3, 2, 2, 2)


def test_overlap_that_disagrees(parts, tmp_path):
    shutil.copy(parts / "part-1.h5", tmp_path)
    shutil.copy(parts / "whole.h5", tmp_path)
    with h5py.File(tmp_path / "part-1.h5") as file:
        decay, seed = file["weight_decay"][0], file["seed"][0]
    forge(tmp_path / "part-1.h5", 0, "train_loss", 0.125)
    result = merge(tmp_path, "c.h5", "whole.h5", "part-1.h5")
    assert result.returncode == 3
    assert "'whole.h5' and 'part-1.h5' disagree in run " in result.stderr
    assert f"(weight_decay {decay:g}, steps 20" in result.stderr
    assert f"seed {seed}): they differ in 'train_loss'" in result.stderr
    assert not list(tmp_path.glob("c.h5*"))


def test_cost_does_not_count(parts, tmp_path):
    shutil.copy(parts / "part-1.h5", tmp_path)
    forge(tmp_path / "part-1.h5", 0, "wall_seconds", 1e6)
    shutil.copy(parts / "whole.h5", tmp_path)
    assert merge(tmp_path, "c.h5", "whole.h5", "part-1.h5").returncode == 0
    assert digest("c.h5", tmp_path) == digest("whole.h5", tmp_path)


def test_parts_of_different_jobs(parts, tmp_path):
    trained(JOB.replace("batch_size: 7", "batch_size: 9"), "other.h5", tmp_path)
    shutil.copy(parts / "part-1.h5", tmp_path)
    result = merge(tmp_path, "c.h5", "part-1.h5", "other.h5")
    assert result.returncode == 3
    assert "settings.batch_size: 7 in part-1.h5, 9 in other.h5" in result.stderr


@pytest.mark.parametrize("arguments,said", [
    (["part-1.h5"], "a new file is needed"),
    (["-o", "c.h5"], "results files are needed"),
    (["part-1.h5", "nothing.h5", "-o", "c.h5"], "cannot open 'nothing.h5'"),
    (["part-1.h5", "part-2.h5", "-o", "part-1.h5"], "cannot create 'part-1.h5': File exists"),
])
def test_wrong_use(parts, arguments, said):
    result = phasegrid("merge", *arguments, cwd=parts)
    assert result.returncode == 1 and said in result.stderr
    assert not (parts / "c.h5").exists()
