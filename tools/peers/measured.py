# SPDX-License-Identifier: MIT
"""The processes that are measured: a peer's, which waits between its rounds, and phasegrid's."""

import contextlib
import json
import statistics
import subprocess
import tempfile
from pathlib import Path

from machine import environment

CONTENDER = Path(__file__).with_name("contender.py")


class CannotMeasure(Exception):
    """Why a peer is left out."""


def last_words(text):
    """The last line that says something, for a message."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"


def list_peers(python):
    """What this Python has: see contender.py --list."""
    try:
        result = subprocess.run([python, CONTENDER, "--list"], capture_output=True, text=True,
                                env=environment(), check=False)
    except OSError as error:
        raise CannotMeasure(str(error)) from error
    if result.returncode != 0:
        raise CannotMeasure(last_words(result.stderr))
    return json.loads(result.stdout.splitlines()[-1])


class Row:
    """One line of the table: the rates of all rounds, in model-steps per CPU-second."""

    def __init__(self, workload, peer, version, variant):
        self.workload, self.peer, self.version, self.variant = workload, peer, version, variant
        self.rates, self.busy = [], 0.0
        self.models = self.first_loss = self.last_loss = None

    @property
    def rate(self):
        """The median over the rounds."""
        return statistics.median(self.rates)


class PeerProcess:
    """A peer's variant: imported, compiled and warm; idle until its next round."""

    def __init__(self, python, name, row):
        self.row = row
        self.complaints = tempfile.TemporaryFile("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [python, CONTENDER, name, row.variant, row.workload], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.complaints, text=True, env=environment())
        ready = self.listen()
        row.models, row.first_loss = ready["models"], ready["first_loss"]
        self.rows = [row]

    def listen(self):
        """The next answer."""
        line = self.process.stdout.readline()
        if not line:
            self.close()
            self.complaints.seek(0)
            raise CannotMeasure(last_words(self.complaints.read()))
        return json.loads(line)

    def measure(self, seconds):
        """One round."""
        with contextlib.suppress(BrokenPipeError):  # it is gone: listen() says why
            self.process.stdin.write(f"{seconds}\n")
            self.process.stdin.flush()
        answer = self.listen()
        self.row.rates.append(answer["steps"] / answer["cpu"])
        self.row.busy = max(self.row.busy, answer["cpu"] / answer["wall"])
        self.row.last_loss = answer["loss"]

    def close(self):
        """Nothing more to read: it ends by itself."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


class Phasegrid:
    """`phasegrid bench`, one round a call: a row for every kernel and layout."""

    def __init__(self, program, workload):
        self.command = [program, "bench", "--json", "--rounds", "1", "--workload", workload]
        self.workload, self.by_variant = workload, {}
        self.version = self.run([program, "--version"]).strip()

    @property
    def rows(self):
        """All rows so far."""
        return list(self.by_variant.values())

    @staticmethod
    def run(command):
        """The command's output."""
        try:
            result = subprocess.run(command, capture_output=True, text=True, env=environment(),
                                    check=False)
        except OSError as error:
            raise CannotMeasure(str(error)) from error
        if result.returncode != 0:
            raise CannotMeasure(last_words(result.stderr))
        return result.stdout

    def measure(self, seconds):
        """One round."""
        for one in json.loads(self.run([*self.command, "--seconds", str(seconds)])):
            if one["workload"] != self.workload:
                continue
            variant = f"{one['kernel']}, {one['layout']} in lanes"
            row = self.by_variant.setdefault(
                variant, Row(self.workload, "phasegrid", self.version, variant))
            row.rates.append(one["steps_per_cpu_s"])

    def close(self):
        """Every round is a process of its own."""
