# SPDX-License-Identifier: MIT
"""A separate implementation, in float64, ends where the program ends: per segment, what 100 steps
of both lie apart is at most 1e-3 of what they moved."""

import pytest

import harness
import retrain
from cube import Cube

VARIANTS = {
    "as published": {},
    "elu": {"activation": "elu"},
    "no activation": {"activation": "identity", "decoder_lr": 1e-4},
    "relu, three hidden layers": {"activation": "relu", "decoder_depth": 3, "decoder_width": 50},
    "no hidden layer": {"decoder_depth": 0, "decoder_lr": 1e-2},
    "descent with momentum": {"optimizer": "sgd", "momentum": 0.9, "decoder_depth": 1,
                              "representation_lr": 0.05, "decoder_lr": 0.05},
    "plain descent, relu": {"optimizer": "sgd", "activation": "relu", "decoder_lr": 0.1,
                            "representation_lr": 0.1},
    "widths, embedding of three": {"p": 13, "decoder_widths": "[40, 30, 20]", "embedding_dim": 3,
                                   "label_scale": 2, "init_scale": 0.5, "decoder_init_scale": 2},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_float64_ends_at_the_same_parameters(variant, tmp_path):
    path = harness.run(harness.JOBS / "retrain.yaml", tmp_path / "runs.h5", **VARIANTS[variant])
    runs = retrain.runs(Cube([path]))
    assert len(runs) == 8
    for run in runs:
        found = retrain.distances(run, 100)
        assert len(found) >= 3
        assert max(found.values()) <= retrain.TOLERANCE, (run.index, found)
