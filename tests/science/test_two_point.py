# SPDX-License-Identifier: MIT
"""Two points, XOR and the leaves of a tree in networks that take seconds, against van Rossem and Saxe
(2024) and its effective theory. Deep networks: test_two_point_long.py. Found against expected:
docs/two_point.md."""

import numpy as np
import pytest

import harness
import retrain
import retrain_two_point
from cube import Cube
from phasegrid import two_point_theory

JOBS = harness.ROOT / "jobs"
TWO_LAYER, SHALLOW = 0, 1  # on the axis `network`
MIDDLE = {TWO_LAYER: 0, SHALLOW: 1}  # where the paper measures


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("two_point")


# ---- float64 ----

def departures(cube, index, truth):
    """Of loss, h, y and w, over all recorded steps, from the truth's, over its largest."""
    depth, pairs = truth[0][1].shape
    found = (cube["train_loss"][index], cube["h"][index][:, :depth, :pairs],
             cube["y"][index][:, :pairs], cube["w"][index][:, :pairs])
    return apart(found, map(np.array, zip(*truth)))


def apart(found, truth):
    return np.array([np.max(np.abs(theirs - ours)) / np.max(np.abs(ours))
                     for theirs, ours in zip(found, truth)])


def sixteen_roundings(run, truth):
    """1e-6 of loss, h and movement; of the outputs, which are as large as targets, an error e that makes one
    of 2 |dy| e in y and of (2 |dy| + |d|) e in w: much where outputs differ by little."""
    e = 1e-6 * np.max(np.abs(run.y))
    y, w = (np.max(np.abs([state[i] for state in truth])) for i in (2, 3))
    target = np.sqrt(np.max(retrain_two_point.squared_distances(run.y)))
    return np.array([1e-6, 1e-6, 2 * np.sqrt(y) * e / y, (2 * np.sqrt(y) + target) * e / w, 1e-6])


@pytest.mark.parametrize("job", ["retrain-two-point", "retrain-two-point-deep"])
def test_float64_has_the_same_distances(folder, job):
    """Every activation, skips, AdamW, momentum, XOR and the tree: loss, h, y and w at every step, and the
    parameters at the end, depart from float64 no more than float32 must. That is what numpy's own float32
    departs by, times 4 for sums in another order, and at least 16 roundings. With kinks the two sides of 0
    part runs by more than rounding: there it is the tolerance of the other experiments."""
    cube = Cube([harness.run(harness.JOBS / f"{job}.yaml", folder / f"{job}.h5")])
    assert cube.done.all()
    for index in map(tuple, np.argwhere(cube.done)):
        run, rounded = (retrain_two_point.Run(cube, index, kind) for kind in (np.float64, np.float32))
        start = np.concatenate([segment.ravel() for segment in run.segments])
        (truth, end), (rough, rough_end) = run.train(), rounded.train()
        length = np.linalg.norm(end - start)
        ours = np.append(departures(cube, index, truth), np.linalg.norm(
            cube["parameters"][index][-1][:len(end)] - end) / length)
        numpys = np.append(apart(map(np.array, zip(*rough)), map(np.array, zip(*truth))),
                           np.linalg.norm(rough_end - end) / length)
        print(run.setting("task"), run.setting("activation"), ours, ours / numpys)
        allowed = np.maximum(4 * numpys, sixteen_roundings(run, truth))
        if "relu" in run.setting("activation"):
            allowed = retrain.TOLERANCE
        assert np.all(ours <= allowed)


# ---- trajectories ----

@pytest.fixture(scope="module")
def curves(folder):
    return Cube([harness.run(JOBS / "two-point-shallow.yaml", folder / "curves.h5")])


def test_all_are_rich(curves):
    assert curves.done.all() and np.all(curves["phase"] == 0)


def test_two_layer_has_the_exact_rates(curves):
    """A4.4: both within 15 % of half the learning rate; NRMSE of h and y <= .03."""
    half = 0.5 * 0.005
    rates = np.stack([curves[name][TWO_LAYER, :, 0] for name in ("encoder_rate", "decoder_rate")])
    nrmse = np.stack([curves[name][TWO_LAYER, :, 0] for name in ("nrmse_h", "nrmse_y")])
    print(rates / half, nrmse)
    assert np.all(np.abs(rates / half - 1) <= 0.15) and np.all(nrmse <= 0.03)


def test_shallow_follows_the_theory(curves):
    """A4.5: NRMSE of h and y <= .03, of w <= .10, final distance within 3 %."""
    h, y, w = (curves[f"nrmse_{name}"][SHALLOW, :, 1] for name in "hyw")
    final = curves["h_final_theory"][SHALLOW, :, 1] / curves["h"][SHALLOW, :, -1, 1, 0]
    print(h, y, w, final)
    assert np.all(h <= 0.03) and np.all(y <= 0.03) and np.all(w <= 0.10)
    assert np.all(np.abs(final - 1) <= 0.03)


