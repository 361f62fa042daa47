# SPDX-License-Identifier: MIT
"""The toy model of superposition at length (Chen et al. 2023): where SGD ends from three starts, what
the local learning coefficient does at a jump, the posterior of data sets, and deep linear networks by
SGLD. Takes some minutes."""

import h5py
import numpy as np
import pytest

import harness

FEATURES = 6
H = {4: 0.0, 5: 0.237384, 6: 0.867463}
FOURS, FIVES = (.111111, .104167, .097222), (.068744, .061799)


def levels():
    """Losses of all phases of the table."""
    return np.array([(h + FEATURES - k - 3 * sigma / (4 * FEATURES) + phi * (1 - h / k)) / (3 * FEATURES)
                     for k, h in H.items() for sigma in range(FEATURES - k + 1) for phi in range(4)])


@pytest.fixture(name="cube", scope="module")
def make_cube(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tms")

    def run(job):
        return h5py.File(harness.run(job, folder / f"{job.stem}.h5"))
    return run


def test_ensemble(cube):
    """Ends lie on the levels; 4-gons reach 5 or 5+ in a quarter and never 6; the loss never rises."""
    loss = cube(harness.ROOT / "jobs" / "tms-sgd.yaml")["population_loss"][...]
    away = abs(loss[:, :, -1, None] - levels()).min(axis=-1)
    print("on a level", (away < .001).mean(axis=1))
    assert (away < .001).mean() >= .95
    ends = loss[0, :, -1]
    fives = (abs(ends[:, None] - np.array(FIVES)).min(axis=1) < .001).mean()
    print("4-gons that end at 5 or 5+", fives)
    assert .15 <= fives <= .35 and (abs(ends - .048192) < .001).mean() <= .01
    late = loss[:, :, 7:]  # after 2 % of 300 intervals
    rise = (late - np.minimum.accumulate(late, axis=-1)).max()
    print("largest rise", rise)
    assert rise < .002


def near(loss, wanted):
    return (abs(loss[:, None] - np.array(wanted)) < .002).any(axis=1)


def test_jumps(cube):
    """From a 4 to a 5 the loss falls and the local learning coefficient rises."""
    file = cube(harness.ROOT / "jobs" / "tms-llc.yaml")
    at = np.searchsorted(file["step"][...], file["llc_step"][...])
    changes = []
    for loss, llc in zip(file["population_loss"][...][:, at], file["llc"][...]):
        new = np.flatnonzero(near(loss, FIVES))
        old = np.flatnonzero(near(loss, FOURS))
        if new.size and (old < new[0]).any():
            last = old[old < new[0]][-1]
            changes.append((loss[new[0]] - loss[last], llc[new[0]] - llc[last]))
    loss, llc = np.array(changes).T
    print(len(changes), "jumps, mean change of the LLC", llc.mean())
    assert len(changes) >= 30 and ((loss < -.03) & (llc > .6)).mean() >= .9 and llc.mean() > 1


def test_posterior_of_data_sets(cube):
    """The mean share of 6 over 48 data sets rises with n, to the reference's within .15."""
    file = cube(harness.JOBS / "tms-posterior-samples.yaml")
    six = file["signed_occupancy"][:, :, 6, 0].mean(axis=1)
    print(six)
    assert np.all(np.diff(six) > 0)
    assert np.all(abs(six[2:] - [.27, .78, .99]) < .15)


def test_deep_linear_networks(cube):
    """SGLD within 10 % of lambda - (m - 1) / ln(n beta) on twelve networks."""
    file = cube(harness.JOBS / "deep-linear-sgld.yaml")
    found, expected = file["llc"][:, 0, 0], file["llc_truth"][:, 0, 0]
    print(np.round(found / expected - 1, 3))
    assert found.size == 12 and np.all(abs(found / expected - 1) < .10)
