# SPDX-License-Identifier: MIT
"""The transformer is the model that it says it is: a separate implementation, in float64, which makes
queries, keys and values of every sample's tokens, has the same losses and ends where the program ends."""

import numpy as np
import pytest

import harness
import retrain
import retrain_transformer
from cube import Cube

# As in test_modular.py: a sample on the kink of a relu is on the other side in float64 now and then.
SMOOTH, KINKED = retrain.TOLERANCE, 1e-2
STEPS = 60

VARIANTS = {
    "relu": {},
    "tanh": {"activation": "tanh"},
    "tanh, no decay of embeddings": {"activation": "tanh", "weight_decay_embeddings": 0,
                                     "init_scale": 2, "decoder_init_scale": 0.5},
    "descent with momentum": {"activation": "tanh", "optimizer": "sgd", "momentum": 0.9,
                              "weight_decay": 0.1, "representation_lr": 0.05, "decoder_lr": 0.05},
}


def moving(name, matrix):
    """What a gradient moves. A bias of the keys adds the same to the scores of all tokens, which
    softmax does not see: its gradient is rounding, which AdamW makes steps of."""
    third = len(matrix) // 3
    return np.delete(matrix, slice(third, 2 * third), axis=0) if name == "attention.in.bias" else matrix


def distance(name, start, end, again):
    start, end, again = (moving(name, matrix) for matrix in (start, end, again))
    return np.linalg.norm(end - again) / np.linalg.norm(again - start)


@pytest.mark.parametrize("variant", VARIANTS)
def test_float64_has_the_same_losses(variant, tmp_path):
    path = harness.run(harness.JOBS / "retrain-transformer.yaml", tmp_path / "runs.h5",
                       **VARIANTS[variant])
    cube = Cube([path])
    assert cube.done.sum() == 12
    for index in map(tuple, np.argwhere(cube.done)):
        run = retrain.Run(cube, index)
        start, end = run.segments(0), run.segments(STEPS)
        losses, again = retrain_transformer.train(list(start.values()), run.setting,
                                                  cube["train_mask"][index], STEPS)
        found = np.stack([cube["train_loss"][index], cube["test_loss"][index]], axis=1)
        assert found.shape == losses.shape == (STEPS + 1, 2)
        apart = {name: distance(name, start[name], end[name], ours)
                 for name, ours in zip(start, again)}
        print(variant, index, "losses", np.max(np.abs(found / losses - 1)), "parameters",
              max(apart.values()), max(apart, key=apart.get))
        assert np.max(np.abs(found / losses - 1)) <= 1e-4
        assert max(apart.values()) <= (SMOOTH if run.setting("activation") == "tanh" else KINKED)