def test_curves_of_the_file_are_the_fit(curves):
    """theory_h, theory_y and theory_w miss the recorded states as nrmse says, of other steps."""
    for name in "hyw":
        state = curves[name][SHALLOW, :, :, 1, 0] if name == "h" else curves[name][SHALLOW, :, :, 0]
        theory = curves[f"theory_{name}"][SHALLOW, :, :, 1]
        found = np.sqrt(np.mean((theory - state) ** 2, axis=1)) / np.ptp(state, axis=1)
        told = curves[f"nrmse_{name}"][SHALLOW, :, 1]
        print(name, found, told)
        assert np.all(np.abs(found / told - 1) <= 0.05)


# ---- the fit again ----

def states_of(curves, seed):
    """Steps, and h, y, w of the shallow network's second layer."""
    h = curves["h"][SHALLOW, seed, :, 1, 0]
    y, w = (curves[name][SHALLOW, seed, :, 0] for name in "yw")
    return curves.coordinate("step").astype(float), np.stack([h, y, w], axis=1).astype(float)


def rates_of(curves, seed, what=""):
    return np.array([curves[f"{name}_rate{what}"][SHALLOW, seed, 1] for name in ("encoder", "decoder")])


@pytest.mark.parametrize("seed", range(3))
def test_scipy_finds_the_same_rates(curves, seed):
    """The paper's own form by scipy, and Nelder and Mead, on the recorded steps, of which there are a third as
    many as the program's: the rates to 1 %, errors to 10 % for as many states."""
    steps, states = states_of(curves, seed)
    rates, _ = two_point_theory.fit(steps, states, rates_of(curves, seed), 1.0, 0.5)
    every = next(2 ** k for k in range(13) if 6000 / 2 ** k < 511)
    errors = two_point_theory.errors(steps, states, rates, 1.0, 0.5)
    errors *= np.sqrt(len(steps) / (6000 // every + 1))
    print(rates / rates_of(curves, seed), errors / rates_of(curves, seed, "_error"))
    assert np.all(np.abs(rates / rates_of(curves, seed) - 1) <= 0.01)
    assert np.all(np.abs(errors / rates_of(curves, seed, "_error") - 1) <= 0.1)


@pytest.fixture(scope="module", name="wrong")
def fit_wrong_theories(curves):
    """(seed): {name: sum of squares over the theory's} of four equations that are not the theory's."""
    found = [two_point_theory.compare(*states_of(curves, seed), rates_of(curves, seed), 1.0, 0.5)
             for seed in range(3)]
    return [{name: squares for name, (_, squares) in each.items()} for each in found]


def test_wrong_theories_fit_worse(wrong):
    """A4.11: on shallow networks y' doubled and the encoder's term of w' flipped lose (page: 7-9 x)."""
    print(wrong)
    assert all(ratios[name] >= 2 for ratios in wrong
               for name in ("y' doubled", "encoder's term of w' flipped"))


@pytest.mark.xfail(strict=True, reason=".85 to 1.7 on shallow networks, 4 on deep ones: docs/two_point.md")
def test_without_the_encoder_the_theory_fits_worse(wrong):
    """A4.11 on shallow networks; on deep ones it is in test_two_point_long.py."""
    assert all(ratios["no encoder's term in y'"] >= 2 for ratios in wrong)


# ---- final distances ----

@pytest.fixture(scope="module")
def grid(folder):
    return Cube([harness.run(JOBS / "two-point-final.yaml", folder / "final.h5")])


def final_by_theory(curves, grid, network):
    """h_inf (dx, dy) from each network's own start and the mean rates of the trajectories."""
    layer = MIDDLE[network]
    ratio = (np.mean(curves["encoder_rate"][network, :, layer]) /
             np.mean(curves["decoder_rate"][network, :, layer]))
    h = grid["h"][network, :, :, 0, 0, layer, 0].astype(float)
    y = grid["y"][network, :, :, 0, 0, 0].astype(float)
    x2 = grid.axes["input_distance"][:, None] ** 2
    y2 = grid.axes["target_distance"][None, :] ** 2
    a = h - ratio * x2 * y / h
    return a / 2 + np.sqrt(a * a / 4 + ratio * x2 * y2)


def learned(grid, network):
    """Cells that count: the page discards a final loss above 1e-3."""
    return grid["train_loss"][network, :, :, 0, -1] <= 1e-3


def stopped(grid, network):
    """Cells that reached 1e-4 |dy*|^2: the others' distances are still on their way."""
    limit = 1.001e-4 * grid.axes["target_distance"] ** 2
    return grid["train_loss"][network, :, :, 0, -1] <= limit[None, :]


@pytest.mark.parametrize("network, correlation", [(TWO_LAYER, 0.99), (SHALLOW, 0.9)])
def test_final_distance(curves, grid, network, correlation):
    """A4.8: Pearson's correlation, and of the linear network the slope through 0."""
    some = learned(grid, network)
    theory = final_by_theory(curves, grid, network)[some]
    found = grid["h"][network, :, :, 0, -1, MIDDLE[network], 0][some]
    slope = np.sum(theory * found) / np.sum(theory ** 2)
    print(some.sum(), np.corrcoef(theory, found)[0, 1], slope)
    assert some.sum() == 25
    assert np.corrcoef(theory, found)[0, 1] >= correlation
    if network == TWO_LAYER:
        assert 0.9 <= slope <= 1.05


def slopes(grid, network, layer):
    """d ln h / d ln |dx| and / d ln |dy*|, least squares over cells with a target distance."""
    dx, dy = np.meshgrid(grid.axes["input_distance"], grid.axes["target_distance"], indexing="ij")
    some = (dy > 0) & stopped(grid, network)
    design = np.stack([np.ones(some.sum()), np.log(dx[some]), np.log(dy[some])], axis=1)
    found = np.log(grid["h"][network, :, :, 0, -1, layer, 0][some])
    return np.linalg.lstsq(design, found, rcond=None)[0][1:]


def test_homogeneity(grid):
    """A4.9: after m of N affine maps |dx|^(2 - 2m/N) |dy*|^(2m/N), in order."""
    for network, layer, maps, tolerance in [(TWO_LAYER, 0, 2, 0.05), (SHALLOW, 0, 3, 0.35),
                                            (SHALLOW, 1, 3, 0.35)]:
        expected = np.array([2 - 2 * (layer + 1) / maps, 2 * (layer + 1) / maps])
        found = slopes(grid, network, layer)
        print(network, layer, found, expected)
        assert np.all(np.abs(found - expected) <= tolerance)
    first, second = slopes(grid, SHALLOW, 0), slopes(grid, SHALLOW, 1)
    assert first[0] > second[0] and first[1] < second[1]


# ---- the local learning coefficient ----

def test_llc_of_a_line(folder):
    """A linear network on two points is a line through them: its values there are two independent functions
    of the weights, so that the loss is of rank 2 at its minimum, and lambda = 1 (Watanabe 2009)."""
    cube = Cube([harness.run(harness.JOBS / "two-point-llc.yaml", folder / "llc.h5")])
    print(cube["llc"][..., 0], cube["llc_half_width"][..., 0])
    assert cube.done.all()
    assert np.all(np.abs(cube["llc"][..., 0] - 1) <= 0.1)


# ---- XOR ----

@pytest.fixture(scope="module")
def xor(folder):
    cube = Cube([harness.run(JOBS / "two-point-xor.yaml", folder / "xor.h5")])
    assert cube.done.all()
    return cube


def ratios(xor, network, layer):
    """q = mean distance of equal labels / of different ones, at the start and at the end."""
    q = xor["label_ratio"][network, :, :, layer]
    print(network, q[:, 0], q[:, -1])
    return q[:, 0], q[:, -1]


def test_deep_rich_xor(xor):
    """A4.10: 20 layers, gain .85: q <= .15."""
    assert np.all(ratios(xor, 0, 10)[1] <= 0.15)


def test_deep_lazy_xor(xor):
    """Gain 1.6: |q - q0| <= .05."""
    first, last = ratios(xor, 1, 10)
    assert np.all(np.abs(last - first) <= 0.05)


def test_shallow_rich_xor(xor):
    """Two layers, gain .35: q <= .9."""
    assert np.all(ratios(xor, 2, 1)[1] <= 0.9)


def test_shallow_lazy_xor(xor):
    """Gain 2: |q / q0 - 1| <= .05."""
    first, last = ratios(xor, 3, 1)
    assert np.all(np.abs(last / first - 1) <= 0.05)


# ---- a tree ----

@pytest.fixture(scope="module")
def tree(folder):
    cube = Cube([harness.run(JOBS / "two-point-tree.yaml", folder / "tree.h5")])
    assert cube.done.all()
    return cube


def by_level(tree, values):
    """Means over pairs whose leaves part 1, 2, 3 levels above them."""
    level = np.round(tree["pair_target"][0, 0] ** 2 / 2).astype(int)
    return np.array([values[level == k].mean() for k in (1, 2, 3)])


def test_rich_leaves_are_as_far_as_in_the_tree(tree):
    """The product |dx| |dy*| orders the final distances (page, A2: untested there)."""
    product = tree["pair_input"][0, 0] * tree["pair_target"][0, 0]
    assert np.all(tree["phase"][0] == 0)
    for h in tree["h"][0, :, -1, 1]:
        found = by_level(tree, h)
        print(found, by_level(tree, product), np.corrcoef(product, h)[0, 1])
        assert np.all(np.diff(found) > 0)
        assert np.corrcoef(product, h)[0, 1] >= 0.9


def test_lazy_leaves_stay(tree):
    """Final distances are those of the start, not those of the tree."""
    product = tree["pair_target"][0, 0]
    assert np.all(tree["phase"][1] == 2)
    for start, end in zip(tree["h"][1, :, 0, 1], tree["h"][1, :, -1, 1]):
        print(np.corrcoef(start, end)[0, 1], np.corrcoef(product, end)[0, 1])
        assert np.corrcoef(start, end)[0, 1] >= 0.7 > np.corrcoef(product, end)[0, 1]
