#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dispatch.py PROGRAM [ROUNDS]: what a sweep costs beside its runs, with real ranks (see dispatch.c).

All cases take turns; what is printed are medians. They say something on an idle machine only."""

import json
import os
import statistics
import subprocess
import sys
import tempfile

CASES = {  # name: ranks, runs, microseconds of a run, further arguments
    "runs of 1 ms": (2, 10000, 1000, []),
    "the same, rank 0 only hands out": (3, 10000, 1000, ["dedicated"]),
    "empty runs": (2, 100000, 0, []),
    "empty runs, rank 0 only hands out": (3, 100000, 0, ["dedicated"]),
    "empty runs, 16 ranks": (16, 100000, 0, []),
}
SETTINGS = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_btl_tcp_if_include": "lo",
    "OMPI_MCA_oob_tcp_if_include": "lo",
}
SHOWN = {"busy": "busy", "runs_per_second": "runs/s", "messages_per_second": "messages/s",
         "round_trip_us": "round trip us", "rank_mib": "MiB a rank"}


def measure(program, case, folder):
    ranks, runs, microseconds, further = case
    path = os.path.join(folder, "sweep.h5")
    result = subprocess.run(
        ["timeout", "120", "mpirun", "-q", "--bind-to", "none", "-n", str(ranks), program, str(runs),
         str(microseconds), path, *further],
        env={**os.environ, **SETTINGS}, stdout=subprocess.PIPE, check=True, text=True)
    os.remove(path)
    return json.loads(result.stdout)


def main():
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    found = {name: [] for name in CASES}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name, case in CASES.items():
                found[name].append(measure(program, case, folder))
    print(f"{'':36}" + "".join(f"{title:>15}" for title in SHOWN.values()))
    for name, results in found.items():
        medians = [statistics.median(result[key] for result in results) for key in SHOWN]
        print(f"{name:36}" + "".join(f"{value:15.6g}" for value in medians))


main()
