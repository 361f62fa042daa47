# SPDX-License-Identifier: MIT
"""The cheap figures of Liu et al. (2022): A2 (figure 4a), A4 (figure 3), A5 and A6 (figure 4b and the
text)."""

import numpy as np
import pytest

import harness
import liu2022
from cube import Cube


@pytest.fixture(scope="module")
def default_runs(tmp_path_factory):
    path = tmp_path_factory.mktemp("default") / "runs.h5"
    return Cube([harness.run(harness.JOBS / "default-run.yaml", path)])


def check(figures):
    for figure in figures:
        print(figure)
    failed = [figure for figure in figures if not figure.passed]
    assert figures and not failed, failed


def test_a2_the_critical_fraction(tmp_path):
    check(liu2022.figures_of(
        Cube([harness.run(harness.ROOT / "jobs" / "liu2022-fig4a.yaml", tmp_path / "runs.h5")])))


def test_a4_embeddings_predict_the_accuracy(tmp_path):
    cube = Cube([harness.run(harness.ROOT / "jobs" / "liu2022-fig3.yaml", tmp_path / "runs.h5")])
    assert cube.done.sum() == 33
    check(liu2022.figures_of(cube))
    _, predicted = liu2022.accuracies(cube).T
    recorded = cube["predicted_accuracy"][..., -1].ravel()
    assert np.array_equal(recorded, predicted.astype(np.float32))


def test_a5_few_samples_give_no_structure(tmp_path):
    path = harness.run(harness.JOBS / "default-run.yaml", tmp_path / "runs.h5", train_count=20,
                       seeds=40)
    check(liu2022.figures_of(Cube([path])))


def test_a5_many_samples_give_structure(default_runs):
    check(liu2022.many_samples(default_runs))


def test_a6_structure_comes_first(default_runs):
    check(liu2022.order_of_crossings(default_runs))


def test_phases_follow_from_the_crossings(default_runs):
    train, test = default_runs["steps_to_train"], default_runs["steps_to_test"]
    expected = liu2022.letters_from_steps(train, test, -1)
    assert np.array_equal(default_runs.phase_letters(), expected)
    assert len(set(expected.ravel())) > 1
