#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phasegrid's speed at a one-layer transformer on modular addition beside PyTorch's, in one run.

    python3 tools/transformer_peers.py [--python PATH]... [--rounds 5] [--steps 60] [--json FILE]
    python3 tools/transformer_peers.py --check     # only: do they compute the same?

a + b mod 59, tokens a, b and =, the 1,044 training pairs of a fraction .3 as one batch, 128 dimensions,
4 heads, 512 hidden units, AdamW: the defaults of the experiment `transformer`. Every peer runs in a process of
its own on one CPU and with one thread, and is first held against the loss written down in float64 numpy and
its difference along a direction; in every round all take turns, phasegrid among them. CPU-seconds a step,
medians over the rounds; phasegrid's are of whole runs of two lengths, whose difference leaves out the start.

`all tokens` computes the block at every token, as written in most notebooks; `last token` what is read
alone; `tables` also makes queries, keys and values once per token and place, as phasegrid does.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

P, PLACES, DIMENSION, HEADS, HIDDEN = 59, 3, 128, 4, 512
WIDTH = DIMENSION // HEADS
RATE, DECAY, BETAS = 1e-3, 1.0, (0.9, 0.98)
BUILT = Path(__file__).parents[1] / "build" / "src" / "cli" / "phasegrid"
SHAPES = [(P + 1, DIMENSION), (PLACES, DIMENSION), (3 * DIMENSION, DIMENSION), (3 * DIMENSION,),
          (DIMENSION, DIMENSION), (DIMENSION,), (HIDDEN, DIMENSION), (HIDDEN,), (DIMENSION, HIDDEN),
          (DIMENSION,), (P, DIMENSION), (P,)]


