# SPDX-License-Identifier: MIT
"""Trains runs of modular addition again, in float64 and full batch, from the parameters that the
file keeps of step 0. Written from the task (a + b mod p over all ordered pairs, cross-entropy) and
the documentation of torch, not from the program's sources: it multiplies every sample's embeddings
by the first layer, and knows no table."""

import numpy as np

import retrain


def pairs(p):
    """All ordered pairs (p^2, 2), row-major."""
    return np.stack(np.divmod(np.arange(p * p), p), axis=1)


class Model(retrain.Model):
    """Embedding table and decoder over pairs whose embeddings are summed or stand side by side."""

    def __init__(self, segments, activation_name, is_concatenated):
        super().__init__(segments, activation_name)
        self.is_concatenated = is_concatenated

    def forward(self, inputs):
        embedding, *decoder = self.segments
        first, second = embedding[inputs[:, 0]], embedding[inputs[:, 1]]
        values = [np.hstack([first, second]) if self.is_concatenated else first + second]
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
        table = np.zeros_like(embedding)
        halves = np.hsplit(delta, 2) if self.is_concatenated else [delta, delta]
        for place, half in enumerate(halves):
            np.add.at(table, inputs[:, place], half)
        return [table] + found


def make_optimizer(setting, is_embedding):
    rate = setting("representation_lr" if is_embedding else "decoder_lr")
    decay, own = setting("weight_decay"), setting("weight_decay_embeddings")
    if is_embedding and own >= 0:
        decay = own
    if setting("optimizer") == "sgd":
        return retrain.MomentumDescent(rate, decay, setting("momentum"))
    return retrain.AdamW(rate, decay, setting("beta1"), setting("beta2"), setting("epsilon"))


def train(segments, setting, train_mask, steps):
    """Losses over both sets before each step and after the last (steps + 1, 2), and the segments."""
    p = setting("p")
    is_train = train_mask[:p * p].astype(bool)
    sets = [pairs(p)[is_train], pairs(p)[~is_train]]
    labels = [chosen.sum(axis=1) % p for chosen in sets]
    optimizers = [make_optimizer(setting, index == 0) for index in range(len(segments))]
    model = Model(segments, setting("activation"), setting("embedding") == "concat")
    losses = []
    for t in range(steps + 1):
        values = [model.forward(chosen) for chosen in sets]
        found = [retrain.cross_entropy(of[-1], right) for of, right in zip(values, labels)]
        losses.append([loss for loss, _ in found])
        if t == steps:
            break
        gradients = model.gradients(sets[0], values[0], found[0][1])
        model.segments = [optimizer.step(value, gradient, t + 1) for optimizer, value, gradient
                          in zip(optimizers, model.segments, gradients)]
    return np.array(losses), model.segments
