# SPDX-License-Identifier: MIT
"""The three workloads: data, shapes and initial values, the same for every peer.

W1: toy addition (Liu et al. 2022), p = 10, 44 of the 55 pairs, each symbol one number; the sum of
the two goes through 1 -> 200 -> 200 -> 30 tanh to a random target vector of the symbols' sum; mean
squared error, full batch, AdamW.
W2: modular addition, p = 59, half of all ordered pairs (1,740), embeddings of 64, summed, 256
hidden ReLU, cross-entropy, full batch, AdamW with weight decay 1.
W4: congruence modulo 3 of 30 symbols (GenEFT, Baek et al. 2024), 675 of the 900 ordered pairs,
embeddings of 2 side by side through 4 -> 50 -> 50 -> 50 -> 1 tanh, binary cross-entropy, full batch,
AdamW.
"""

from dataclasses import dataclass

import numpy as np

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Workload:
    """One training problem. Layer l maps widths[l] features to widths[l + 1]."""

    name: str
    symbols: int
    widths: tuple
    activation: str  # of the hidden layers: tanh, relu
    pairs: np.ndarray  # (samples, 2) symbols
    targets: np.ndarray  # (samples, outputs) for the squared error, or None
    labels: np.ndarray  # (samples,) classes for the cross-entropy, or None
    learning_rate: float
    embedding_decay: float
    layer_decay: float
    is_relation: bool = False  # embeddings side by side, labels 0 and 1 of one logit

    @property
    def samples(self):
        """Training samples."""
        return len(self.pairs)

    def counts(self):
        """(samples, symbols): how often each symbol stands in a sample; times E it is the sum."""
        counts = np.zeros((self.samples, self.symbols), np.float32)
        for column in self.pairs.T:
            counts[np.arange(self.samples), column] += 1
        return counts

    def initial(self, seed):
        """[E, W1, b1, W2, b2, ...]: E (symbols, embedding) N(0, 1); W (inputs, outputs) and b as
        torch.nn.Linear draws them, U(-1, 1) / sqrt(inputs)."""
        random = np.random.default_rng(seed)
        places = 2 if self.is_relation else 1
        values = [random.standard_normal((self.symbols, self.widths[0] // places))]
        for inputs, outputs in zip(self.widths, self.widths[1:]):
            bound = inputs**-0.5
            values += [random.uniform(-bound, bound, shape)
                       for shape in ((inputs, outputs), outputs)]
        return [value.astype(np.float32) for value in values]

    def initial_stack(self, models):
        """The initial values of seeds 0 .. models - 1, each array with the models in front."""
        return [np.stack(values) for values in zip(*map(self.initial, range(models)))]


def toy_addition():
    """W1."""
    symbols, train, outputs = 10, 44, 30
    random = np.random.default_rng(1)
    pairs = np.array([(i, j) for i in range(symbols) for j in range(i, symbols)])
    pairs = random.permutation(pairs)[:train]
    templates = random.standard_normal((2 * symbols - 1, outputs)).astype(np.float32)
    return Workload("W1", symbols, (1, 200, 200, outputs), "tanh", pairs,
                    targets=templates[pairs.sum(1)], labels=None, learning_rate=1e-3,
                    embedding_decay=0.0, layer_decay=0.1)


def modular_addition():
    """W2."""
    symbols, train = 59, 1740
    random = np.random.default_rng(1)
    pairs = np.stack(np.divmod(random.permutation(symbols**2)[:train], symbols), 1)
    return Workload("W2", symbols, (64, 256, symbols), "relu", pairs, targets=None,
                    labels=pairs.sum(1) % symbols, learning_rate=1e-3, embedding_decay=1.0,
                    layer_decay=1.0)


def relation():
    """W4."""
    symbols, train, modulus = 30, 675, 3
    random = np.random.default_rng(1)
    pairs = np.stack(np.divmod(random.permutation(symbols**2)[:train], symbols), 1)
    labels = (pairs[:, 0] % modulus == pairs[:, 1] % modulus).astype(np.float32)
    return Workload("W4", symbols, (4, 50, 50, 50, 1), "tanh", pairs, targets=None, labels=labels,
                    learning_rate=1e-3, embedding_decay=0.0, layer_decay=0.0, is_relation=True)


WORKLOADS = {"W1": toy_addition, "W2": modular_addition, "W4": relation}
