# SPDX-License-Identifier: MIT
"""Trains runs of the two_point experiment again, in float64, from the parameters that the file keeps of
step 0 and, where a step does not use all samples, in the order that `phasegrid export --batches` says, and
measures the distances of their representations; or in float32, for what rounding alone does to a run.
Written from the paper's repository as the science page tells it and from torch's documentation, not from
the program's sources."""

import itertools

import numpy as np

import harness
import retrain


def blobs(setting, side):
    """Bumps at side x side places in two contexts: exp(-|pixel - place|^2 / 2 width^2) and the context's
    bit; the first coordinate of the place in context 0, the second in context 1."""
    pixels = np.linspace(-1, 1, int(setting("blob_pixels")))
    x, y = [], []
    for context, *place in itertools.product((0, 1), *[np.linspace(-1, 1, side)] * 2):
        far = (pixels[:, None] - place[0]) ** 2 + (pixels[None, :] - place[1]) ** 2
        bump = np.exp(-far / (2 * setting("blob_width") ** 2))
        x.append([*bump.ravel(), context == 0, context == 1])
        y.append([place[context]])
    return np.array(x, dtype=float), np.array(y)


def training_set(setting):
    """Inputs and targets, (samples, dimensions): but for blobs they are the points that are observed."""
    return blobs(setting, int(setting("blob_side"))) if setting("task") == "blobs" else points(setting)


def points(setting):
    """Inputs and targets of a task, (points, dimensions)."""
    if setting("task") == "blobs":
        x, y = blobs(setting, int(setting("points_side")))
    elif setting("task") == "xor":
        x = np.array(list(itertools.product((0.0, 1.0), repeat=2)))
        y = np.logical_xor(*x.T)[:, None].astype(float)
    elif setting("task") == "tree":
        levels = int(setting("tree_levels"))
        leaves = range(2 ** levels)
        nodes = [(level, node) for level in range(1, levels + 1) for node in range(2 ** level)]
        x = np.eye(len(leaves))
        y = np.array([[float(leaf >> (levels - level) == node) for level, node in nodes]
                      for leaf in leaves])
    else:
        x = np.array([[-1.0], [-1.0 + setting("input_distance")]])
        y = np.array([[0.6], [0.6 + setting("target_distance")]])
    if setting("centred") == "yes":
        x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return x, y


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


ACTIVATIONS = {  # function, and slope at the argument
    "identity": (lambda x: x, np.ones_like),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(float)),
    "leaky_relu": (lambda x: np.where(x < 0, 0.01 * x, x), lambda x: np.where(x > 0, 1.0, 0.01)),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "elu": (lambda x: np.where(x < 0, np.expm1(np.minimum(x, 0)), x),
            lambda x: np.where(x < 0, np.exp(np.minimum(x, 0)), 1.0)),
    "silu": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x)))),
}


class Net:
    """a_n = f(W_n a_{n-1} + b_n), with the skip + a_{n-2} from n = 2 on; the last map has no f."""

    def __init__(self, segments, activation, has_skip):
        self.weights, self.biases = segments[0::2], [bias[:, 0] for bias in segments[1::2]]
        self.act, self.slope = ACTIVATIONS[activation]
        self.has_skip = has_skip

    def skips(self, n):
        return self.has_skip and n > 1

    def forward(self, x):
        """Arguments of f, and values: of the input, of every hidden layer, of the output."""
        before, values = [], [x]
        for n, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            before.append(values[-1] @ weight.T + bias)
            is_last = n == len(self.weights) - 1
            value = before[-1] if is_last else self.act(before[-1]).astype(x.dtype)
            values.append(value + values[n - 1] if self.skips(n) and not is_last else value)
        return before, values

    def gradients(self, before, values, delta):
        """Of weights and biases in turn, from d loss / d output."""
        count = len(self.weights)
        found, of_values = [None] * (2 * count), [0.0] * (count + 1)
        of_values[count] = delta
        for n in reversed(range(count)):
            is_last = n == count - 1
            if self.skips(n) and not is_last:
                of_values[n - 1] = of_values[n - 1] + of_values[n + 1]
            at = of_values[n + 1] * (1.0 if is_last else self.slope(before[n]).astype(delta.dtype))
            found[2 * n], found[2 * n + 1] = at.T @ values[n], at.sum(axis=0)[:, None]
            of_values[n] = of_values[n] + at @ self.weights[n]
        return found


