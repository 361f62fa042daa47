# SPDX-License-Identifier: MIT
"""A sweep of the fake experiment: its job, its file, and what happens to them."""

import json
import os
import time

import h5py

import launch

PROGRAM = os.environ["SWEEP_FAKE"]
TODO, DONE, DIVERGED, FAILED = range(4)

JOB = """\
title: a sweep of the tests
experiment: fake
settings: {{steps: 40, milliseconds: {milliseconds}}}
grid:
  - {{name: width, values: [{widths}]}}
  - {{name: rate, values: [{rates}]}}
  - {{name: mode, values: [{modes}]}}
seeds: 3
record: {{points: 8, spacing: log, parameters: [0, 20]}}
"""
CELLS = {"widths": "1, 4, 16", "rates": "0.1, 0.5, 2", "modes": "plain, diverges"}
RUNS = 3 * 3 * 2 * 3


class Sweep:
    """A job and a file in a folder, and what happens to them."""

    def __init__(self, folder, milliseconds=1.0, **cells):
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.file = folder / "cube.h5"
        self.launches = 0
        self.write_job(milliseconds=milliseconds, **{**CELLS, **cells})

    def write_job(self, **what):
        self.job = self.folder / "job.yaml"
        self.job.write_text(JOB.format(**what), encoding="utf-8")

    def _environment(self, environment):
        self.launches += 1
        self.log = self.folder / f"log-{self.launches}"
        return {"FAKE_LOG": str(self.log), **environment}

    def start(self, ranks, *arguments, **environment):
        return launch.start(ranks, [PROGRAM, str(self.job), str(self.file), *arguments],
                            **self._environment(environment))

    def run(self, ranks, *arguments, expect=0, **environment):
        """The figures that it printed, or the error where it should fail."""
        code, out, err = launch.run(ranks, [PROGRAM, str(self.job), str(self.file), *arguments],
                                    **self._environment(environment))
        assert code == expect, f"exit {code}, expected {expect}:\n{out}{err}"
        return json.loads(out) if expect == 0 else err

    def checkpoints(self):
        return sorted(self.folder.glob("cube.h5.checkpoint-*"))

    def published_checkpoints(self):
        """Without those that are being written."""
        return [path for path in self.checkpoints() if path.suffix != ".writing"]

    def events(self, what):
        """(settings hash, seed) of the runs that began or ended in the last launch."""
        if not self.log.exists():
            return []
        lines = [line.split() for line in self.log.read_text(encoding="utf-8").splitlines()]
        return [(line[3], line[4]) for line in lines if line[2] == what]

    def pids(self):
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return {int(line.split()[0]) for line in lines}

    def wait_for_runs(self, count):
        until = time.monotonic() + 60
        while len(self.events("end")) < count:
            assert time.monotonic() < until, "the sweep does not get on"
            time.sleep(0.01)

    def digest(self):
        code, out, err = launch.run(0, [PROGRAM, "--digest", str(self.file)])
        assert code == 0, err
        return out.strip()

    def variable(self, name):
        with h5py.File(self.file, "r") as file:
            return file[name][...]


def child_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return int(file.read().split()[0])
