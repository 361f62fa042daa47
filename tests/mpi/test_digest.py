# SPDX-License-Identifier: MIT
"""The real command: the same bytes on any number of ranks, and a test that would see others."""

import json
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
PACKS = Path(__file__).with_name("packs.yaml")
DONE, DIVERGED = 1, 2


# A part of the grid in another order, so that hardly a run keeps its number: what is written in
# the job, its new text, and which indices of the whole grid's axis that leaves.
PART = {
    "task": ("[regression, classification]", "[classification, regression]", [1, 0]),
    "decoder_width": ("[16, 40]", "[40]", [1]),
    "data_fraction": ("[0.6, 0.9]", "[0.9]", [1]),
    "optimizer": ("[adamw, sgd, adamw]", "[adamw, sgd]", [2, 1]),
    "decoder_lr": ("[3e-3, 1e6, 1e-2]", "[1e-2, 1e6]", [2, 1]),
    "batch_size": ("[0, 16, 20]", "[20, 16]", [2, 1]),
    "seeds": ("seeds: 2", "seeds: [1]", [1]),
}
AXES = ["task", "decoder_width", "data_fraction", "optimizer", "seeds"]
DIMENSIONS = ["task", "decoder_width", "data_fraction", "training", "seed"]


def train(program, ranks, path, *arguments, job=JOB, **environment):
    """Runs the job into `path`; 0 ranks: without mpirun."""
    alone = ["--ranks", "1"] if ranks == 0 else []
    code, out, err = launch.run(
        ranks, [program, "run", str(job), "-o", str(path), *alone, *arguments], **environment)
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
def test_a_broken_key_is_seen(tmp_path, what):
    """The same command with the rank, or the count of streams so far, in every random key."""
    for ranks in 1, 3:
        train(BROKEN, ranks, tmp_path / f"{ranks}.h5", BROKEN_KEY=what)
    assert digest(tmp_path / "1.h5") != digest(tmp_path / "3.h5")


def test_the_broken_command_is_otherwise_whole(tmp_path, reference):
    """Nothing but the key differs: unbroken by its variable, it gives the same bytes."""
    train(BROKEN, 2, tmp_path / "cube.h5", BROKEN_KEY="nothing")
    assert digest(tmp_path / "cube.h5") == digest(reference)


# ---- a run is its settings and its seed ----


def write_jobs(folder, streams):
    """The whole grid, and a part of it."""
    whole = JOB.read_text(encoding="utf-8") + f"streams: {streams}\n"
    part = whole
    for old, new, _ in PART.values():
        assert part.count(old) == 1
        part = part.replace(old, new)
    (folder / "whole.yaml").write_text(whole, encoding="utf-8")
    (folder / "part.yaml").write_text(part, encoding="utf-8")


def is_of_runs(item):
    """A variable over the whole grid that the digest counts (row_crc is over times, too)."""
    return (isinstance(item, h5py.Dataset) and "volatile" not in item.attrs
            and item.name != "/row_crc"
            and [axis[0].name.strip("/") for axis in item.dims if len(axis)][:5] == DIMENSIONS)


def rows_that_differ(folder):
    """Names of the variables whose rows in part.h5 are not, byte for byte, those of whole.h5."""
    with h5py.File(folder / "part.h5", "r") as part, h5py.File(folder / "whole.h5", "r") as whole:
        names = [name for name, item in part.items() if is_of_runs(item)]
        assert {"status", "phase", "parameters", "last_step"} <= set(names)
        where = np.ix_(*[PART[axis][2] for axis in AXES])
        return [name for name in names
                if part[name][...].tobytes() != whole[name][...][where].tobytes()]


@pytest.mark.parametrize("streams", ["shared", "independent"])
def test_a_part_of_the_grid_has_the_rows_of_the_whole(tmp_path, streams):
    write_jobs(tmp_path, streams)
    train(COMMAND, 3, tmp_path / "whole.h5", job=tmp_path / "whole.yaml")
    train(COMMAND, 2, tmp_path / "part.h5", job=tmp_path / "part.yaml")
    assert rows_that_differ(tmp_path) == []


def test_a_key_with_the_number_of_the_run_is_seen(tmp_path):
    """What the test above is worth."""
    write_jobs(tmp_path, "shared")
    for name, ranks in ("whole", 3), ("part", 2):
        train(BROKEN, ranks, tmp_path / f"{name}.h5", job=tmp_path / f"{name}.yaml",
              BROKEN_KEY="row")
    assert "parameters" in rows_that_differ(tmp_path)


# ---- instruction sets and layouts ----


@pytest.fixture(name="packs", scope="module")
def make_packs(tmp_path_factory):
    """The cube of one process with its best kernel, layouts as the cost model chooses them."""
    path = tmp_path_factory.mktemp("packs") / "cube.h5"
    train(COMMAND, 0, path, job=PACKS)
    return path


def kernels():
    code, out, err = launch.run(0, [COMMAND, "list", "kernels", "--json"])
    assert code == 0, err
    return [kernel["name"] for kernel in json.loads(out) if kernel["state"] != "not on this CPU"]


def layouts_of(job):
    code, out, err = launch.run(0, [COMMAND, "check", "--json", str(job)])
    assert code == 0, err
    return {shape["layout"] for shape in json.loads(out)["shapes"]}


def test_the_packs_hold_every_kind_of_lane(packs):
    """What the digests below are worth."""
    with h5py.File(packs, "r") as file:
        status, last_step = file["status"][...], file["last_step"][...]
    assert status.shape == (2, 2, 2, 4, 3, 2)
    assert (status[0, :, :, 3] == DIVERGED).any() and (status[:, :, :, :3] == DONE).all()
    ended = last_step[status == DONE]
    assert (ended == 400).any() and (ended < 400).any()
    assert layouts_of(PACKS) == {"samples", "runs"}


@pytest.mark.parametrize("kernel", kernels())
def test_same_bytes_on_every_instruction_set(tmp_path, packs, kernel):
    train(COMMAND, 2, tmp_path / "cube.h5", job=PACKS, PHASEGRID_KERNEL=kernel)
    assert digest(tmp_path / "cube.h5") == digest(packs)


@pytest.mark.parametrize("layout, ranks", [("samples", 3), ("runs", 1), ("runs", 5)])
def test_same_bytes_in_either_layout(tmp_path, packs, layout, ranks):
    train(COMMAND, ranks, tmp_path / "cube.h5", job=PACKS, PHASEGRID_LAYOUT=layout)
    assert digest(tmp_path / "cube.h5") == digest(packs)
