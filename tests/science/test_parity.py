# SPDX-License-Identifier: MIT
"""Sparse parities (Barak et al. 2022, arXiv:2207.08799)."""

import numpy as np

import harness
from cube import Cube

JOBS = harness.ROOT / "jobs"


def test_parity_over_the_length_of_the_input(tmp_path):
    """Every seed finds the parity, after a number of steps that grows as a power of n from 1 to 3."""
    cube = Cube([harness.run(JOBS / "parity.yaml", tmp_path / "runs.h5")])
    found = np.median(cube["steps_to_test"], axis=1)
    slope = np.polyfit(np.log(cube.axes["n"]), np.log(found), 1)[0]
    print(cube["steps_to_test"], found, slope)
    assert np.all(cube["steps_to_test"] >= 0)
    assert 1 <= slope <= 3
