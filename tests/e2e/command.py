# SPDX-License-Identifier: MIT
"""The real command for tests: where it is, and how to call it.

PHASEGRID names the program; without it, it is the one in the build folder PHASEGRID_BUILD
(default: build).
"""

import json
import os
import signal
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = Path(os.environ.get("PHASEGRID_BUILD", ROOT / "build"))
PROGRAM = Path(os.environ.get("PHASEGRID", BUILD / "src" / "cli" / "phasegrid")).resolve()

# Not inherited: what would make the command believe that it is a rank, or in an allocation.
FOREIGN = ("OMPI_", "PMIX_", "PMI_", "SLURM_", "PBS_", "LSB_", "PHASEGRID_", "NO_COLOR")

SMALL_JOB = """\
title: small
experiment: addition
settings: {steps: 50, decoder_width: 20, train_count: 45}
grid:
  - {name: decoder_lr, values: [1e-4, 1e-2]}
  - {name: weight_decay, values: [0, 1, 2]}
seeds: 2
record: {points: 8}
"""
SMALL_RUNS = 2 * 3 * 2


def environment(**changes):
    """This process's environment without foreign variables, with changes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**kept, **changes}


def phasegrid(*arguments, cwd=None, timeout=120, **changes):
    """Runs the command to its end."""
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, cwd=cwd,
                          env=environment(**changes), timeout=timeout)


def as_from_a_shell():
    """What nohup, or a shell that starts jobs in the background, has told this process to ignore."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def start(*arguments, cwd=None, **changes):
    """Starts the command and returns at once."""
    return subprocess.Popen([PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, cwd=cwd, env=environment(**changes),
                            preexec_fn=as_from_a_shell)


def listing(*arguments, cwd=None, **changes):
    """What the command prints with --json."""
    result = phasegrid(*arguments, "--json", cwd=cwd, **changes)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def processes_with(text):
    """The ids of processes whose command line holds the text."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line:
            found.append(int(folder.name))
    return found
