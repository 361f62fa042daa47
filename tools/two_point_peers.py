#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""phasegrid's speed at the default row of two_point beside the memory's and PyTorch's, in one run.

    python3 tools/two_point_peers.py [--python PATH] [--rounds 5] [--steps 200] [--json FILE]

Twenty hidden layers of 500, leaky ReLU, two samples, SGD: 4.76 million weights, which a step reads on the way
forward, and reads and writes on the way back. The bound is what one CPU takes for just that on an array of the
same size: a sum of squares (BLAS's dot), and a multiplication in place (numpy's). In every round all take
turns, each in a process of its own on one CPU with one thread. CPU-seconds a step, medians over the rounds;
phasegrid's are of whole runs of two lengths, whose difference leaves out the start. PyTorch computes the same
loss at the start, which is checked against float64 numpy.
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

WIDTH, DEPTH, RATE = 500, 20, 0.005
SIZES = [(WIDTH, 1)] + [(WIDTH, WIDTH)] * (DEPTH - 1) + [(1, WIDTH)]
X, Y = np.array([[-1.0], [0.0]]), np.array([[0.6], [0.6 + 0.5 ** 0.5]])
BUILT = Path(__file__).parents[1] / "build" / "src" / "cli" / "phasegrid"
JOB = """experiment: two_point
settings: {{learning_rate: {rate}, steps: {steps}, fit: 'no'}}
seeds: 1
record: {{points: 2, spacing: linear}}
"""


def weights():
    draw = np.random.default_rng(0)
    return [np.sqrt(2 / sum(size)) * draw.normal(size=size) for size in SIZES]


def loss_in_double():
    a = X
    for layer, w in enumerate(weights()):
        a = a @ w.T
        if layer < DEPTH:
            a = np.where(a < 0, 0.01 * a, a)
    return 0.5 * np.mean((a - Y) ** 2)


def median_time(function, times=7):
    taken = []
    for _ in range(times):
        began = time.process_time()
        function()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def memory(_steps):
    """The bound: read forward; read and write back."""
    a = np.ones(sum(rows * (columns + 1) for rows, columns in SIZES), dtype=np.float32)
    factor = np.float32(1.0)
    return {"seconds": median_time(lambda: np.dot(a, a), 41) +
            median_time(lambda: np.multiply(a, factor, out=a), 41)}


def torch(steps):
    try:
        import torch
    except ImportError as error:
        return {"missing": str(error)}
    torch.set_num_threads(1)
    layers = []
    for size, w in zip(SIZES, weights()):
        layer = torch.nn.Linear(size[1], size[0])
        layer.weight.data, layer.bias.data = torch.tensor(w, dtype=torch.float32), torch.zeros(size[0])
        layers += [layer, torch.nn.LeakyReLU(0.01)]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.SGD(model.parameters(), RATE, foreach=True)
    x, y = (torch.tensor(v, dtype=torch.float32) for v in (X, Y))

    def step():
        optimizer.zero_grad()
        loss = 0.5 * torch.nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        return float(loss)

    away = abs(step() / loss_in_double() - 1)
    if away > 1e-4:
        return {"missing": f"its loss is {away:.1e} off that of float64 numpy"}
    return {"seconds": median_time(step, steps), "version": torch.__version__}


def cpu_of_run(program, steps):
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "job.yaml"
        job.write_text(JOB.format(rate=RATE, steps=steps), encoding="utf-8")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([program, "run", str(job), "--ranks", "1", "-o", str(job.with_suffix(".h5"))],
                       check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def alone(python, name, steps):
    """One of the functions above in a process of its own."""
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([python, __file__, "--serve", name, "--steps", str(steps)], text=True, check=True,
                          capture_output=True, env={**os.environ, **threads})
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="a Python with numpy and torch")
    parser.add_argument("--phasegrid", default=str(BUILT), help="default: build/src/cli/phasegrid")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=200, help="of a round (default: 200)")
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)), help="default: the last")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--serve", choices=["memory", "torch"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        print(json.dumps({"memory": memory, "torch": torch}[options.serve](options.steps)))
        return 0
    os.sched_setaffinity(0, {options.cpu})
    found = {"bound": [], "phasegrid": [], "torch": []}
    for _ in range(options.rounds):
        found["bound"].append(alone(options.python, "memory", 0)["seconds"])
        once, twice = (cpu_of_run(options.phasegrid, n * options.steps) for n in (1, 2))
        found["phasegrid"].append((twice - once) / options.steps)
        peer = alone(options.python, "torch", options.steps)
        if "missing" in peer:
            print(f"left out: torch of {options.python}: {peer['missing']}")
        else:
            found["torch"].append(peer["seconds"])
    medians = {who: statistics.median(seconds) for who, seconds in found.items() if seconds}
    for who, median in medians.items():
        print(f"{who:16} {1e3 * median:6.2f} ms a step ({1e3 * min(found[who]):.2f} to "
              f"{1e3 * max(found[who]):.2f})  {median / medians['phasegrid']:5.2f} x")
    print(f"phasegrid is at {medians['bound'] / medians['phasegrid']:.0%} of the bound")
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
