# SPDX-License-Identifier: MIT
"""PyTorch, many models at once: every parameter has the models in front, every layer is one bmm."""

import torch
from torch import nn
from torch_plain import ACTIVATIONS, can_compile, make_optimizer, optimizer_variants, version

__all__ = ["TITLE", "Trainer", "variants", "version"]

TITLE = "PyTorch, batched by bmm"
SIZES = {"W1": (4, 8, 32), "W2": (2, 8), "W4": (4, 16, 64)}


def variants(workload):
    """Every ensemble size with the best way of the optimiser (foreach where there is no fused)."""
    way = optimizer_variants()[-1]
    plain = [f"models {size}, {way}" for size in SIZES[workload]]
    return plain + [f"models {size}, compiled" for size in SIZES[workload] if can_compile()]


class Trainer:
    """An ensemble."""

    def __init__(self, workload, variant):
        torch.set_num_threads(1)
        size, way = variant.removeprefix("models ").split(", ")
        self.models = int(size)
        self.workload, self.activation = workload, ACTIVATIONS[workload.activation]
        self.embedding, *layers = [nn.Parameter(torch.from_numpy(value))
                                   for value in workload.initial_stack(self.models)]
        self.weights = layers[0::2]
        self.biases = [nn.Parameter(bias.data[:, None, :]) for bias in layers[1::2]]
        self.optimizer = make_optimizer(workload, [self.embedding], self.weights + self.biases, way)
        self.first, self.second = map(torch.from_numpy, workload.pairs.T.copy())
        self.targets = self.labels = None
        if workload.labels is None:
            self.targets = torch.from_numpy(workload.targets)
        else:
            self.labels = torch.from_numpy(workload.labels).repeat(self.models)
            self.criterion = nn.functional.cross_entropy
        if workload.is_relation:
            self.criterion = lambda y, labels, reduction: \
                nn.functional.binary_cross_entropy_with_logits(y[:, 0], labels, reduction=reduction)
        self.step = torch.compile(self.one_step) if way == "compiled" else self.one_step

    def forward(self):
        """(models, samples, outputs)"""
        first, second = self.embedding[:, self.first], self.embedding[:, self.second]
        x = torch.cat([first, second], 2) if self.workload.is_relation else first + second
        for weight, bias in zip(self.weights[:-1], self.biases):
            x = self.activation(torch.baddbmm(bias, x, weight))
        return torch.baddbmm(self.biases[-1], x, self.weights[-1])

    def losses(self):
        """(models,)"""
        y = self.forward()
        if self.labels is None:
            return (y - self.targets).square().mean((1, 2))
        each = self.criterion(y.flatten(0, 1), self.labels, reduction="none")
        return each.view(self.models, -1).mean(1)

    def one_step(self):
        """The models do not touch: the gradient of the sum is that of each."""
        self.optimizer.zero_grad(set_to_none=True)
        losses = self.losses()
        losses.sum().backward()
        self.optimizer.step()
        return losses

    def advance(self, steps):
        """Trains; returns the loss of each model before the last of the steps."""
        for _ in range(steps):
            losses = self.step()
        return losses.tolist()
