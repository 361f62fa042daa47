# SPDX-License-Identifier: MIT
"""phasegrid's speed beside PyTorch's, JAX's and numpy's, measured in one run.

    python3 tools/peers
    python3 tools/peers --python /usr/bin/python3 --python venv/bin/python --json peers.json

Every peer trains the same model on the same data (workloads.py) in a process of its own, all on one
CPU and with one thread. First each is started, compiled and warmed; then come the rounds, in which
all take turns, phasegrid among them. Rates are model-steps per CPU-second (of the whole process),
medians over the rounds. A peer that is not installed, or does not start, is named and left out.
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

import machine
import table
from measured import CannotMeasure, PeerProcess, Phasegrid, Row, list_peers

BUILT = Path(__file__).parents[2] / "build" / "src" / "cli" / "phasegrid"
TITLES = {
    "W1": "W1: toy addition, p = 10, 44 pairs, 1 -> 200 -> 200 -> 30 tanh, squared error, full "
          "batch, AdamW",
    "W2": "W2: modular addition, p = 59, 1,740 pairs, embeddings 64 summed, 256 ReLU, "
          "cross-entropy, full batch, AdamW",
    "W4": "W4: congruence modulo 3, 30 symbols, 675 pairs, 2 + 2 -> 50 -> 50 -> 50 -> 1 tanh, binary "
          "cross-entropy, full batch, AdamW (PyTorch batched alone)",
}


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(prog="tools/peers", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", metavar="PATH",
                        help="a Python with peers installed; repeatable (default: this one)")
    parser.add_argument("--phasegrid", default=str(BUILT), metavar="PATH",
                        help="the command (default: build/src/cli/phasegrid)")
    parser.add_argument("--workload", action="append", choices=list(TITLES),
                        help="repeatable (default: all)")
    parser.add_argument("--peer", action="append", metavar="NAME",
                        help="only these (torch_plain, jax_scan, ...); repeatable")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--seconds", type=float, default=1.0, metavar="S",
                        help="CPU-seconds of a round (default: 1)")
    parser.add_argument("--cpu", type=int, metavar="N",
                        help="the CPU to run on (default: the last)")
    parser.add_argument("--json", metavar="FILE", help="also write everything there")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds and --seconds are above 0")
    options.python = options.python or [sys.executable]
    options.workload = options.workload or list(TITLES)
    return options


def note(text):
    """Progress, beside the table."""
    print(text, file=sys.stderr, flush=True)


def find_peers(options, skipped):
    """(python, what contender.py says of the peer) for every peer that is installed."""
    found = []
    for python in options.python:
        try:
            peers = list_peers(python)["peers"]
        except CannotMeasure as reason:
            skipped.append(f"all of {python}: {reason}")
            continue
        for peer in peers:
            if options.peer and peer["peer"] not in options.peer:
                continue
            if "missing" in peer:
                skipped.append(f"{peer['peer']} of {python}: {peer['missing']}")
            else:
                found.append((python, peer))
    return found


def start_all(options, workload, peers, skipped):
    """Everything that is to be measured on one workload, ready for its first round."""
    started = []
    makers = [("phasegrid", partial(Phasegrid, options.phasegrid, workload))]
    for python, peer in peers:
        for variant in peer["variants"][workload]:
            row = Row(workload, peer["title"], peer["version"], variant)
            makers.append((f"{row.peer} ({row.version}, {variant})",
                           partial(PeerProcess, python, peer["peer"], row)))
    for label, make in makers:
        note(f"{workload}: starting {label}")
        try:
            started.append((label, make()))
        except CannotMeasure as reason:
            skipped.append(f"{label} on {workload}: {reason}")
    return started


def run_rounds(options, workload, started, skipped):
    """All take turns; who fails leaves. Returns the rows."""
    for number in range(options.rounds):
        note(f"{workload}: round {number + 1} of {options.rounds}")
        for label, one in list(started):
            try:
                one.measure(options.seconds)
            except CannotMeasure as reason:
                skipped.append(f"{label} on {workload}: {reason}")
                started.remove((label, one))
    for _, one in started:
        one.close()
    return [row for _, one in started for row in one.rows]


def complain(rows):
    """What makes a rate worthless: a second thread, or a model that does not learn."""
    for row in rows:
        if row.busy > 1.02:
            print(f"  {row.peer} ({row.variant}) used {row.busy:.2f} CPUs: not one thread")
        if row.first_loss is not None and not row.last_loss < row.first_loss:
            print(f"  {row.peer} ({row.variant}) did not learn: {table.loss_text(row)}")


def print_head(options, where):
    """What was measured where."""
    print(f"{where['cpu']}, {where['cpus']} CPUs, load {where['load']}; one thread on CPU "
          f"{where['pinned_to']}; medians of {options.rounds} interleaved rounds of "
          f"{options.seconds:g} CPU-seconds\n")


def main(arguments):
    """See the top of the file."""
    options, skipped, everything = parse(arguments), [], []
    where = machine.describe(machine.hold_to_one_cpu(options.cpu))
    peers = find_peers(options, skipped)
    print_head(options, where)
    for workload in options.workload:
        started = start_all(options, workload, peers, skipped)
        rows = run_rounds(options, workload, started, skipped)
        print(TITLES[workload])
        table.print_table(rows)
        complain(rows)
        print()
        everything += table.as_json(rows)
    for text in skipped:
        print(f"not measured: {text}")
    if options.json:
        document = {"machine": where, "seconds": options.seconds, "rows": everything,
                    "skipped": skipped}
        Path(options.json).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
