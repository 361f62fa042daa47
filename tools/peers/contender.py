# SPDX-License-Identifier: MIT
"""One peer in a process of its own, under the Python that has it.

    contender.py --list                     what this Python can measure, as JSON
    contender.py PEER VARIANT WORKLOAD      trains when told: one line of JSON for each line read

A line read is the CPU-seconds to train for; the first line written says that everything is
imported, compiled and warm. The clock is the CPU time of the whole process, all threads together.
"""

import importlib
import json
import math
import platform
import statistics
import sys
import time

PEERS = ["torch_plain", "torch_batched", "jax_scan", "numpy_by_hand"]
WORKLOAD_NAMES = ["W1", "W2", "W4"]
CHUNK_SECONDS = 0.05


def describe(name):
    """A peer's title, version and variants, or why it cannot be measured."""
    try:
        peer = importlib.import_module(name)
    except ImportError as error:
        return {"peer": name, "missing": str(error)}
    return {"peer": name, "title": peer.TITLE, "version": peer.version(),
            "variants": {workload: peer.variants(workload) for workload in WORKLOAD_NAMES}}


def advance_timed(trainer, steps):
    """CPU-seconds, wall seconds and the mean loss."""
    wall, cpu = time.perf_counter(), time.process_time()
    losses = trainer.advance(steps)
    return time.process_time() - cpu, time.perf_counter() - wall, statistics.fmean(losses)


def warm_up(trainer):
    """The first loss, and how many steps take about CHUNK_SECONDS; leaves nothing to compile."""
    first_loss = statistics.fmean(trainer.advance(1))
    trial = 4
    advance_timed(trainer, trial)
    cpu, _, _ = advance_timed(trainer, trial)
    chunk = max(1, math.ceil(CHUNK_SECONDS / max(cpu / trial, 1e-6)))
    advance_timed(trainer, chunk)
    return first_loss, chunk


def train_for(trainer, chunk, seconds):
    """Trains for this much CPU time."""
    steps, cpu, wall = 0, 0.0, 0.0
    while cpu < seconds:
        more_cpu, more_wall, loss = advance_timed(trainer, chunk)
        steps, cpu, wall = steps + chunk, cpu + more_cpu, wall + more_wall
    return {"steps": steps * trainer.models, "cpu": cpu, "wall": wall, "loss": loss}


def say(answer):
    """One line to the driver."""
    print(json.dumps(answer), flush=True)


def serve(peer_name, variant, workload_name):
    """Trains when told, until there is nothing more to read."""
    from workloads import WORKLOADS

    peer = importlib.import_module(peer_name)
    trainer = peer.Trainer(WORKLOADS[workload_name](), variant)
    first_loss, chunk = warm_up(trainer)
    say({"models": trainer.models, "first_loss": first_loss})
    for line in sys.stdin:
        say(train_for(trainer, chunk, float(line)))


def main(arguments):
    """See the top of the file."""
    if arguments == ["--list"]:
        say({"python": platform.python_version(), "peers": [describe(name) for name in PEERS]})
    else:
        serve(*arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