def squared_distances(values):
    """Of all pairs i < j, in lexicographic order."""
    return np.array([np.sum((b - a) ** 2) for a, b in itertools.combinations(values, 2)])


class Run:
    """One run of a cube of the two_point experiment, in numbers of one precision."""

    def __init__(self, cube, index, precision=np.float64):
        self.cube, self.index, self.precision = cube, index, precision
        self.x, self.y = (values.astype(precision) for values in points(self.setting))
        self.inputs, self.targets = (values.astype(precision) for values in training_set(self.setting))
        names = cube.coordinate("segment")
        place = [cube.of_cells(f"segment_{what}")[index[:-1]] for what in ("offset", "rows", "columns")]
        flat = cube["parameters"][index][0].astype(precision)
        self.segments = [flat[offset:offset + rows * columns].reshape(rows, columns).copy()
                         for offset, rows, columns in zip(*place) if offset >= 0 and rows > 0]
        assert len(self.segments) == 2 * int(self.setting("depth")) + 2, names

    def setting(self, name):
        return self.cube.value(name, self.index[:-1])

    def optimizer(self):
        rate, decay = self.setting("learning_rate"), self.setting("weight_decay")
        if self.setting("optimizer") == "sgd":
            return retrain.MomentumDescent(rate, decay, self.setting("momentum"))
        return retrain.AdamW(rate, decay, self.setting("beta1"), self.setting("beta2"),
                             self.setting("epsilon"))

    def batches(self):
        """{step: samples}; empty: all at every step."""
        if self.setting("batch_size") == 0:
            return {}
        number = np.ravel_multi_index(self.index, self.cube["status"].shape)
        lines = harness.call("export", self.cube.files[0].filename, "--batches", number).splitlines()
        parts = (line.split(": ") for line in lines)
        return {int(step): np.array(samples.split(), dtype=int) for step, samples in parts}

    def observe(self, net):
        """Half the mean squared error of the training set; h (layer, pair), y (pair), w (pair)."""
        loss = 0.5 * np.mean((net.forward(self.inputs)[1][-1] - self.targets) ** 2)
        values = net.forward(self.x)[1]
        output, targets = values[-1], self.y
        h = np.array([squared_distances(hidden) for hidden in values[1:-1]])
        dy = [(b - a) for a, b in itertools.combinations(output, 2)]
        d = [(b - a) for a, b in itertools.combinations(targets, 2)]
        w = np.array([np.dot(a, a) - np.dot(b, a) for a, b in zip(dy, d)])
        return loss, h, squared_distances(output), w

    def train(self):
        """What observe() says at every recorded step, and the parameters at the end."""
        net = Net(self.segments, self.setting("activation"), self.setting("skip") == "yes")
        steps = self.cube.coordinate("step")
        optimizers = [self.optimizer() for _ in self.segments]
        batches, found = self.batches(), []
        for step in range(int(steps[-1]) + 1):
            net.biases = [bias[:, 0] for bias in self.segments[1::2]]
            if step in steps:
                found.append(self.observe(net))
            if step == steps[-1]:
                break
            batch = batches.get(step + 1, slice(None))
            before, values = net.forward(self.inputs[batch])
            delta = (values[-1] - self.targets[batch]) / values[-1].size
            gradients = net.gradients(before, values, delta)
            self.segments = [optimizer.step(segment, gradient, step + 1).astype(self.precision)
                             for segment, optimizer, gradient
                             in zip(self.segments, optimizers, gradients)]
            net.weights = self.segments[0::2]
        return found, np.concatenate([segment.ravel() for segment in self.segments])
