# SPDX-License-Identifier: MIT
"""Runs of diagonal_linear, least_squares and gradient_variance again, in float64, from their settings
and seed alone: data, order of the samples and label noise are drawn here once more (Philox4x32-10 as
published; keys and counters as the program documents them). least_squares is trained in all d
dimensions, gradient_variance by naming every batch."""

import itertools
import math

import numpy as np

SPLIT, TEMPLATES, INITIAL, BATCHES, ORDERS, LABEL_NOISE = 1, 2, 3, 4, 6, 7
LOW = np.uint64(0xFFFFFFFF)


def words(seed, stream, a, b=0, c=0):
    """Word a of the stream at (b, c): Salmon et al. 2011, ten rounds."""
    a, b, c = np.broadcast_arrays(np.asarray(a, np.uint64), np.asarray(b, np.uint64),
                                  np.asarray(c, np.uint64))
    x = [a >> np.uint64(2), b, c, np.zeros_like(a)]
    key = [seed, stream]
    for _ in range(10):
        first, second = x[0] * np.uint64(0xD2511F53), x[2] * np.uint64(0xCD9E8D57)
        x = [(second >> np.uint64(32)) ^ x[1] ^ np.uint64(key[0]), second & LOW,
             (first >> np.uint64(32)) ^ x[3] ^ np.uint64(key[1]), first & LOW]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.choose((a & np.uint64(3)).astype(int), x)


def normals(seed, stream, a, b=0):
    """Box and Muller: a pair of deviates from a block of words, rounded to float32."""
    a = np.asarray(a)
    block = 4 * (a // 2)
    radius = np.sqrt(-2.0 * np.log((words(seed, stream, block, b) + 0.5) / 2.0 ** 32))
    turn = 2.0 * np.pi * words(seed, stream, block + 1, b) / 2.0 ** 32
    return (radius * np.where(a % 2 == 0, np.cos(turn), np.sin(turn))).astype(np.float32) \
        .astype(float)


def below(seed, stream, bound, a, b=0):
    """Uniform in 0 .. bound - 1, from 64 bits."""
    low, high = (int(words(seed, stream, 4 * a + k, b)) for k in (0, 1))
    return ((high << 32 | low) * bound) >> 64


def permutation(seed, epoch, count):
    """Fisher and Yates."""
    order = list(range(count))
    for i in range(count - 1):
        j = i + below(seed, ORDERS, count - i, i, epoch)
        order[i], order[j] = order[j], order[i]
    return order


class Samples:
    """Which samples a step (from 1) takes."""

    def __init__(self, seed, count, batch, sampling):
        self.seed, self.count, self.batch, self.sampling = seed, count, batch, sampling
        self.epochs = {}

    def __call__(self, step):
        if self.batch == 0:
            return list(range(self.count))
        if self.sampling == "with_replacement":
            drawn = words(self.seed, BATCHES, np.arange(self.batch), step)
            return [int(word) * self.count >> 32 for word in drawn]
        places = range((step - 1) * self.batch, step * self.batch)
        for epoch in {place // self.count for place in places} - set(self.epochs):
            self.epochs[epoch] = permutation(self.seed, epoch, self.count)
        return [self.epochs[place // self.count][place % self.count] for place in places]


def matrix(seed, rows, columns):
    return normals(seed, SPLIT, np.arange(columns)[None, :], np.arange(rows)[:, None])


def diagonal_linear(setting, seed, points):
    """Losses, population losses and what lies off the support at the points, and the end (2 d)."""
    n, d, steps = setting("sample_count"), setting("dimension"), setting("steps")
    x = matrix(seed, n, d)
    truth = np.where(np.arange(d) < setting("nonzero"),
                     np.abs(normals(seed, TEMPLATES, np.arange(d))), 0.0)
    truth /= np.linalg.norm(truth)
    y = x @ truth
    w = np.concatenate([np.full(d, setting("u_start")), np.full(d, setting("v_start"))])
    velocity, found = np.zeros(2 * d), []
    samples = Samples(seed, n, setting("batch_size"), setting("sampling"))
    for step in range(steps + 1):
        u, v = w[:d], w[d:]
        if step in points:
            found.append([np.sum((x @ (u * v) - y) ** 2) / (2 * n),
                          np.sum((u * v - truth) ** 2) / 2, np.sum(np.abs((u * v)[truth == 0]))])
        at = samples(step + 1)
        residual = x[at] @ (u * v) - y[at]
        if step < setting("label_noise_until") * steps:
            coins = words(seed, LABEL_NOISE, np.arange(len(at)), step + 1) >> np.uint64(31)
            residual += setting("label_noise") * np.where(coins > 0, 1.0, -1.0)
        slope = residual @ x[at] / len(at)
        momentum = setting("momentum") if step < setting("momentum_until") * steps else 0.0
        rate = setting("learning_rate")
        rate /= setting("lr_decay_factor") if step >= setting("lr_decay_at") * steps else 1.0
        if step < steps:
            velocity = momentum * velocity + np.concatenate([slope * v, slope * u])
            w = w - rate * velocity
    return np.array(found), w


def least_squares(setting, seed, points):
    """Losses and Rayleigh quotients at the points: descent of the whole error (d)."""
    n, d = setting("sample_count"), setting("dimension")
    x = matrix(seed, n, d)
    x *= np.sqrt(np.linspace(setting("norm_min"), setting("norm_max"), n) /
                 np.sum(x ** 2, axis=1))[:, None]
    basis = np.linalg.solve(np.linalg.cholesky(x @ x.T), x)
    e = setting("init_scale") * normals(seed, INITIAL, np.arange(n)) @ basis
    samples, found = Samples(seed, n, setting("batch_size"), setting("sampling")), []
    for step in range(setting("steps") + 1):
        if step in points:
            square = np.sum((x @ e) ** 2)
            found.append([square / (2 * n), square / (e @ e)])
        at = samples(step + 1)
        e = e - setting("learning_rate") * x[at].T @ (x[at] @ e) / len(at)
    return np.array(found)


def moments_by_name(x, y, start, rate, batch, updates):
    """E|g|^2 - |E g|^2 and E|full gradient|^2 of linear regression, over every sequence of subsets."""
    n = len(y)
    subsets = [list(subset) for subset in itertools.combinations(range(n), batch)]
    weights, found = np.array([start]), []

    def slopes(w, at):
        return (w @ x[at].T - y[at]) @ x[at] / len(at)

    for _ in range(updates + 1):
        each = np.stack([slopes(weights, at) for at in subsets])  # (subsets, walks, d)
        full = slopes(weights, list(range(n)))
        mean = full.mean(axis=0)
        found.append([np.mean(np.sum(each ** 2, axis=2)) - mean @ mean,
                      np.mean(np.sum(full ** 2, axis=1))])
        weights = (weights[None] - rate * each).reshape(-1, x.shape[1])
    return np.array(found)


def through(points, values, at):
    """The polynomial through (points, values), at another one (Lagrange)."""
    return sum(value * math.prod((at - other) / (point - other)
                                 for other in points if other != point)
               for point, value in zip(points, values))
