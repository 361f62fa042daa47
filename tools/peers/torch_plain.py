# SPDX-License-Identifier: MIT
"""PyTorch as one writes it: an nn.Module, autograd, torch.optim.AdamW; one model at a time."""

import inspect

import torch
from torch import nn
from workloads import BETA1, BETA2, EPSILON

TITLE = "PyTorch, plain"
ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu}


def version():
    """What is measured."""
    return f"torch {torch.__version__}"


def can_compile():
    """torch.compile came with PyTorch 2."""
    return hasattr(torch, "compile")


def optimizer_variants():
    """The ways in which AdamW can walk over the parameters."""
    has_fused = "fused" in inspect.signature(torch.optim.AdamW).parameters
    return ["for-loop", "foreach"] + ["fused"] * (has_fused and can_compile())


def variants(workload):
    """The optimiser's, and the whole step compiled."""
    if workload == "W4":
        return []
    return optimizer_variants() + ["compiled"] * can_compile()


def make_optimizer(workload, embeddings, layers, variant):
    """AdamW, embeddings and layers each with their own weight decay."""
    ways = {"foreach": {"foreach": True}, "fused": {"fused": True}}
    return torch.optim.AdamW([{"params": embeddings, "weight_decay": workload.embedding_decay},
                              {"params": layers, "weight_decay": workload.layer_decay}],
                             lr=workload.learning_rate, betas=(BETA1, BETA2), eps=EPSILON,
                             **ways.get(variant, {"foreach": False}))


class Network(nn.Module):
    """The sum of two embeddings through affine layers."""

    def __init__(self, workload):
        super().__init__()
        widths = workload.widths
        self.embedding = nn.Embedding(workload.symbols, widths[0])
        self.layers = nn.ModuleList(map(nn.Linear, widths, widths[1:]))
        self.activation = ACTIVATIONS[workload.activation]
        embedding, *layers = map(torch.from_numpy, workload.initial(0))
        with torch.no_grad():
            self.embedding.weight.copy_(embedding)
            for layer, weight, bias in zip(self.layers, layers[0::2], layers[1::2]):
                layer.weight.copy_(weight.T)
                layer.bias.copy_(bias)

    def forward(self, first, second):
        """(samples, outputs)"""
        x = self.embedding(first) + self.embedding(second)
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)


class Trainer:
    """One model."""

    models = 1

    def __init__(self, workload, variant):
        torch.set_num_threads(1)
        network = Network(workload)
        optimizer = make_optimizer(workload, network.embedding.parameters(),
                                   network.layers.parameters(), variant)
        first, second = map(torch.from_numpy, workload.pairs.T.copy())
        if workload.labels is None:
            criterion, wanted = nn.MSELoss(), torch.from_numpy(workload.targets)
        else:
            criterion, wanted = nn.CrossEntropyLoss(), torch.from_numpy(workload.labels)

        def step():
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(network(first, second), wanted)
            loss.backward()
            optimizer.step()
            return loss

        self.step = torch.compile(step) if variant == "compiled" else step

    def advance(self, steps):
        """Trains; returns the loss of each model before the last of the steps."""
        for _ in range(steps):
            loss = self.step()
        return [loss.item()]
