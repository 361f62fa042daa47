# SPDX-License-Identifier: MIT
"""Estimates of the local learning coefficient against what is known: closed forms, exact values at
finite n, volume exponents, and the published values at the phases of the toy model of superposition.
And the stated intervals hold what they should as often as they say."""

import h5py
import numpy as np
import pytest

import harness

PHASES = ("4", "4+", "4++", "5", "5+", "6")


@pytest.fixture(name="cube")
def make_cube(tmp_path):
    """A job by its path, run, as an open file."""
    def run(job, **settings):
        return h5py.File(harness.run(job, tmp_path / f"{job.stem}.h5", **settings))
    return run


def means(file, name="llc"):
    """Of every cell of the first axis."""
    values = file[name][...]
    return values.mean(axis=tuple(range(1, values.ndim)))


def test_normal_crossings(cube):
    """Within .015 of the exact value at n = 1000, and in its order."""
    file = cube(harness.ROOT / "jobs" / "llc-normal-crossing.yaml")
    found, exact = means(file), np.array([.498, .361, .243, .210, .150, .157, .142, .112, .089])
    print(found - exact)
    assert np.all(abs(found - exact) < .015)
    apart = [0, 1, 2, 3, 5, 6, 7, 8]  # (2,2) and (0,3) are .007 apart
    assert np.all(np.diff(found[apart]) < 0)


def test_deep_linear_networks(cube):
    """HMC at n beta = 1e4 within .05 of a reference; the last has multiplicity 3."""
    found = means(cube(harness.JOBS / "deep-linear-hmc.yaml"))
    print(found)
    assert np.all(abs(found - [1.49, 2.01, 3.95, 1.283]) < .05)


def test_volume_exponents(cube):
    """At n beta = 1e6 the phases have the exponents of their volumes: 4, 4+, 4++, 5, 5+, 6 of six
    features, 4 of four."""
    found = means(cube(harness.JOBS / "tms-volume.yaml"))
    print(found)
    assert np.all(abs(found - [7.5, 8.0, 8.5, 7.0, 8.5, 8.5, 5.5]) < .15)


def test_phases_at_a_thousand_samples(cube):
    """Ten data sets: full batch near the reference and in its order, and what batches of 20 add."""
    file = cube(harness.ROOT / "jobs" / "tms-phases-llc.yaml")
    values = file["llc"][..., 0]  # (phase, batch size, seed)
    full, difference = values[:, 0].mean(axis=1), (values[:, 1] - values[:, 0]).mean(axis=1)
    print(dict(zip(PHASES, full)), difference)
    assert np.all(abs(full - [3.60, 4.27, 4.96, 5.52, 6.51, 6.64]) < [.6, .6, .6, .25, .25, .25])
    assert np.all(np.diff(full) > [0, 0, 0, 0, -1e-12])
    assert np.all((difference > -.05) & (difference < .25))


def test_rotations_do_not_matter(cube):
    file = cube(harness.JOBS / "tms-turned.yaml")
    value, error = file["llc"][..., 0], file["llc_se"][..., 0]
    distance = (value[1] - value[0]).mean(axis=-1)
    spread = np.sqrt((error ** 2).sum(axis=(0, 2))) / value.shape[-1]
    print(distance, spread)
    assert np.all(abs(distance) < 3 * spread)


def test_quadratics(cube):
    """SGLD, MALA and HMC at four step sizes: mean of ten estimates within four standard errors of
    the exact value, and these below 1 %."""
    file = cube(harness.ROOT / "jobs" / "llc-quadratic.yaml")
    found, exact = file["llc"][..., 0].mean(axis=-1), file["llc_truth"][..., 0].mean(axis=-1)
    error = file["llc_se"][..., 0].mean(axis=-1) / np.sqrt(10)
    print((found - exact) / error)
    assert np.all(abs(found - exact) < 4 * error) and np.all(error < .01 * exact)


@pytest.mark.parametrize("job", ["llc-coverage", "llc-coverage-crossing"])
def test_intervals_are_honest(cube, job):
    """The 95 % intervals of 200 repeats hold the exact value in 90 to 98 %, with 4, 8, 20 chains."""
    file = cube(harness.JOBS / f"{job}.yaml")
    inside = abs(file["llc"][...] - file["llc_truth"][...]) <= file["llc_half_width"][...]
    share = inside[..., 0].mean(axis=-1)
    print(share)
    assert share.size == 6 and np.all((share >= .90) & (share <= .98))


def test_posterior_of_the_population(cube):
    """Shares of the posterior within .04 of a reference. Its 5 are all five-cornered hulls, its 6
    those without a dead output."""
    file = cube(harness.JOBS / "tms-posterior.yaml")
    five = file["occupancy"][:, :, 5].mean(axis=1)
    six = file["signed_occupancy"][:, :, 6, 0].mean(axis=1)
    print(five, six)
    which = [0, 1, 3, 4, 5]
    assert np.all(abs(five[which] - [.44, .58, .40, .004, 0]) < .04)
    assert np.all(abs(six[which] - [.02, .07, .60, .995, 1]) < .04)
    four = file["signed_occupancy"][:, :, 4, 0].mean(axis=1)[:3]
    assert np.all(abs(four - [.25, .29, .03]) < .04)
