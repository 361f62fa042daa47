# SPDX-License-Identifier: MIT
"""Trains runs of modular addition by a transformer again, in float64 and full batch, from the
parameters that the file keeps of step 0. Written from the task (a + b mod p over all ordered pairs,
cross-entropy), Vaswani et al. (2017) and the documentation of torch, not from the program's sources:
every sample has its tokens, every token its query, key and value, and the whole block is computed
at every token, of which the last is read."""

import numpy as np

import retrain
from retrain_modular import make_optimizer, pairs


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class Model:
    """Segments in order: tokens, places, then weight and bias of attention in, attention out, up,
    down, unembedding."""

    def __init__(self, segments, activation_name, heads):
        self.segments, self.heads = segments, heads
        self.act, self.act_slope = retrain.activation(activation_name)

    def split(self, x):
        """(samples, tokens, heads, width) of (samples, tokens, dimension), heads before tokens."""
        n, tokens, dimension = x.shape
        return x.reshape(n, tokens, self.heads, dimension // self.heads).transpose(0, 2, 1, 3)

    @staticmethod
    def join(x):
        n, heads, tokens, width = x.shape
        return x.transpose(0, 2, 1, 3).reshape(n, tokens, heads * width)

    def forward(self, tokens):
        """tokens (n, places); returns what the way back needs, `logits` among it."""
        token, place, w_in, b_in, w_out, b_out, w_up, b_up, w_down, b_down, w_un, b_un = self.segments
        x = token[tokens] + place
        q, k, v = (self.split(part) for part in np.split(x @ w_in.T + b_in[:, 0], 3, axis=2))
        weights = softmax(q @ k.swapaxes(2, 3) / np.sqrt(q.shape[3]))
        mixed = self.join(weights @ v)
        middle = x + mixed @ w_out.T + b_out[:, 0]
        hidden = self.act(middle @ w_up.T + b_up[:, 0])
        top = middle + hidden @ w_down.T + b_down[:, 0]
        return {"x": x, "q": q, "k": k, "v": v, "weights": weights, "mixed": mixed, "middle": middle,
                "hidden": hidden, "top": top, "logits": top[:, -1] @ w_un.T + b_un[:, 0]}

    def gradients(self, tokens, at, delta):
        """d loss / d segments from delta = d loss / d logits (n, classes)."""
        token, place, w_in, _, w_out, _, w_up, _, w_down, _, w_un, _ = self.segments

        def of_affine(delta, before):
            return [np.einsum("nto,nti->oi", delta, before), delta.sum(axis=(0, 1))[:, None]]

        d_top = np.zeros_like(at["top"])
        d_top[:, -1] = delta @ w_un
        found = [delta.T @ at["top"][:, -1], delta.sum(axis=0)[:, None]]
        found = of_affine(d_top, at["hidden"]) + found
        d_hidden = (d_top @ w_down) * self.act_slope(at["hidden"])
        found = of_affine(d_hidden, at["middle"]) + found
        d_middle = d_top + d_hidden @ w_up
        found = of_affine(d_middle, at["mixed"]) + found
        d_mixed = self.split(d_middle @ w_out)
        d_weights = d_mixed @ at["v"].swapaxes(2, 3)
        mean = (d_weights * at["weights"]).sum(axis=-1, keepdims=True)
        d_scores = at["weights"] * (d_weights - mean) / np.sqrt(at["q"].shape[3])
        d_in = np.concatenate([self.join(d_scores @ at["k"]),
                               self.join(d_scores.swapaxes(2, 3) @ at["q"]),
                               self.join(at["weights"].swapaxes(2, 3) @ d_mixed)], axis=2)
        found = of_affine(d_in, at["x"]) + found
        d_x = d_middle + d_in @ w_in
        table = np.zeros_like(token)
        np.add.at(table, tokens, d_x)
        return [table, d_x.sum(axis=0)] + found


def train(segments, setting, train_mask, steps):
    """Losses over both sets before each step and after the last (steps + 1, 2), and the segments."""
    p = setting("p")
    is_train = train_mask[:p * p].astype(bool)
    tokens = pairs(p)
    labels = tokens.sum(axis=1) % p
    if setting("equals_token") == "yes":
        tokens = np.hstack([tokens, np.full((p * p, 1), p)])
    sets = [(tokens[chosen], labels[chosen]) for chosen in (is_train, ~is_train)]
    optimizers = [make_optimizer(setting, index < 2) for index in range(len(segments))]
    model = Model(segments, setting("activation"), setting("heads"))
    losses = []
    for t in range(steps + 1):
        values = [model.forward(chosen) for chosen, _ in sets]
        found = [retrain.cross_entropy(at["logits"], right) for at, (_, right) in zip(values, sets)]
        losses.append([loss for loss, _ in found])
        if t == steps:
            break
        gradients = model.gradients(sets[0][0], values[0], found[0][1])
        model.segments = [optimizer.step(value, gradient, t + 1) for optimizer, value, gradient
                          in zip(optimizers, model.segments, gradients)]
    return np.array(losses), model.segments
