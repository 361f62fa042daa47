# SPDX-License-Identifier: MIT
"""The long figures: maps 6a (A7), 6b (A8, A9) and 6c of Liu et al. (2022) at the published budget,
over good seeds only.

PHASEGRID_SCIENCE_SEEDS says how many (5); PHASEGRID_SCIENCE_DIR where the cubes are kept, a file
per map and seed. A second call goes on with what is there.
"""

import os
from pathlib import Path

import numpy as np
import pytest

import harness
import liu2022
from cube import Cube

SEEDS = int(os.environ.get("PHASEGRID_SCIENCE_SEEDS", "5"))
FOLDER = Path(os.environ.get("PHASEGRID_SCIENCE_DIR",
                             Path(os.environ.get("PHASEGRID_BUILD", "build")) / "science"))
TASKS = {"6a": "regression", "6b": "regression", "6c": "classification"}


def good_seeds(task):
    """The first good seeds, by default runs with redrawn splits as in the maps."""
    path = harness.run(harness.JOBS / "default-run.yaml", FOLDER / f"default-{task}.h5", task=task,
                       min_ideal_accuracy=0.9, seeds=4 * SEEDS)
    cube = Cube([path])
    return cube.axes["seed"][liu2022.good_seed_mask(cube)][:SEEDS]


@pytest.mark.parametrize("name", TASKS)
def test_map(name):
    seeds = good_seeds(TASKS[name])
    assert len(seeds) == SEEDS, f"only {len(seeds)} of {4 * SEEDS} seeds are good"
    paths = [harness.run(harness.ROOT / "jobs" / f"liu2022-fig{name}.yaml",
                         FOLDER / f"fig{name}-seed{seed}.h5", seeds=f"[{seed}]")
             for seed in seeds]
    cube = Cube(paths)
    assert np.all(cube.finished)
    assert np.all(cube["ideal_test_accuracy"] >= 0.9)
    figures = liu2022.figures_of(cube)
    for figure in figures:
        print(figure)
    assert all(figure.passed for figure in figures), [f for f in figures if not f.passed]
