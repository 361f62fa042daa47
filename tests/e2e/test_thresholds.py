# SPDX-License-Identifier: MIT
"""Thresholds and tolerances are numbers in the file, unless an axis moves them."""

import h5py

import command

JOB = """\
experiment: addition
settings: {steps: 5, decoder_width: 8, phase_lag: 700}
grid: [{name: phase_accuracy, values: [0.8, 0.9]}]
seeds: 1
"""


def run(tmp_path, job):
    (tmp_path / "job.yaml").write_text(job)
    result = command.phasegrid("run", "job.yaml", "-o", "out.h5", "--ranks", 1, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    return h5py.File(tmp_path / "out.h5")


def test_a_fixed_threshold_is_its_value(tmp_path):
    with run(tmp_path, JOB.replace("phase_accuracy, values: [0.8, 0.9]",
                                   "decoder_lr, values: [1e-3]")) as file:
        assert file["steps_to_test"].attrs["threshold"] == 0.9
        assert file["phase"].attrs["accuracy_threshold"] == 0.9
        assert file["phase"].attrs["lag_threshold"] == 700
        assert file["steps_to_rqi_held"].attrs["threshold"] == 0.95
        assert file["steps_to_rqi_held"].attrs["hold_steps"] == 100
        assert file["rqi"].attrs["parallelogram_tolerance"] == 0.01


def test_a_swept_threshold_names_its_axis(tmp_path):
    with run(tmp_path, JOB) as file:
        assert file["steps_to_test"].attrs["threshold"] == "phase_accuracy"
        assert file["phase"].attrs["lag_threshold"] == 700
