# SPDX-License-Identifier: MIT
"""JAX: one jitted function that scans over the steps, the models mapped by vmap, AdamW by hand."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from workloads import BETA1, BETA2, EPSILON

TITLE = "JAX, jit + vmap + scan"
SIZES = {"W1": (1, 8, 32), "W2": (1, 8)}
ACTIVATIONS = {"tanh": jnp.tanh, "relu": jax.nn.relu}


def version():
    """What is measured."""
    return f"jax {jax.__version__}"


def variants(workload):
    """`gather` looks the symbols up, `product` multiplies by their counts, `table` also takes the
    embeddings times the first layer once per step."""
    if workload == "W4":
        return []
    ways = ["gather", "product"] + ["table"] * (workload == "W2")
    return [f"models {size}, {way}" for size in SIZES[workload] for way in ways]


def make_first_layer(workload, way):
    """E, W1, b1 -> (samples, widths[1]), in the way that the variant says."""
    first, second = jnp.asarray(workload.pairs.T)
    counts = jnp.asarray(workload.counts())
    if way == "gather":
        return lambda embedding, weight: (embedding[first] + embedding[second]) @ weight
    if way == "product":
        return lambda embedding, weight: (counts @ embedding) @ weight
    return lambda embedding, weight: counts @ (embedding @ weight)


def make_loss(workload, way):
    """parameters -> the mean loss of one model."""
    activation, first_layer = ACTIVATIONS[workload.activation], make_first_layer(workload, way)
    if workload.labels is None:
        targets = jnp.asarray(workload.targets)
        criterion = lambda y: jnp.mean(jnp.square(y - targets))
    else:
        label = jnp.asarray(workload.labels)[:, None]
        criterion = lambda y: -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(y), label, 1))

    def loss(parameters):
        embedding, weight, bias, *rest = parameters
        x = first_layer(embedding, weight) + bias
        for weight, bias in zip(rest[0::2], rest[1::2]):
            x = activation(x) @ weight + bias
        return criterion(x)

    return loss


def adamw(workload, step, state, gradients):
    """One step; state is (parameters, m, v), each a list of arrays."""
    rate = workload.learning_rate
    correct1, correct2 = 1 - BETA1**step, 1 - BETA2**step
    parameters, first, second = [], [], []
    for index, (p, m, v, g) in enumerate(zip(*state, gradients)):
        decay = workload.embedding_decay if index == 0 else workload.layer_decay
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g * g
        change = m / correct1 / (jnp.sqrt(v / correct2) + EPSILON)
        parameters.append(p * (1 - rate * decay) - rate * change)
        first.append(m)
        second.append(v)
    return parameters, first, second


class Trainer:
    """One model, or an ensemble by vmap."""

    def __init__(self, workload, variant):
        size, way = variant.removeprefix("models ").split(", ")
        self.models = int(size)
        gradient = jax.value_and_grad(make_loss(workload, way))

        def train_step(state, step):
            loss, gradients = gradient(state[0])
            return adamw(workload, step, state, gradients), loss

        if self.models > 1:
            train_step = jax.vmap(train_step, in_axes=(0, None))
            parameters = workload.initial_stack(self.models)
        else:
            parameters = workload.initial(0)
        parameters = list(map(jnp.asarray, parameters))
        self.state = parameters, *([jnp.zeros_like(p) for p in parameters] for _ in range(2))
        self.trained = 0

        @partial(jax.jit, static_argnums=2, donate_argnums=0)
        def train(state, done, steps):
            numbers = done + 1 + jnp.arange(steps, dtype=jnp.float32)
            return lax.scan(train_step, state, numbers)

        self.train = train

    def advance(self, steps):
        """Trains; returns the loss of each model before the last of the steps."""
        self.state, losses = self.train(self.state, jnp.float32(self.trained), steps)
        self.trained += steps
        return losses[-1].reshape(-1).tolist()
