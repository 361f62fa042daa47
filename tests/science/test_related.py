# SPDX-License-Identifier: MIT
"""Diagonal linear networks, the direction of convergence, the variance of the gradient and momentum
against the papers and closed forms; a separate implementation, in float64, ends where the program
ends. Found against expected: docs/related.md."""

import numpy as np
import pytest

import harness
import retrain_related as again
from cube import Cube

JOBS = harness.ROOT / "jobs"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("related")


def setting_of(cube, index):
    return lambda name: cube.value(name, index[:-1])


# ---- float64 ----

def test_float64_diagonal_linear(folder):
    cube = Cube([harness.run(harness.JOBS / "retrain-diagonal.yaml", folder / "diagonal.h5")])
    assert cube.done.sum() == 8
    points = set(cube.coordinate("step"))
    names = ["train_loss", "population_loss", "off_support_l1"]
    for index in map(tuple, np.argwhere(cube.done)):
        ours, end = again.diagonal_linear(setting_of(cube, index),
                                          int(cube.axes["seed"][index[-1]]), points)
        theirs = np.stack([cube[name][index] for name in names], axis=1)
        apart = np.max(np.abs(theirs - ours) / (1e-6 + np.abs(ours)))
        moved = np.max(np.abs(cube["parameters"][index][-1] - end))
        print(index, apart, moved)
        assert apart < 1e-5 and moved < 1e-6


def test_float64_least_squares(folder):
    cube = Cube([harness.run(harness.JOBS / "retrain-least-squares.yaml", folder / "least.h5")])
    assert cube.done.sum() == 4
    points = set(cube.coordinate("step"))
    for index in map(tuple, np.argwhere(cube.done)):
        ours = again.least_squares(setting_of(cube, index), int(cube.axes["seed"][index[-1]]),
                                   points)
        theirs = np.stack([cube["train_loss"][index], cube["rayleigh_quotient"][index]], axis=1)
        print(index, np.max(np.abs(theirs / ours - 1)))
        assert np.max(np.abs(theirs / ours - 1)) < 1e-5


# ---- B4 ----

@pytest.fixture(scope="module")
def diagonal(folder):
    return Cube([harness.run(JOBS / "diagonal-linear.yaml", folder / "b4.h5")])


def test_larger_steps_are_sparser(diagonal):
    """Median population loss and l1 off the support fall over lr .02, .1, .2."""
    assert diagonal.done.all()
    losses = np.median(diagonal["population_loss"][:3, :, -1], axis=1)
    beside = np.median(diagonal["off_support_l1"][:3, :, -1], axis=1)
    print(losses, beside)
    assert np.all(np.diff(losses) < 0) and np.all(np.diff(beside) < 0)


def test_label_noise(diagonal):
    """At lr .05, off at 70 %: at most a twentieth of the loss without it."""
    without, noisy = np.median(diagonal["population_loss"][3:5, :, -1], axis=1)
    print(without, noisy)
    assert noisy <= without / 20


# ---- B6 ----

@pytest.fixture(scope="module")
def direction(folder):
    return Cube([harness.run(JOBS / "least-squares.yaml", folder / "b6.h5")])


def test_all_cross(direction):
    assert direction.done.all() and np.all(direction["steps_to_crossing"] > 0)


def test_large_steps_come_in_along_the_largest(direction):
    """lr lambda_1 = 1.5, 1.7, 1.9: Rayleigh quotient over the largest squared norm >= .95."""
    found = direction["crossing_rayleigh"][1, 2:] / 2.0
    print(found)
    assert np.all(found >= 0.95)


def test_small_steps_come_in_along_the_smallest(direction):
    """lr lambda_1 <= 1: within 5 % of the smallest."""
    found = direction["crossing_rayleigh"][1, :2]
    print(found)
    assert np.all(np.abs(found - 1.0) <= 0.05)


def test_full_batches_come_in_along_the_smallest(direction):
    found = direction["crossing_rayleigh"][0]
    print(found)
    assert np.all(np.abs(np.median(found, axis=1) - 1.0) <= 0.05)


@pytest.mark.xfail(strict=True, reason="one seed of five is 6 % above: docs/related.md")
def test_full_batches_come_in_along_the_smallest_at_every_seed(direction):
    assert np.all(np.abs(direction["crossing_rayleigh"][0] - 1.0) <= 0.05)


# ---- B5 ----

def test_variance_falls_with_the_batch(folder):
    """At every update, with the mean square of the full gradient; (n - b) / (b (n - 1)) at t = 0."""
    cube = Cube([harness.run(JOBS / "gradient-variance.yaml", folder / "b5.h5")])
    variance, square = cube["gradient_variance"], cube["full_gradient_square"]
    b = np.arange(1, 7)
    law = (6 - b) / (5 * b)
    assert np.max(np.abs(variance[:, :, 0] / variance[:, :, 0, :1] - law)) < 1e-6
    for values in (variance, square):
        assert np.all(np.diff(values, axis=-1) <= 1e-12 * values[..., :1])
    for index in map(tuple, np.argwhere(cube.done)):
        if cube.axes["seed"][index[-1]] > 1:
            continue
        for batch in (1, 2, 5, 6):
            ours = again.moments_by_name(cube["data_inputs"][index], cube["data_targets"][index],
                                         cube["start"][index],
                                         cube.value("learning_rate", index[:-1]), batch, 4)
            assert np.allclose(variance[index][:, batch - 1], ours[:, 0], rtol=1e-10, atol=1e-12)
            assert np.allclose(square[index][:, batch - 1], ours[:, 1], rtol=1e-10, atol=1e-12)


def misses(cube, degree):
    """Largest miss at b = 8 .. 12 of the polynomial in 1 / b through b = 1 .. degree + 1."""
    b = np.arange(1, 13)
    found = 0.0
    for run in cube["gradient_variance"][..., 1, :].reshape(-1, 12):
        for batch in range(8, 13):
            guess = again.through(list(1 / b[:degree + 1]), run[:degree + 1], 1 / batch)
            found = max(found, abs(guess - run[batch - 1]) / run[0])
    return found


def test_two_layers_are_a_polynomial(folder):
    """Degree 6 = 2 (2 D - 1) after one update; a lower one misses."""
    cube = Cube([harness.run(JOBS / "gradient-variance.yaml", folder / "b5-two.h5",
                             model="two_layer", steps=1, dimension=1, batch_most=12)])
    found = [misses(cube, degree) for degree in (4, 5, 6)]
    print(found)
    assert found[2] <= 1e-12 and found[0] >= 1e-9 and found[1] >= 1e-9


# ---- B7 ----

def test_stationary_variance_of_heavy_ball(folder):
    cube = Cube([harness.run(JOBS / "heavy-ball.yaml", folder / "b7.h5")])
    rate = 0.1
    for index, mu in enumerate(cube.axes["momentum"]):
        expected = rate * (1 + mu) / ((1 - mu) * (2 * (1 + mu) - rate))
        found = 2.0 * np.mean(cube["train_loss"][index, :, 20:]) / 10000
        print(mu, found / expected)
        assert abs(found / expected - 1) <= 0.02
