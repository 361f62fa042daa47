# SPDX-License-Identifier: MIT
"""Networks of twenty hidden layers of 500 against van Rossem and Saxe (2024); half an hour. Found
against expected: docs/two_point.md."""

import numpy as np
import pytest

import harness
from cube import Cube
from phasegrid import two_point_theory

NETWORKS = ("default", "relu", "shallow", "narrow", "linear", "tanh", "elu", "swish", "skip", "dropout",
            "two_layer", "gain 0.9", "gain 1.2", "adam")  # of jobs/two-point.yaml, in order
RICH, INTERMEDIATE, LAZY = range(3)


@pytest.fixture(scope="module", name="cube")
def make_cube(tmp_path_factory):
    """A job of the project by its name, run once."""
    cubes = {}

    def run(name):
        if name not in cubes:
            cubes[name] = Cube([harness.published(name, tmp_path_factory.mktemp(name))])
        return cubes[name]
    return run


def measured_layer(cube, index):
    """The hidden layer where the authors measure: with dropout they count its modules too, so that their 5
    is the third affine map's."""
    return 2 if NETWORKS[index] == "dropout" else int(cube.value("depth", (index,))) // 2


def measured(cube, name, index):
    """A variable (seed, ...) of one network at that layer."""
    return cube[name][index, :, measured_layer(cube, index)]


FAILS = pytest.mark.xfail(strict=True, reason="NRMSE .24, .11, .25, final distance 17 % off: docs/two_point.md")


@pytest.mark.parametrize("network", [pytest.param(name, marks=FAILS if name == "adam" else ())
                                     for name in NETWORKS])
def test_universality(cube, network):
    """A4.6: median over seeds of NRMSE(h), (y) <= .10, (w) <= .20, final distance within 8 %."""
    runs, index = cube("two-point"), NETWORKS.index(network)
    assert runs.done[index].all()
    h, y, w = (np.median(measured(runs, f"nrmse_{name}", index)) for name in "hyw")
    last = runs["h"][index, :, -1, measured_layer(runs, index), 0]
    final = np.median(np.abs(measured(runs, "h_final_theory", index) / last - 1))
    print(network, h, y, w, final, measured(runs, "encoder_rate", index),
          measured(runs, "decoder_rate", index), measured(runs, "growth", index))
    assert h <= 0.10 and y <= 0.10 and w <= 0.20 and final <= 0.08


def test_universality_of_gains(cube):
    """A4.6 for the sweep of gains below 1.3; above, the page asks nothing (the early transient of the mean
    makes distances shrink, which the theory does not know)."""
    runs = cube("two-point-gain")
    for index in range(4):
        h, y, w = (np.median(runs[f"nrmse_{name}"][index, :, 10]) for name in "hyw")
        last = runs["h"][index, :, -1, 10, 0]
        final = np.median(np.abs(runs["h_final_theory"][index, :, 10] / last - 1))
        print(runs.value("init_gain", (index,)), h, y, w, final)
        assert runs.value("init_gain", (index,)) < 1.3
        assert h <= 0.10 and y <= 0.10 and w <= 0.20 and final <= 0.08


def test_rich_and_lazy(cube):
    """A4.7: median growth of the middle layer >= 20 at gains <= 1, in [.4, 1.5] at gains >= 1.4."""
    runs = cube("two-point-gain")
    growth = np.median(runs["growth"][:, :, 10], axis=1)
    gains = [runs.value("init_gain", (i,)) for i in range(len(growth))]
    print(dict(zip(gains, growth)))
    for gain, found in zip(gains, growth):
        if gain <= 1:
            assert found >= 20
        if gain >= 1.4:
            assert 0.4 <= found <= 1.5


def correlations(cube, regime):
    """Of the final h with |dx| |dy*| and with the initial h, over the grid."""
    runs = cube("two-point-regimes")
    h = runs["h"][regime, :, :, 0, :, 10, 0].astype(float)
    product = (runs.axes["input_distance"][:, None] * runs.axes["target_distance"][None, :]).ravel()
    first, last = h[..., 0].ravel(), h[..., -1].ravel()
    found = np.corrcoef(last, product)[0, 1], np.corrcoef(last, first)[0, 1]
    print(regime, found, np.mean(last / first), runs["train_loss"][regime, :, :, 0, -1])
    return found


def test_rich_distances_are_those_of_the_task(cube):
    """A4.7 on a 3 x 3 grid: correlation with |dx| |dy*| >= .7 and above that with the start."""
    product, start = correlations(cube, 0)
    assert product >= 0.7 and product > start


def test_lazy_distances_are_those_of_the_start(cube):
    """The reverse."""
    product, start = correlations(cube, 1)
    assert start > product


def test_the_middle_layer_fits_best(cube):
    """A4.12: of 20 layers the fit misses least at one of 8 to 15, at layer 0 >= 20 times as much."""
    squares = np.median(cube("two-point")["fit_squares"][0], axis=0)
    print(squares)
    assert 8 <= np.argmin(squares) <= 15
    assert squares[0] >= 20 * squares.min()


@pytest.mark.parametrize("network", ["default", "skip"])
@pytest.mark.parametrize("seed", range(3))
def test_without_the_encoder_the_theory_fits_worse(cube, network, seed):
    """A4.11: the encoder's term of y' dropped, at least twice the sum of squares on every seed. The other
    three wrong equations need not lose on single deep runs."""
    runs, index = cube("two-point"), NETWORKS.index(network)
    states = np.stack([runs["h"][index, seed, :, 10, 0], runs["y"][index, seed, :, 0],
                       runs["w"][index, seed, :, 0]], axis=1).astype(float)
    rates = [runs[f"{name}_rate"][index, seed, 10] for name in ("encoder", "decoder")]
    found = two_point_theory.compare(runs.coordinate("step").astype(float), states, rates, 1.0, 0.5)
    print(network, seed, found)
    assert found["no encoder's term in y'"][1] >= 2


def test_blobs(cube):
    """Context-gated blobs, with XOR's tolerances (A4.10), the page having none of its own: at the middle
    layer points with equal targets come together when rich (.15 of other distances), stay when lazy (.05)."""
    runs = cube("two-point-blobs")
    lazy, intermediate, rich = runs["label_ratio"][:, :, :, 2]
    print(lazy[:, 0], lazy[:, -1], intermediate[:, -1], rich[:, -1])
    assert runs.done.all()
    assert np.all(np.abs(lazy[:, -1] - lazy[:, 0]) <= 0.05)
    assert np.all(rich[:, -1] <= 0.15)
    assert rich[:, -1].max() < intermediate[:, -1].min() and intermediate[:, -1].max() < lazy[:, -1].min()
