# SPDX-License-Identifier: MIT
"""The longer part of test_parity.py."""

import numpy as np

import harness
from cube import Cube

JOBS = harness.ROOT / "jobs"


def test_parity_takes_as_long_as_the_rate_says(tmp_path):
    """Median steps times the learning rate is constant within a factor of 2 over .02 to .4."""
    cube = Cube([harness.run(JOBS / "parity-lr.yaml", tmp_path / "runs.h5")])
    found = np.median(cube["steps_to_test"], axis=1) * cube.axes["learning_rate"]
    print(found)
    assert np.all(cube["steps_to_test"] >= 0)
    assert found.max() <= 2 * found.min()


def test_parity_makes_progress_that_the_accuracy_hides(tmp_path):
    """Of every seed: while the accuracy is below .53, relevant weights have moved at least twice as far
    as irrelevant ones."""
    cube = Cube([harness.run(JOBS / "parity-progress.yaml", tmp_path / "runs.h5")])
    ratio = cube["movement_relevant"][:, 1:] / cube["movement_irrelevant"][:, 1:]
    at_chance = np.logical_and.accumulate(cube["test_accuracy"][:, 1:] < 0.53, axis=1)
    print(ratio, at_chance)
    assert np.all(np.max(np.where(at_chance, ratio, 0), axis=1) >= 2)
