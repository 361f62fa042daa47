# SPDX-License-Identifier: MIT
"""What a rate was measured on, and how a process is held to one thread."""

import os
import platform
from pathlib import Path

# XLA's pool takes its size from the CPUs that the process may run on; the flags say it once more.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
    "CUDA_VISIBLE_DEVICES": "",
}


def hold_to_one_cpu(cpu):
    """This process, and all that it will start, runs on one CPU; the last one if none is named."""
    allowed = sorted(os.sched_getaffinity(0))
    chosen = allowed[-1] if cpu is None else cpu
    if chosen not in allowed:
        raise SystemExit(f"--cpu {chosen}: this process may run on {', '.join(map(str, allowed))}")
    os.sched_setaffinity(0, {chosen})
    return chosen


def environment():
    """For every process that is measured."""
    return {**os.environ, **ONE_THREAD}


def cpu_model():
    """As the kernel names it."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def describe(cpu):
    """The machine, for the head of a table."""
    return {"cpu": cpu_model(), "cpus": os.cpu_count(), "pinned_to": cpu,
            "load": round(os.getloadavg()[0], 1), "system": platform.platform()}
