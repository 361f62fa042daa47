# SPDX-License-Identifier: MIT
"""The permutations of three symbols against Liu et al. (2022), Fig. 6d: the corner of A10; and a
separate implementation, in float64, has the same losses and ends where the program ends."""

import numpy as np
import pytest

import harness
import retrain
import retrain_permutation
from cube import Cube

VARIANTS = {
    "as published": {"init_scale": 0.1, "decoder_width": 200},
    "wide start": {},
    "no hidden layer": {"decoder_depth": 0, "decoder_lr": 1e-2},
    "descent with momentum": {"optimizer": "sgd", "momentum": 0.9, "decoder_depth": 1,
                              "representation_lr": 0.05, "decoder_lr": 0.05},
    "matrices of two rows, relu": {"matrix_size": 2, "activation": "relu", "label_scale": 2},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_float64_has_the_same_losses(variant, tmp_path):
    cube = Cube([harness.run(harness.JOBS / "retrain-permutation.yaml", tmp_path / "runs.h5",
                             **VARIANTS[variant])])
    assert cube.done.sum() == 12
    for index in map(tuple, np.argwhere(cube.done)):
        run = retrain_permutation.Run(cube, index)
        start, end = run.segments(0), run.segments(100)
        losses, accuracies, again = run.train(100)
        found = np.stack([cube["train_loss"][index], cube["test_loss"][index]], axis=1)
        right = np.stack([cube["train_accuracy"][index], cube["test_accuracy"][index]], axis=1)
        assert found.shape == losses.shape == (101, 2)
        apart = max(np.linalg.norm(end[name] - ours) / np.linalg.norm(ours - start[name])
                    for name, ours in zip(start, again))
        print(variant, index, "losses", np.max(np.abs(found / losses - 1)), "parameters", apart)
        assert np.max(np.abs(found / losses - 1)) <= 1e-4
        assert np.max(np.abs(right[0] - accuracies[0])) < 1e-6
        assert apart <= retrain.TOLERANCE


def test_quality_and_predicted_accuracy(tmp_path):
    """By all pairs of pairs, of trained matrices: values between the extremes are among them."""
    cube = Cube([harness.run(harness.JOBS / "permutation-quality.yaml", tmp_path / "runs.h5")])
    seen = set()
    for index in map(tuple, np.argwhere(cube.done)):
        mask = cube["train_mask"][index].astype(bool)
        for point, embeddings in enumerate(cube["embeddings"][index].astype(float)):
            rqi, near = retrain_permutation.quality(embeddings)
            predicted = np.mean(mask | near[:, mask].any(axis=1))
            assert abs(cube["rqi"][index][point] - rqi) < 1e-6
            assert abs(cube["predicted_accuracy"][index][point] - predicted) < 1e-6
            seen.add(round(float(rqi), 2))
    assert len(seen) > 5, seen


@pytest.fixture(scope="module")
def corner(tmp_path_factory):
    return Cube([harness.run(harness.JOBS / "permutation-corner.yaml",
                             tmp_path_factory.mktemp("corner") / "runs.h5")])


def test_a_weight_decay_of_200_never_trains(corner):
    """A10."""
    letters = corner.phase_letters()[:, 2]
    print(letters)
    assert np.all(letters == "F")


def test_small_weight_decays_train(corner):
    """What A10 says of training; of generalising, see the next."""
    assert np.all(corner["steps_to_train"][:, :2] >= 0)


@pytest.mark.xfail(strict=True, reason="half of the seeds memorise: docs/permutation.md")
def test_small_weight_decays_comprehend(corner):
    """A10."""
    letters = corner.phase_letters()[:, :2]
    print(letters)
    assert np.mean(letters == "C") >= 0.9
