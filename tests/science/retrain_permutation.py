# SPDX-License-Identifier: MIT
"""Trains runs of the permutation experiment again, in float64 and full batch, from the parameters that
the file keeps of step 0. Written from the published definitions (Liu et al. 2022, S3: matrices E_a E_b
into a decoder, squared error to a template of a b, and a penalty of mean |E|) and the documentation of
torch, not from the program's sources."""

import itertools

import numpy as np

import retrain

GROUP = list(itertools.permutations(range(3)))  # lexicographic


def product(a, b):
    """First b, then a."""
    return GROUP.index(tuple(GROUP[a][x] for x in GROUP[b]))


PAIRS = np.array(list(itertools.product(range(6), repeat=2)))
PRODUCTS = np.array([product(a, b) for a, b in PAIRS])


class Model(retrain.Model):
    """Matrices and decoder; the table holds a matrix in each row."""

    def __init__(self, segments, activation_name, penalty):
        super().__init__(segments, activation_name)
        self.order = int(round(segments[0].shape[1] ** 0.5))
        self.penalty = penalty

    def matrices(self, symbols):
        return self.segments[0][symbols].reshape(-1, self.order, self.order)

    def forward(self, inputs):
        decoder = self.segments[1:]
        values = [np.matmul(self.matrices(inputs[:, 0]), self.matrices(inputs[:, 1]))
                  .reshape(len(inputs), -1)]
        layers = list(zip(decoder[0::2], decoder[1::2]))
        for depth, (weight, bias) in enumerate(layers):
            before = values[-1] @ weight.T + bias[:, 0]
            values.append(before if depth == len(layers) - 1 else self.act(before))
        return values

    def gradients(self, inputs, values, delta):
        embedding, *decoder = self.segments
        found = []
        for depth in reversed(range(len(decoder) // 2)):
            found = [delta.T @ values[depth], delta.sum(axis=0)[:, None]] + found
            delta = delta @ decoder[2 * depth]
            if depth > 0:
                delta = delta * self.act_slope(values[depth])
        delta = delta.reshape(-1, self.order, self.order)
        first, second = self.matrices(inputs[:, 0]), self.matrices(inputs[:, 1])
        table = self.penalty * np.sign(embedding) / embedding.size
        np.add.at(table, inputs[:, 0],
                  np.einsum("nij,nkj->nik", delta, second).reshape(len(inputs), -1))
        np.add.at(table, inputs[:, 1],
                  np.einsum("nki,nkj->nij", first, delta).reshape(len(inputs), -1))
        return [table] + found


class Run(retrain.Run):
    """One run of a cube of the permutation experiment."""

    def __init__(self, cube, index):  # the samples are 36 here
        self.cube, self.index, self.cell = cube, index, index[:-1]
        self.train_mask = cube["train_mask"][index].astype(bool)

    def train(self, steps):
        """Losses and accuracies over both sets before each step and after the last (steps + 1, 2),
        and the segments."""
        segments = list(self.segments(0).values())
        templates = self.cube["templates"][self.index].astype(float)
        sets = [np.flatnonzero(self.train_mask), np.flatnonzero(~self.train_mask)]
        optimizers = [retrain.make_optimizer(self.setting, index == 0)
                      for index in range(len(segments))]
        model = Model(segments, self.setting("activation"), self.setting("embedding_l1"))
        losses, accuracies = [], []
        for t in range(steps + 1):
            values = [model.forward(PAIRS[chosen]) for chosen in sets]
            found = [retrain.squared_error(of[-1], templates[PRODUCTS[chosen]])
                     for of, chosen in zip(values, sets)]
            nearest = [np.argmin(((of[-1][:, None] - templates[None]) ** 2).sum(axis=2), axis=1)
                       for of in values]
            losses.append([loss for loss, _ in found])
            accuracies.append([np.mean(near == PRODUCTS[chosen])
                               for near, chosen in zip(nearest, sets)])
            if t == steps:
                break
            gradients = model.gradients(PAIRS[sets[0]], values[0], found[0][1])
            model.segments = [optimizer.step(value, gradient, t + 1) for optimizer, value, gradient
                              in zip(optimizers, model.segments, gradients)]
        return np.array(losses), np.array(accuracies), model.segments


def quality(embeddings, tolerance=0.5):
    """(RQI, mask of the 36 pairs that a satisfied quadruple ties to each pair) of (6, k k)."""
    order = int(round(embeddings.shape[1] ** 0.5))
    z = (embeddings / np.sqrt(np.mean(embeddings ** 2))).reshape(6, order, order)
    products = np.matmul(z[PAIRS[:, 0]], z[PAIRS[:, 1]]).reshape(36, -1)
    near = np.mean((products[:, None] - products[None]) ** 2, axis=2) < tolerance
    same = PRODUCTS[:, None] == PRODUCTS[None]
    apart = ~np.eye(36, dtype=bool)
    return np.sum(near & same & apart) / np.sum(same & apart), near & same & apart