def problem():
    """Tokens (n, 3), labels (n), and where the model starts."""
    draw = np.random.default_rng(0)
    pairs = draw.permutation(P * P)[:int(0.3 * P * P + 0.5)]
    tokens = np.stack([pairs // P, pairs % P, np.full(len(pairs), P)], axis=1)
    start = [draw.normal(size=shape) / np.sqrt(DIMENSION) for shape in SHAPES]
    return tokens, tokens[:, :2].sum(axis=1) % P, start


def loss_of(parameters, tokens, labels):
    """As it is written: every token's query, key and value, in float64."""
    token, place, w_in, b_in, w_out, b_out, w_up, b_up, w_down, b_down, w_un, b_un = parameters
    x = token[tokens] + place
    q, k, v = (part.reshape(-1, PLACES, HEADS, WIDTH) for part in np.split(x @ w_in.T + b_in, 3, axis=2))
    weights = np.exp(np.einsum("nihw,njhw->nhij", q, k) / np.sqrt(WIDTH))
    weights /= weights.sum(axis=3, keepdims=True)
    x = x + np.einsum("nhij,njhw->nihw", weights, v).reshape(x.shape) @ w_out.T + b_out
    x = x + np.maximum(x @ w_up.T + b_up, 0) @ w_down.T + b_down
    y = x[:, -1] @ w_un.T + b_un
    return np.mean(np.log(np.exp(y).sum(axis=1)) - y[np.arange(len(y)), labels])


def expected():
    """The loss at the start, and its slope along a fixed direction."""
    tokens, labels, start = problem()
    above, below = (loss_of([p + side * d for p, d in zip(start, direction())], tokens, labels)
                    for side in (1e-7, -1e-7))  # small: units have kinks
    return loss_of(start, tokens, labels), (above - below) / 2e-7


def direction():
    draw = np.random.default_rng(1)
    return [draw.normal(size=shape) for shape in SHAPES]


# ---- torch ----

class Torch:
    """Autograd and the fused AdamW."""

    def __init__(self, kind):
        import torch
        torch.set_num_threads(1)
        self.torch, self.forward = torch, getattr(self, kind)
        tokens, labels, start = problem()
        self.tokens, self.labels = torch.tensor(tokens), torch.tensor(labels)
        self.rows = self.tokens[:, :2] + torch.tensor([0, P])  # of the tables
        self.parameters = [torch.nn.Parameter(torch.tensor(p, dtype=torch.float32)) for p in start]
        self.optimizer = torch.optim.AdamW(self.parameters, RATE, BETAS, weight_decay=DECAY, fused=True)

    def behind(self, x, mixed, *rest):
        w_out, b_out, w_up, b_up, w_down, b_down = rest
        linear, relu = self.torch.nn.functional.linear, self.torch.nn.functional.relu
        x = x + linear(mixed, w_out, b_out)
        return x + linear(relu(linear(x, w_up, b_up)), w_down, b_down)

    def attend(self, q, k, v):
        """q (n, tokens, d), k, v (n, places, d)."""
        q, k, v = (x.unflatten(2, (HEADS, WIDTH)).transpose(1, 2) for x in (q, k, v))
        return self.torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)

    def all_tokens(self):
        token, place, w_in, b_in, *rest, w_un, b_un = self.parameters
        linear = self.torch.nn.functional.linear
        x = token[self.tokens] + place
        mixed = self.attend(*linear(x, w_in, b_in).chunk(3, dim=2))
        return linear(self.behind(x, mixed, *rest)[:, -1], w_un, b_un)

    def last_token(self):
        token, place, w_in, b_in, *rest, w_un, b_un = self.parameters
        linear = self.torch.nn.functional.linear
        x = token[self.tokens] + place
        k, v = linear(x, w_in[DIMENSION:], b_in[DIMENSION:]).chunk(2, dim=2)
        mixed = self.attend(linear(x[:, -1:], w_in[:DIMENSION], b_in[:DIMENSION]), k, v)
        return linear(self.behind(x[:, -1], mixed[:, 0], *rest), w_un, b_un)

    def tables(self):
        token, place, w_in, b_in, *rest, w_un, b_un = self.parameters
        torch, linear = self.torch, self.torch.nn.functional.linear
        x = torch.cat([token[:P] + place[0], token[:P] + place[1], token[P:] + place[2]])
        k, v = (part.unflatten(1, (HEADS, WIDTH)) for part in
                linear(x, w_in[DIMENSION:], b_in[DIMENSION:]).chunk(2, dim=1))
        q = linear(x[-1], w_in[:DIMENSION], b_in[:DIMENSION]).view(HEADS, WIDTH)
        scores, n = (k * q).sum(dim=2) / WIDTH ** 0.5, len(self.tokens)  # of a column, whatever the sample
        at = [scores[self.rows[:, 0]], scores[self.rows[:, 1]], scores[-1].expand(n, HEADS)]
        a, b, c = torch.stack(at).softmax(dim=0).unsqueeze(3)
        mixed = (a * v[self.rows[:, 0]] + b * v[self.rows[:, 1]] + c * v[-1]).flatten(1)
        return linear(self.behind(x[-1], mixed, *rest), w_un, b_un)

    def step(self):
        self.optimizer.zero_grad()
        loss = self.torch.nn.functional.cross_entropy(self.forward(), self.labels)
        loss.backward()
        self.optimizer.step()

    def check(self):
        """Loss at the start, and slope along the direction."""
        loss = self.torch.nn.functional.cross_entropy(self.forward(), self.labels)
        slopes = self.torch.autograd.grad(loss, self.parameters)
        return float(loss), sum(float((g.double().numpy() * d).sum()) for g, d in zip(slopes, direction()))


PEERS = {"all tokens": "all_tokens", "last token": "last_token", "tables": "tables"}


def serve(name):
    """Says what it computes, warms up, then trains as many steps as each line read says."""
    try:
        peer = Torch(PEERS[name])
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    found = peer.check()
    for _ in range(5):
        peer.step()
    print(json.dumps({"version": f"torch {peer.torch.__version__}", "found": found}), flush=True)
    for line in sys.stdin:
        began = time.process_time()
        for _ in range(int(line)):
            peer.step()
        print(json.dumps({"seconds": (time.process_time() - began) / int(line)}), flush=True)


class Worker:
    """A peer in a process of its own."""

    def __init__(self, python, name):
        alone = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self.name, self.seconds = name, []
        self.process = subprocess.Popen([python, __file__, "--serve", name], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        env={**os.environ, **alone})
        self.hello = json.loads(self.process.stdout.readline() or '{"missing": "it did not start"}')

    def away(self, right):
        return max(abs(found / of - 1) for found, of in zip(self.hello["found"], right))

    def measure(self, steps):
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        self.seconds.append(json.loads(self.process.stdout.readline())["seconds"])

    def end(self):
        self.process.stdin.close()
        self.process.wait()


# ---- phasegrid ----

JOB = """experiment: transformer
settings: {steps: STEPS, evaluate_test_every: 1000000}
seeds: 1
record: {points: 2, spacing: linear}
stop: budget
"""


def cpu_of_run(program, steps):
    """CPU-seconds of a whole run."""
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "job.yaml"
        job.write_text(JOB.replace("STEPS", str(steps)), encoding="utf-8")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([program, "run", str(job), "--ranks", "1", "-o", str(job.with_suffix(".h5"))],
                       check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure_phasegrid(program, steps):
    return (cpu_of_run(program, 2 * steps) - cpu_of_run(program, steps)) / steps


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", help="a Python with torch installed; repeatable")
    parser.add_argument("--phasegrid", default=str(BUILT), help="default: build/src/cli/phasegrid")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=60, help="of a round (default: 60)")
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)), help="default: the last")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--check", action="store_true", help="measure nothing")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(options.serve)
    os.sched_setaffinity(0, {options.cpu})
    workers, right, ours = [], expected(), []
    for python in options.python or [sys.executable]:
        for name in PEERS:
            worker = Worker(python, name)
            if "missing" in worker.hello or worker.away(right) > 1e-3:
                print(f"left out: {name} of {python}: {worker.hello}, numpy {right}")
                worker.end()
                continue
            print(f"{name} of {python}: loss and slope {worker.away(right):.1e} off those of float64 numpy")
            workers.append(worker)
    for _ in range(0 if options.check else options.rounds):
        ours.append(measure_phasegrid(options.phasegrid, options.steps))
        for worker in workers:
            worker.measure(options.steps)
    rows = [{"who": "phasegrid", "seconds": ours}] if ours else []
    rows += [{"who": f"{worker.name}, {worker.hello['version']}", "seconds": worker.seconds}
             for worker in workers if worker.seconds]
    for row in rows:
        row["median"] = statistics.median(row["seconds"])
        row["times"] = row["median"] / rows[0]["median"]
        print(f"{row['who']:36} {1e3 * row['median']:8.2f} ms a step ({1e3 * min(row['seconds']):.2f} to "
              f"{1e3 * max(row['seconds']):.2f})  {row['times']:5.2f} x")
    for worker in workers:
        worker.end()
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0 if workers else 1


if __name__ == "__main__":
    sys.exit(main())
