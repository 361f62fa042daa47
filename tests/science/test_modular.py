# SPDX-License-Identifier: MIT
"""Modular addition groks: long after the training samples are learned the test samples follow, and
only with weight decay (Power et al. 2022). And it is the model that it says it is: a separate
implementation, in float64, has the same losses and ends where the program ends."""

import numpy as np
import pytest

import harness
import retrain
import retrain_modular
from cube import Cube

NEVER = -1
# What the ends of 100 steps lie apart, of what they moved. A sample that stands on the kink of a relu
# is on the other side in float64 now and then, which changes its unit's gradient.
SMOOTH, KINKED = retrain.TOLERANCE, 1e-2


def steps_of(tmp_path, **settings):
    """(steps to train, steps to test) of three seeds."""
    cube = Cube([harness.run(harness.JOBS / "modular.yaml", tmp_path / "runs.h5", **settings)])
    assert cube.done.all() and cube.done.size == 3
    found = cube["steps_to_train"].ravel(), cube["steps_to_test"].ravel()
    print(settings, "train", *found[0], "test", *found[1])
    return found


@pytest.mark.parametrize("embedding, earliest, latest", [("sum", 1200, 6000),
                                                         ("concat", 3000, 20000)])
def test_it_groks(embedding, earliest, latest, tmp_path):
    train, test = steps_of(tmp_path, embedding=embedding)
    assert np.all((train >= 0) & (train < 300))
    assert np.all((test >= earliest) & (test <= latest))
    assert np.all(test - train >= 10 * train)


@pytest.mark.parametrize("embedding", ["sum", "concat"])
def test_without_weight_decay_it_only_memorises(embedding, tmp_path):
    train, test = steps_of(tmp_path, embedding=embedding, weight_decay=0, steps=5000)
    assert np.all((train >= 0) & (train < 300))
    assert np.all(test == NEVER)


VARIANTS = {
    "one hidden layer": {},
    "tanh, three hidden layers": {"activation": "tanh", "decoder_widths": "[24, 16, 40]"},
    "no hidden layer": {"decoder_depth": 0, "decoder_lr": 1e-2},
    "descent with momentum": {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.1,
                              "representation_lr": 0.05, "decoder_lr": 0.05, "init_scale": 0.5},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_float64_has_the_same_losses(variant, tmp_path):
    path = harness.run(harness.JOBS / "retrain-modular.yaml", tmp_path / "runs.h5",
                       **VARIANTS[variant])
    cube = Cube([path])
    assert cube.done.sum() == 12
    for index in map(tuple, np.argwhere(cube.done)):
        run = retrain.Run(cube, index)
        start, end = run.segments(0), run.segments(100)
        losses, again = retrain_modular.train(list(start.values()), run.setting,
                                              cube["train_mask"][index], 100)
        found = np.stack([cube["train_loss"][index], cube["test_loss"][index]], axis=1)
        assert found.shape == losses.shape == (101, 2)
        apart = max(np.linalg.norm(end[name] - ours) / np.linalg.norm(ours - start[name])
                    for name, ours in zip(start, again))
        print(variant, index, "losses", np.max(np.abs(found / losses - 1)), "parameters", apart)
        assert np.max(np.abs(found / losses - 1)) <= 1e-4
        assert apart <= (SMOOTH if run.setting("activation") == "tanh" else KINKED)
