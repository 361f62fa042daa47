#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phasegrid's speed in the toy model of superposition beside PyTorch's, numba's and JAX's, in one run.

    python3 tools/superposition_peers.py [--python PATH]... [--rounds 5] [--seconds 1] [--json FILE]
    python3 tools/superposition_peers.py --check     # only: do they compute the same?

c = 6 features in r = 2 dimensions, n = 1,000 samples, f(x) = ReLU(W'W x + b), squared error summed over
the outputs. Training: SGD, batches of 64, learning rate .005. Sampling: SGLD chains, batches of 500, n beta =
n / ln n, gamma 10, epsilon 5e-4. Every peer runs in a process of its own on one CPU and with one thread,
is first held against one step in float64 numpy, then compiled and warm; in every round all take turns,
phasegrid among them. Rates are model-steps (chain-steps) per CPU-second, medians over the rounds.
`torch loop` draws its batches, copies its model and scores each draw as devinterp's loop does: a DataLoader,
one chain after the other; most of its time is the DataLoader's.
"""

import argparse
import copy
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

FEATURES, HIDDEN, SAMPLES = 6, 2, 1000
RATE, N_BETA, GAMMA, EPSILON = 0.005, SAMPLES / math.log(SAMPLES), 10.0, 5e-4
BATCH = {"training": 64, "sampling": 500}
BUILT = Path(__file__).parents[1] / "build" / "src" / "cli" / "phasegrid"
CASES = {"training": ("W3", "W3-own"), "sampling": ("W3-sgld", "W3-sgld-own")}


def problem():
    """Inputs (n, c), and where models start: W (r, c), b (c)."""
    draw = np.random.default_rng(0)
    inputs = np.zeros((SAMPLES, FEATURES))
    inputs[np.arange(SAMPLES), draw.integers(0, FEATURES, SAMPLES)] = draw.random(SAMPLES)
    return inputs, draw.normal(size=(HIDDEN, FEATURES)), 0.1 * draw.normal(size=FEATURES)


def gradient(inputs, weights, bias):
    """Of the mean loss, as it is written."""
    hidden = inputs @ weights.T
    outputs = hidden @ weights + bias
    error = 2 * (np.maximum(outputs, 0) - inputs) * (outputs > 0) / len(inputs)
    return (hidden.T @ error) + (error @ weights.T).T @ inputs, error.sum(axis=0)


def one_step(task, batch):
    """(W, b) after one step from the start, without noise."""
    inputs, weights, bias = problem()
    of_weights, of_bias = gradient(inputs[batch], weights, bias)
    scale = RATE if task == "training" else EPSILON / 2 * N_BETA  # at the anchor gamma pulls nowhere
    return weights - scale * of_weights, bias - scale * of_bias


class TorchBatched:
    """Many models at once by bmm."""

    def __init__(self, task, compiled=False):
        import torch
        torch.set_num_threads(1)
        self.torch, self.task, self.models = torch, task, 512 if task == "training" else 64
        inputs, weights, bias = (torch.tensor(part, dtype=torch.float32) for part in problem())
        self.inputs = inputs
        self.weights = weights.repeat(self.models, 1, 1)
        self.bias = bias.repeat(self.models, 1, 1)
        self.anchor = self.weights.clone(), self.bias.clone()

    @staticmethod
    def version():
        import torch
        return f"torch {torch.__version__}"

    def step(self, batch, noise=True):
        torch, sample = self.torch, self.inputs[batch]
        hidden = sample @ self.weights.transpose(1, 2)
        outputs = torch.baddbmm(self.bias, hidden, self.weights)
        error = 2 * (outputs.relu() - sample) * (outputs > 0) / len(batch)
        of_weights = hidden.transpose(1, 2) @ error + (self.weights @ error.transpose(1, 2)) @ sample
        of_bias = error.sum(dim=1, keepdim=True)
        for parameter, slope, anchor in ((self.weights, of_weights, self.anchor[0]),
                                         (self.bias, of_bias, self.anchor[1])):
            if self.task == "training":
                parameter -= RATE * slope
            else:
                parameter -= EPSILON / 2 * (N_BETA * slope + GAMMA * (parameter - anchor))
                if noise:
                    parameter += math.sqrt(EPSILON) * torch.randn_like(parameter)

    def first(self):
        return self.weights[0].numpy(), self.bias[0, 0].numpy()

    def advance(self, steps):
        with self.torch.no_grad():
            for _ in range(steps):
                self.step(self.torch.randint(SAMPLES, (BATCH[self.task],)))
        return steps * self.models


class TorchLoop:
    """One model after the other through autograd; for sampling as devinterp's loop does it."""

    def __init__(self, task):
        import torch
        torch.set_num_threads(1)
        self.torch, self.task, self.models = torch, task, 1
        inputs, weights, bias = (torch.tensor(part, dtype=torch.float32) for part in problem())
        self.inputs = inputs
        self.model = torch.nn.Module()
        self.model.weights = torch.nn.Parameter(weights)
        self.model.bias = torch.nn.Parameter(bias)
        self.anchor = [parameter.detach().clone() for parameter in self.model.parameters()]
        self.model = copy.deepcopy(self.model)  # of the chain
        data = torch.utils.data.TensorDataset(inputs, inputs)
        self.loader = torch.utils.data.DataLoader(data, BATCH[task], shuffle=True)

    version = TorchBatched.version

    def descend(self, sample, target, noise=True):
        torch = self.torch
        self.model.zero_grad()
        outputs = torch.relu(sample @ self.model.weights.T @ self.model.weights + self.model.bias)
        loss = ((outputs - target) ** 2).sum(dim=1).mean()
        loss.backward()
        with torch.no_grad():
            for parameter, anchor in zip(self.model.parameters(), self.anchor):
                if self.task == "training":
                    parameter -= RATE * parameter.grad
                    continue
                drift = N_BETA * parameter.grad + GAMMA * (parameter - anchor)
                parameter -= EPSILON / 2 * drift
                if noise:
                    parameter += math.sqrt(EPSILON) * torch.randn_like(parameter)
        return loss.item()

    def step(self, batch, noise=True):
        self.descend(self.inputs[batch], self.inputs[batch], noise)

    def first(self):
        return self.model.weights.detach().numpy(), self.model.bias.detach().numpy()

    def advance(self, steps):
        done = 0
        while done < steps:
            for sample, target in self.loader:
                self.descend(sample, target)
                done += 1
        return done


class Numba:
    """Plain loops over samples, one model after the other."""

    def __init__(self, task):
        import numba
        inputs, weights, bias = problem()
        self.task, self.models = task, 1
        self.state = [part.astype(np.float32) for part in (inputs, weights, bias)]
        self.anchor = [part.copy() for part in self.state[1:]]
        is_training = task == "training"
        size, scale = BATCH[task], np.float32(RATE if is_training else EPSILON / 2)
        n_beta, gamma = np.float32(1 if is_training else N_BETA), np.float32(0 if is_training else GAMMA)
        root = np.float32(0 if is_training else math.sqrt(EPSILON))

        @numba.njit(fastmath=True)
        def take(inputs, weights, bias, anchor_w, anchor_b, batch, noise):
            slope_w, slope_b = np.zeros_like(weights), np.zeros_like(bias)
            hidden, pull = np.zeros(HIDDEN, np.float32), np.zeros(HIDDEN, np.float32)
            for sample in batch:
                x = inputs[sample]
                for q in range(HIDDEN):
                    hidden[q] = pull[q] = 0
                    for i in range(FEATURES):
                        hidden[q] += weights[q, i] * x[i]
                for i in range(FEATURES):
                    y = bias[i]
                    for q in range(HIDDEN):
                        y += weights[q, i] * hidden[q]
                    if y > 0:
                        error = y - x[i]
                        slope_b[i] += error
                        for q in range(HIDDEN):
                            pull[q] += weights[q, i] * error
                            slope_w[q, i] += hidden[q] * error
                for q in range(HIDDEN):
                    for i in range(FEATURES):
                        slope_w[q, i] += pull[q] * x[i]
            factor = n_beta * np.float32(2.0 / len(batch))
            for i in range(FEATURES):
                bias[i] -= scale * (factor * slope_b[i] + gamma * (bias[i] - anchor_b[i]))
                bias[i] += noise * np.random.standard_normal()
                for q in range(HIDDEN):
                    move = factor * slope_w[q, i] + gamma * (weights[q, i] - anchor_w[q, i])
                    weights[q, i] += noise * np.random.standard_normal() - scale * move

        @numba.njit(fastmath=True)
        def many(inputs, weights, bias, anchor_w, anchor_b, steps):
            batch = np.zeros(size, np.int64)
            for _ in range(steps):
                for s in range(size):
                    batch[s] = np.random.randint(SAMPLES)
                take(inputs, weights, bias, anchor_w, anchor_b, batch, root)

        self.take, self.many = take, many

    @staticmethod
    def version():
        import numba
        return f"numba {numba.__version__}"

    def step(self, batch, noise=True):
        assert not noise
        self.take(*self.state, *self.anchor, batch, np.float32(0))

    def first(self):
        return self.state[1], self.state[2]

    def advance(self, steps):
        self.many(*self.state, *self.anchor, steps)
        return steps


class Jax:
    """jit, vmap over models, scan over steps."""

    def __init__(self, task):
        import jax
        import jax.numpy as jnp
        inputs, weights, bias = (jnp.asarray(part, jnp.float32) for part in problem())
        self.jax, self.task, self.models = jax, task, 512 if task == "training" else 64
        anchor = (weights, bias)

        def loss(parameters, sample):
            w, b = parameters
            outputs = jax.nn.relu(sample @ w.T @ w + b)
            return ((outputs - sample) ** 2).sum(axis=1).mean()

        def move(parameters, batch, key, noise):
            slopes = jax.grad(loss)(parameters, inputs[batch])
            if task == "training":
                return tuple(p - RATE * g for p, g in zip(parameters, slopes))
            keys = jax.random.split(key, 2)
            return tuple(p - EPSILON / 2 * (N_BETA * g + GAMMA * (p - a))
                         + noise * math.sqrt(EPSILON) * jax.random.normal(k, p.shape)
                         for p, g, a, k in zip(parameters, slopes, anchor, keys))

        def scan(state, _):
            parameters, key = state
            key, of_batch, of_noise = jax.random.split(key, 3)
            batch = jax.random.randint(of_batch, (BATCH[task],), 0, SAMPLES)
            keys = jax.random.split(of_noise, self.models)
            parameters = jax.vmap(move, (0, None, 0, None))(parameters, batch, keys, 1.0)
            return (parameters, key), None

        self.move = jax.jit(move, static_argnums=3)
        self.many = jax.jit(lambda state: jax.lax.scan(scan, state, None, 100)[0])
        self.parameters = anchor
        self.state = (tuple(jnp.repeat(p[None], self.models, 0) for p in anchor), jax.random.PRNGKey(0))

    @staticmethod
    def version():
        import jax
        return f"jax {jax.__version__}"

    def step(self, batch, noise=True):
        self.parameters = self.move(self.parameters, batch, self.jax.random.PRNGKey(1), float(noise))

    def first(self):
        return tuple(np.asarray(p) for p in self.parameters)

    def advance(self, steps):
        rounds = -(-steps // 100)
        for _ in range(rounds):
            self.state = self.many(self.state)
        self.state[0][0].block_until_ready()
        return rounds * 100 * self.models


PEERS = {"torch loop": TorchLoop, "torch batched": TorchBatched, "numba": Numba, "jax": Jax}


def serve(name, task):
    """Checks one step, warms up, then trains for as many CPU-seconds as each line read says."""
    try:
        version = PEERS[name].version()
        peer = PEERS[name](task)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    batch = np.random.default_rng(1).integers(0, SAMPLES, BATCH[task])
    peer.step(batch, noise=False)
    away = max(abs(found - expected).max() for found, expected in zip(peer.first(), one_step(task, batch)))
    steps = 1
    while True:
        began = time.process_time()
        peer.advance(steps)
        if time.process_time() - began > 0.05:
            break
        steps *= 2
    print(json.dumps({"version": version, "away": float(away)}), flush=True)
    for line in sys.stdin:
        began, done = time.process_time(), 0
        while time.process_time() - began < float(line):
            done += peer.advance(steps)
        print(json.dumps({"rate": done / (time.process_time() - began)}), flush=True)


class Worker:
    """A peer in a process of its own."""

    def __init__(self, python, name, task):
        alone = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1",
                 "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "JAX_PLATFORMS": "cpu"}
        self.name, self.task, self.rates = name, task, []
        self.process = subprocess.Popen([python, __file__, "--serve", name, task], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env={**os.environ, **alone})
        self.hello = json.loads(self.process.stdout.readline() or '{"missing": "it did not start"}')

    def measure(self, seconds):
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        self.rates.append(json.loads(self.process.stdout.readline())["rate"])

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def measure_phasegrid(program, seconds, rates):
    """Medians of nothing: one round of the best kernel, each case."""
    names = [name for pair in CASES.values() for name in pair]
    words = [word for name in names for word in ("--workload", name)]
    text = subprocess.run([program, "bench", "--json", "--rounds", "1", "--seconds", str(seconds), *words],
                          check=True, capture_output=True, text=True).stdout
    best = {}
    for row in json.loads(text):
        best[row["workload"]] = max(best.get(row["workload"], 0), row["steps_per_cpu_s"])
    for name in names:
        rates.setdefault(name, []).append(best[name])


def start_workers(pythons):
    """Workers that compute what numpy does, and what is said of the others."""
    workers, left_out = [], []
    for python in pythons:
        for name in PEERS:
            for task in BATCH:
                worker = Worker(python, name, task)
                if "missing" in worker.hello:
                    left_out.append(f"{name} of {python}: {worker.hello['missing']}")
                elif worker.hello["away"] > 1e-4:
                    left_out.append(f"{name} of {python}, {task}: {worker.hello['away']:.2g} off numpy's step")
                else:
                    workers.append(worker)
                    continue
                worker.end()
    return workers, left_out


def report(workers, phasegrid):
    """One row a contender, and how many times faster phasegrid is with batches that grid points share,
    and with batches of their own."""
    rows = []
    for task, cases in CASES.items():
        shared, own = (statistics.median(phasegrid[name]) for name in cases)
        rows.append({"task": task, "who": "phasegrid, shared batches", "rate": shared})
        rows.append({"task": task, "who": "phasegrid, own batches", "rate": own})
        for worker in (worker for worker in workers if worker.task == task):
            rate = statistics.median(worker.rates)
            rows.append({"task": task, "who": f"{worker.name}, {worker.hello['version']}", "rate": rate,
                         "times": shared / rate, "times_own": own / rate})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", help="a Python with peers installed; repeatable")
    parser.add_argument("--phasegrid", default=str(BUILT), help="default: build/src/cli/phasegrid")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU-seconds of a round (default: 1)")
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)), help="default: the last")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--check", action="store_true", help="measure nothing")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(*options.serve)
    os.sched_setaffinity(0, {options.cpu})
    workers, left_out = start_workers(options.python or [sys.executable])
    phasegrid = {}
    for _ in range(0 if options.check else options.rounds):
        measure_phasegrid(options.phasegrid, options.seconds / 4, phasegrid)
        for worker in workers:
            worker.measure(options.seconds)
    for worker in workers:
        print(f"{worker.name}, {worker.task}: {worker.hello['away']:.1e} off a step in float64 numpy")
        worker.end()
    for line in left_out:
        print(f"left out: {line}")
    rows = report(workers, phasegrid) if phasegrid else []
    for row in rows:
        times = f"{row['times']:9.1f} x {row['times_own']:9.1f} x" if "times" in row else ""
        print(f"{row['task']:9} {row['who']:36} {row['rate']:12,.0f} /s {times}")
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0 if workers or options.check else 1


if __name__ == "__main__":
    sys.exit(main())
