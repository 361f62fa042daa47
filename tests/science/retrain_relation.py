# SPDX-License-Identifier: MIT
"""Trains runs of the relation experiment again, in float64 and full batch, from the parameters that
the file keeps of step 0. Written from the task (whether i stands in a relation to j, over all ordered
pairs, binary cross-entropy) and the documentation of torch, not from the program's sources."""

import numpy as np

import retrain


def labels_of(setting, inputs):
    """1 where the first symbol stands in the relation to the second."""
    i, j = inputs.T
    if setting("relation") == "congruence":
        return ((i - j) % setting("modulus") == 0).astype(float)
    if setting("relation") == "greater_than":
        return (i > j).astype(float)
    if setting("relation") == "matrix":  # of jobs/divides-13.txt
        return ((i + 1) % (j + 1) == 0).astype(float)
    size = setting("bipartite_size")
    return ((i < size) != (j < size)).astype(float)


def binary_cross_entropy(logits, labels):
    """torch's BCEWithLogitsLoss, and its gradient: mean over samples."""
    y = logits[:, 0]
    loss = np.mean(np.logaddexp(0.0, y) - labels * y)
    return loss, ((0.5 + 0.5 * np.tanh(y / 2.0) - labels) / len(labels))[:, None]


class Model(retrain.Model):
    """Embedding table and decoder over pairs whose embeddings stand side by side or are subtracted."""

    def __init__(self, segments, activation_name, mode, is_ideal):
        super().__init__(segments, activation_name)
        self.mode = mode
        # relu(shift + factor (sum of the combined embeddings)) before the learnt layers
        self.ideal = {"difference": (0.0, 1.0), "squared_difference": (0.1, -1.0)}[mode] \
            if is_ideal else None

    def forward(self, inputs):
        embedding, *decoder = self.segments
        first, second = embedding[inputs[:, 0]], embedding[inputs[:, 1]]
        values = [{"concat": np.hstack([first, second]), "difference": first - second,
                   "squared_difference": (first - second) ** 2}[self.mode]]
        if self.ideal is not None:
            shift, factor = self.ideal
            values = [np.maximum(shift + factor * values[0].sum(axis=1, keepdims=True), 0.0)]
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
        if self.ideal is not None:
            delta = np.where(values[0] > 0.0, self.ideal[1] * delta, 0.0)
            delta = np.repeat(delta, embedding.shape[1], axis=1)
        if self.mode == "squared_difference":
            delta = 2.0 * delta * (embedding[inputs[:, 0]] - embedding[inputs[:, 1]])
        halves = np.hsplit(delta, 2) if self.mode == "concat" else [delta, -delta]
        table = np.zeros_like(embedding)
        for place, half in enumerate(halves):
            np.add.at(table, inputs[:, place], half)
        return [table] + found


def make_optimizer(setting, is_embedding):
    rate = setting("representation_lr" if is_embedding else "decoder_lr")
    decay = setting("weight_decay_embeddings" if is_embedding else "weight_decay")
    if setting("optimizer") == "sgd":
        return retrain.MomentumDescent(rate, decay, setting("momentum"))
    return retrain.AdamW(rate, decay, setting("beta1"), setting("beta2"), setting("epsilon"))


class Run(retrain.Run):
    """One run of a cube of the relation experiment."""

    def __init__(self, cube, index):  # the samples are n^2 here
        self.cube, self.index, self.cell = cube, index, index[:-1]
        n = self.setting("n")
        pairs = np.stack(np.divmod(np.arange(n * n), n), axis=1)
        self.train_mask = cube["train_mask"][index][:n * n].astype(bool)
        self.sets = [pairs[self.train_mask], pairs[~self.train_mask]]

    def train(self, steps):
        """Losses and accuracies over both sets before each step and after the last (steps + 1, 2),
        and the segments."""
        segments = list(self.segments(0).values())
        labels = [labels_of(self.setting, chosen) for chosen in self.sets]
        optimizers = [make_optimizer(self.setting, index == 0) for index in range(len(segments))]
        model = Model(segments, self.setting("activation"), self.setting("embedding"),
                      self.setting("decoder") == "ideal")
        losses, accuracies = [], []
        for t in range(steps + 1):
            values = [model.forward(chosen) for chosen in self.sets]
            found = [binary_cross_entropy(of[-1], right) for of, right in zip(values, labels)]
            losses.append([loss for loss, _ in found])
            accuracies.append([np.mean((of[-1][:, 0] > 0) == right)
                               for of, right in zip(values, labels)])
            if t == steps:
                break
            gradients = model.gradients(self.sets[0], values[0], found[0][1])
            model.segments = [optimizer.step(value, gradient, t + 1) for optimizer, value, gradient
                              in zip(optimizers, model.segments, gradients)]
        return np.array(losses), np.array(accuracies), model.segments
