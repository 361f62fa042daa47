# SPDX-License-Identifier: MIT
"""Kills sweeps at random moments, or lets them lose their power; goes on with them, and compares the
cubes with undisturbed ones.

    python3 tools/torture kill --kills 20
    python3 tools/torture kill --kills 300 --seed 7 --verbose
    python3 tools/torture kill --seed 7 --only 12   # round 12 again, with the same choices
    python3 tools/torture power --states 1000

Every kill is -9, of all ranks or of one, in a phase and at a moment drawn at random; then the sweep
goes on with another number of ranks. Beside it readers (h5py, xarray with both engines) open the
file all the time. What is judged stands in kills.py. The choices come from the seed, the moments'
effects from the machine: a failure comes back as far as time repeats itself.

Power loss is simulated: power.py says how. It needs strace.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import kills
import power
from program import become_subreaper, descendants_of, end

HERE = Path(__file__).parent
BUILT = HERE.parents[1] / "build" / "src" / "cli" / "phasegrid"


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(prog="tools/torture", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    ways = parser.add_subparsers(metavar="WAY", required=True)
    add_kill(ways.add_parser("kill", help="kill -9 at random moments"))
    add_power(ways.add_parser("power", help="power loss, by simulation"))
    options = parser.parse_args(arguments)
    options.phasegrid = options.phasegrid.resolve()
    options.job = options.job.resolve()
    if not options.phasegrid.exists():
        parser.error(f"{options.phasegrid} does not exist: build it, or name it with --phasegrid")
    return options


def add_common(parser):
    """Options of every way."""
    parser.add_argument("--phasegrid", type=Path, default=BUILT, metavar="PATH",
                        help="the command (default: build/src/cli/phasegrid)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="(default: 1)")
    parser.add_argument("--keep", action="store_true", help="leave the files where they are")


def add_kill(parser):
    """The options of kills."""
    add_common(parser)
    parser.set_defaults(go=kills.torture)
    parser.add_argument("--job", type=Path, default=HERE / "job.yaml", metavar="FILE",
                        help="with two seeds, no longer than some seconds (default: job.yaml here)")
    parser.add_argument("--kills", type=int, default=20, metavar="N", help="(default: 20)")
    parser.add_argument("--openings", type=int, default=200, metavar="N",
                        help="by readers, at least (default: 200)")
    parser.add_argument("--only", type=int, nargs="+", metavar="ROUND", help="only these rounds")
    parser.add_argument("--checkpoint-every", default="0.2", metavar="TIME",
                        help="as for phasegrid run; empty: not given (default: 0.2)")
    parser.add_argument("--verbose", action="store_true", help="a line for each kill")


def add_power(parser):
    """The options of power loss."""
    add_common(parser)
    parser.set_defaults(go=power.lose_power)
    parser.add_argument("--job", type=Path, default=HERE / "power.yaml", metavar="FILE",
                        help="with two seeds, about a second (default: power.yaml here)")
    parser.add_argument("--states", type=int, default=1000, metavar="N", help="(default: 1000)")
    parser.add_argument("--resumes", type=int, default=20, metavar="N",
                        help="states to go on from (default: 20)")
    parser.add_argument("--checkpoint-every", default="0.05", metavar="TIME",
                        help="as for phasegrid run (default: 0.05)")


def main():
    """In a folder of its own."""
    options = parse(None)
    become_subreaper()
    folder = Path(tempfile.mkdtemp(prefix="phasegrid-torture-"))
    code = 1
    try:
        code = options.go(options, folder)
    finally:
        end(descendants_of(os.getpid()))
        if code == 0 and not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
