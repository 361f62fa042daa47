# SPDX-License-Identifier: MIT
"""The cluster itself: whatever ends its owner ends all of it."""

import subprocess
import sys
from pathlib import Path

from cluster import wait_for

OWNER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from cluster import Cluster, wait_for
cluster = Cluster(sys.argv[2], 5)
job = cluster.ask("sbatch", "--parsable", "--nodes=4", "--output=/dev/null", "--wrap=srun sleep 1000").strip()
wait_for(lambda: cluster.run("squeue", "--noheader", "--steps", f"--jobs={job}").stdout.count(".0"), "a step")
print("up", flush=True)
time.sleep(1000)
"""


def processes_of(folder):
    """Command lines of the processes that have something to do with the cluster in this folder."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            line = (process / "cmdline").read_bytes()
            if bytes(folder) in line + (process / "environ").read_bytes():
                found.append(line)
        except OSError:
            continue
    return found


def test_its_owner_is_killed(tmp_path):
    folder = tmp_path / "cluster"
    with subprocess.Popen([sys.executable, "-c", OWNER, Path(__file__).parent, folder],
                          stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout.readline() == "up\n"
            wait_for(lambda: sum(b"sleep\x001000" in line for line in processes_of(folder)) >= 4, "the tasks")
        finally:
            owner.kill()
    wait_for(lambda: not processes_of(folder), lambda: processes_of(folder), 20)
    assert not any(str(folder) in line for line in Path("/proc/mounts").read_text().splitlines())
