#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Trains the runs of a results file again, in float64 and full batch, from the parameters that the
file keeps of step 0, and compares with what it keeps of a later step.

    tests/science/retrain.py FILE [--step N]

Written from the published definitions (Liu et al. 2022; the documentation of torch.optim.AdamW),
not from the program's sources: an independent judge of its forward pass, gradients and optimisers.
The file needs `record: {parameters: [0, N]}`. Prints, per run and segment, the distance between the
two ends of training relative to the distance trained.
"""

import argparse
import sys

import numpy as np

from cube import Cube
from liu2022 import pairs

TOLERANCE = 1e-3


def activation(name):
    """(function, derivative in terms of its value)."""
    if name == "tanh":
        return np.tanh, lambda value: 1.0 - value * value
    if name == "elu":
        return (lambda x: np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0))),
                lambda value: np.where(value > 0.0, 1.0, 1.0 + value))
    below = {"relu": 0.0, "leaky_relu": 0.01, "identity": 1.0}[name]
    return lambda x: np.where(x > 0.0, x, below * x), lambda value: np.where(value > 0.0, 1.0, below)


class Model:
    """Embedding table and decoder; segments in order: embedding, then weight and bias by layer."""

    def __init__(self, segments, activation_name):
        self.segments = segments
        self.act, self.act_slope = activation(activation_name)

    def forward(self, inputs):
        """inputs (n, 2); returns the values of every layer, the last one the outputs."""
        embedding, *decoder = self.segments
        values = [embedding[inputs[:, 0]] + embedding[inputs[:, 1]]]
        layers = list(zip(decoder[0::2], decoder[1::2]))
        for depth, (weight, bias) in enumerate(layers):
            before = values[-1] @ weight.T + bias[:, 0]
            values.append(before if depth == len(layers) - 1 else self.act(before))
        return values

    def gradients(self, inputs, values, delta):
        """d loss / d segments from delta = d loss / d outputs (n, outputs)."""
        embedding, *decoder = self.segments
        found = []
        for depth in reversed(range(len(decoder) // 2)):
            found = [delta.T @ values[depth], delta.sum(axis=0)[:, None]] + found
            delta = delta @ decoder[2 * depth]
            if depth > 0:
                delta = delta * self.act_slope(values[depth])
        table = np.zeros_like(embedding)
        np.add.at(table, inputs[:, 0], delta)
        np.add.at(table, inputs[:, 1], delta)
        return [table] + found


def squared_error(outputs, targets):
    """Loss, and its gradient: mean over samples and outputs."""
    apart = outputs - targets
    return np.mean(apart ** 2), 2.0 * apart / apart.size


def cross_entropy(outputs, classes):
    """Loss, and its gradient: mean over samples."""
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    log_share = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(classes))
    gradient = np.exp(log_share)
    gradient[rows, classes] -= 1.0
    return -np.mean(log_share[rows, classes]), gradient / len(classes)


class AdamW:
    """As torch.optim.AdamW documents it: decay first, both moments corrected for their bias."""

    def __init__(self, rate, decay, beta1, beta2, epsilon):
        self.rate, self.decay, self.betas, self.epsilon = rate, decay, (beta1, beta2), epsilon
        self.first = self.second = 0.0

    def step(self, value, gradient, t):
        self.first = self.betas[0] * self.first + (1.0 - self.betas[0]) * gradient
        self.second = self.betas[1] * self.second + (1.0 - self.betas[1]) * gradient ** 2
        mean = self.first / (1.0 - self.betas[0] ** t)
        root = np.sqrt(self.second / (1.0 - self.betas[1] ** t))
        return value * (1.0 - self.rate * self.decay) - self.rate * mean / (root + self.epsilon)


class MomentumDescent:
    """v = momentum v + g; decoupled decay, unlike torch.optim.SGD."""

    def __init__(self, rate, decay, momentum):
        self.rate, self.decay, self.momentum = rate, decay, momentum
        self.velocity = 0.0

    def step(self, value, gradient, _):
        self.velocity = self.momentum * self.velocity + gradient
        return value * (1.0 - self.rate * self.decay) - self.rate * self.velocity


def make_optimizer(setting, is_embedding):
    rate = setting("representation_lr" if is_embedding else "decoder_lr")
    decay = 0.0 if is_embedding else setting("weight_decay")
    if setting("optimizer") == "sgd":
        return MomentumDescent(rate, decay, setting("momentum"))
    return AdamW(rate, decay, setting("beta1"), setting("beta2"), setting("epsilon"))


def train(segments, setting, train_mask, templates, steps):
    """Segments (matrices, float64) after `steps` full-batch steps."""
    inputs = pairs(setting("p"))[train_mask]
    sums = inputs.sum(axis=1)
    regression = setting("task") == "regression"
    loss, targets = (squared_error, templates[sums]) if regression else (cross_entropy, sums)
    optimizers = [make_optimizer(setting, index == 0) for index in range(len(segments))]
    model = Model(segments, setting("activation"))
    for t in range(1, steps + 1):
        values = model.forward(inputs)
        _, delta = loss(values[-1], targets)
        gradients = model.gradients(inputs, values, delta)
        model.segments = [optimizer.step(value, gradient, t) for optimizer, value, gradient
                          in zip(optimizers, model.segments, gradients)]
    return model.segments


class Run:
    """One run of a cube: its settings, data and kept parameters."""

    def __init__(self, cube, index):
        self.cube, self.index, self.cell = cube, index, index[:-1]
        self.train_mask = cube["train_mask"][index]
        samples = len(pairs(self.setting("p")))
        self.train_mask = self.train_mask[:samples].astype(bool)

    def setting(self, name):
        return self.cube.value(name, self.cell)

    def segments(self, step):
        """Names and matrices at a kept step."""
        where = list(self.cube.coordinate("snapshot")).index(step)
        vector = self.cube["parameters"][self.index][where].astype(float)
        shapes = [self.cube.of_cells(f"segment_{what}")[self.cell]
                  for what in ("offset", "rows", "columns")]
        found = {}
        for name, offset, rows, columns in zip(self.cube.coordinate("segment"), *shapes):
            if rows > 0:
                found[name] = vector[offset:offset + rows * columns].reshape(rows, columns)
        return found

    def templates(self):
        if self.setting("task") != "regression":
            return None
        classes = 2 * self.setting("p") - 1
        return self.cube["templates"][self.index][:classes, :self.setting("output_dim")] \
            .astype(float)


def distances(run, step):
    """{segment: |theirs - ours| / |ours - start|} after `step` steps."""
    if run.setting("batch_size") not in (0, int(run.train_mask.sum())):
        raise ValueError(f"run {run.index} trains on batches of {run.setting('batch_size')}; "
                         "this script knows full batches only")
    start, end = run.segments(0), run.segments(step)
    ours = train(list(start.values()), run.setting, run.train_mask, run.templates(), step)
    return {name: np.linalg.norm(end[name] - again) / np.linalg.norm(again - start[name])
            for name, again in zip(start, ours)}


def runs(cube):
    """All runs that trained to their end."""
    return [Run(cube, index) for index in map(tuple, np.argwhere(cube.done))]


def main():
    parser = argparse.ArgumentParser(description="trains a file's runs again in float64")
    parser.add_argument("file")
    parser.add_argument("--step", type=int, default=100)
    arguments = parser.parse_args()
    cube = Cube([arguments.file])
    worst = 0.0
    for run in runs(cube):
        found = distances(run, arguments.step)
        worst = max(worst, *found.values())
        print(run.index, " ".join(f"{name} {distance:.1e}" for name, distance in found.items()))
    print(f"worst {worst:.1e}, allowed {TOLERANCE:.0e}")
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
