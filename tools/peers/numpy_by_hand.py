# SPDX-License-Identifier: MIT
"""numpy by hand: no autograd, no temporary arrays, one flat vector of parameters.

The moments are kept as M = m / (1 - beta1) and V = v / (1 - beta2), so that AdamW's step
    m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) = a M / (sqrt(V) + epsilon / c),
    c = sqrt((1 - beta2) / (1 - beta2^t)),  a = (1 - beta1) / (1 - beta1^t) / c
takes nine passes over the parameters.
"""

import blas
import numpy as np
from workloads import BETA1, BETA2, EPSILON

TITLE = "numpy by hand"


def version():
    """What is measured."""
    return f"numpy {np.__version__}, {blas.description()}"


def variants(workload):
    """`table`: the embeddings times the first layer once per step, then looked up by product."""
    return {"W1": ["sum"], "W2": ["sum", "table"], "W4": []}[workload]


def views(flat, shapes):
    """The arrays of these shapes, one after the other in the flat vector."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes)]


class AdamW:
    """On one flat vector, in place; its first `embedding_size` numbers are the embeddings."""

    def __init__(self, workload, parameters, embedding_size):
        self.parameters, self.step = parameters, 0
        self.gradient, self.m, self.v = (np.zeros_like(parameters) for _ in range(3))
        self.rate = workload.learning_rate
        keep = [1 - self.rate * decay for decay in (workload.embedding_decay, workload.layer_decay)]
        if keep[0] == keep[1]:
            self.keep = np.float32(keep[0])
        else:
            self.keep = np.full_like(parameters, keep[1])
            self.keep[:embedding_size] = keep[0]

    def update(self):
        """One step from self.gradient, which is overwritten."""
        self.step += 1
        c = ((1 - BETA2) / (1 - BETA2**self.step)) ** 0.5
        a = self.rate * (1 - BETA1) / (1 - BETA1**self.step) / c
        g, m, v, parameters = self.gradient, self.m, self.v, self.parameters
        m *= np.float32(BETA1)
        m += g
        v *= np.float32(BETA2)
        np.multiply(g, g, out=g)
        v += g
        np.sqrt(v, out=g)
        g += np.float32(EPSILON / c)
        np.divide(m, g, out=g)
        g *= np.float32(a)
        parameters *= self.keep
        parameters -= g


class Trainer:
    """One model."""

    models = 1

    def __init__(self, workload, variant):
        self.workload = workload
        initial = workload.initial(0)
        shapes = [value.shape for value in initial]
        self.optimizer = AdamW(workload, np.concatenate([v.ravel() for v in initial]),
                               initial[0].size)
        self.embedding, *layers = views(self.optimizer.parameters, shapes)
        self.embedding_gradient, *gradients = views(self.optimizer.gradient, shapes)
        self.weights, self.biases = layers[0::2], layers[1::2]
        self.weight_gradients, self.bias_gradients = gradients[0::2], gradients[1::2]
        self.counts = workload.counts()
        self.counts_transposed = np.ascontiguousarray(self.counts.T)
        widths = workload.widths
        self.values, self.deltas, self.factors = (
            [np.empty((workload.samples, width), np.float32) for width in widths] for _ in range(3))
        self.every_sample = np.arange(workload.samples)
        self.table = self.table_delta = None
        if variant == "table":
            self.table, self.table_delta = np.empty((2, workload.symbols, widths[1]), np.float32)

    def forward(self):
        """Fills values[1:], pre-activations of the last layer included."""
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            out = self.values[layer + 1]
            if layer == 0 and self.table is not None:
                np.matmul(self.embedding, weight, out=self.table)
                np.matmul(self.counts, self.table, out=out)
            else:
                if layer == 0:
                    np.matmul(self.counts, self.embedding, out=self.values[0])
                np.matmul(self.values[layer], weight, out=out)
            out += bias
            if layer + 1 < len(self.weights):
                self.activate(out)

    def activate(self, values):
        """In place."""
        if self.workload.activation == "tanh":
            np.tanh(values, out=values)
        else:
            np.maximum(values, np.float32(0), out=values)

    def loss(self):
        """The mean loss; deltas[-1] becomes its derivative."""
        y, delta = self.values[-1], self.deltas[-1]
        if self.workload.labels is None:
            np.subtract(y, self.workload.targets, out=delta)
            loss = float(np.vdot(delta, delta)) / delta.size
            delta *= np.float32(2 / delta.size)
            return loss
        labels = self.workload.labels
        y -= y.max(1, keepdims=True)
        of_label = y[self.every_sample, labels]
        np.exp(y, out=delta)
        sums = delta.sum(1, keepdims=True)
        loss = float(np.mean(np.log(sums[:, 0]) - of_label))
        delta /= sums * np.float32(len(labels))
        delta[self.every_sample, labels] -= np.float32(1 / len(labels))
        return loss

    def backward(self):
        """Fills the gradient."""
        for layer in reversed(range(len(self.weights))):
            delta, weight = self.deltas[layer + 1], self.weights[layer]
            delta.sum(0, out=self.bias_gradients[layer])
            if layer == 0:
                self.backward_embedding(delta, weight)
                return
            h, factor = self.values[layer], self.factors[layer]
            np.matmul(h.T, delta, out=self.weight_gradients[layer])
            np.matmul(delta, weight.T, out=self.deltas[layer])
            if self.workload.activation == "tanh":
                np.multiply(h, h, out=factor)
                np.subtract(np.float32(1), factor, out=factor)
                self.deltas[layer] *= factor
            else:
                self.deltas[layer] *= h > 0

    def backward_embedding(self, delta, weight):
        """Gradients of the first layer's weights and of the embeddings."""
        if self.table is not None:
            np.matmul(self.counts_transposed, delta, out=self.table_delta)
            np.matmul(self.embedding.T, self.table_delta, out=self.weight_gradients[0])
            np.matmul(self.table_delta, weight.T, out=self.embedding_gradient)
        else:
            np.matmul(self.values[0].T, delta, out=self.weight_gradients[0])
            np.matmul(delta, weight.T, out=self.deltas[0])
            np.matmul(self.counts_transposed, self.deltas[0], out=self.embedding_gradient)

    def advance(self, steps):
        """Trains; returns the loss of each model before the last of the steps."""
        for _ in range(steps):
            self.forward()
            loss = self.loss()
            self.backward()
            self.optimizer.update()
        return [loss]
