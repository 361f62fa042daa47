# SPDX-License-Identifier: MIT
"""Starting programs under mpirun, with a limit on their time."""

import os
import subprocess

SETTINGS = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_btl_tcp_if_include": "lo",
    "OMPI_MCA_oob_tcp_if_include": "lo",
}
SECONDS = 300


def start(ranks, command, **environment):
    """A process of `command` on so many ranks; 0: without mpirun. In a session of its own."""
    launcher = ["mpirun", "-q", "--bind-to", "none", "-n", str(ranks)] if ranks > 0 else []
    return subprocess.Popen(
        ["timeout", "--foreground", str(SECONDS), *launcher, *command],
        env={**os.environ, **SETTINGS, **environment}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def run(ranks, command, **environment):
    """The same, waited for: (exit code, standard output, standard error)."""
    process = start(ranks, command, **environment)
    out, err = process.communicate()
    return process.returncode, out, err
