# SPDX-License-Identifier: MIT
"""Which layout a shape gets, and what is said of runs whose products are OpenBLAS's."""

import h5py
import pytest

import command

BATCHES = """\
experiment: addition
settings: {steps: 20, p: 5, decoder_width: 6, decoder_lr: 0.01, batch_size: 4}
grid:
  - {name: train_count, values: [%s]}
"""

WIDE = """\
experiment: addition
settings: {steps: 2, p: 20, data_fraction: 0.8}
grid:
  - {name: decoder_width, values: [8, 1500]}
"""


def train(job, path):
    done = command.phasegrid("run", job, "-o", path, "--ranks", 1)
    assert done.returncode == 0, done.stderr


@pytest.fixture(name="job")
def make_job(tmp_path):
    job = tmp_path / "job.yaml"
    job.write_text(WIDE, encoding="utf-8")
    return job


def test_check_tells_the_layout_of_each_shape(job):
    shapes = command.listing("check", job)["shapes"]
    assert [(shape["layout"], shape["openblas"], shape["runs"]) for shape in shapes] == [
        ("runs", False, 1), ("samples", True, 1)]
    text = command.phasegrid("check", job).stdout
    assert "16 runs in SIMD lanes: 1 run shaped as decoder_width 8" in text
    assert "samples in SIMD lanes, products by OpenBLAS (" in text


def test_openblas_is_recorded_where_it_multiplied(job, tmp_path):
    train(job, tmp_path / "wide.h5")
    with h5py.File(tmp_path / "wide.h5", "r") as file:
        core = file["blas_core"][...].ravel()
        meanings = file["blas_core"].attrs["flag_meanings"].split()
        assert core[0] == 0 and meanings[0] == "none"
        assert core[1] not in (0, 255)
        assert file["blas_core"].attrs["volatile"] == 1
        assert "OpenBLAS" in file.attrs["bytes_depend_on"]


def test_a_file_without_openblas_says_so(tmp_path):
    job = tmp_path / "job.yaml"
    job.write_text("experiment: addition\nsettings: {steps: 5, decoder_width: 8}\n",
                   encoding="utf-8")
    train(job, tmp_path / "narrow.h5")
    with h5py.File(tmp_path / "narrow.h5", "r") as file:
        assert file.attrs["bytes_depend_on"] == "settings and seed"
        assert "blas_core" not in file


def test_cells_of_equal_cost_are_trained_each_by_its_own_settings(tmp_path):
    """With mini-batches a training sample more costs nothing, and fits in the same memory."""
    losses = {}
    for counts in ("9, 10", "9", "10"):
        job, path = tmp_path / "job.yaml", tmp_path / f"{counts}.h5"
        job.write_text(BATCHES % counts, encoding="utf-8")
        train(job, path)
        with h5py.File(path, "r") as file:
            losses[counts] = file["train_loss"][:, 0].tolist()
    assert losses["9, 10"] == losses["9"] + losses["10"]


def test_a_layout_that_does_not_exist_is_refused_before_a_file_is_begun(job, tmp_path):
    path = tmp_path / "refused.h5"
    done = command.phasegrid("run", job, "-o", path, "--ranks", 1, PHASEGRID_LAYOUT="rows")
    assert done.returncode == 1
    assert "PHASEGRID_LAYOUT=rows: no such layout; expected samples or runs" in done.stderr
    assert not path.exists()
