# SPDX-License-Identifier: MIT
"""Sweeps that `phasegrid submit` sends to the cluster of the tests, and what they must have become.

Nothing here relies on a sweep lasting longer than a nap: an ordeal waits until the launch has published
the state of an unfinished run, then strikes, and the number of steps is measured on this machine so that a
rank is at work for many seconds.
"""

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path

from cluster import wait_for

ROOT = Path(__file__).parents[2]
BUILD = Path(os.environ.get("PHASEGRID_BUILD", ROOT / "build"))
PROGRAM = Path(os.environ.get("PHASEGRID", BUILD / "src" / "cli" / "phasegrid")).resolve()
JOB = Path(__file__).with_name("ordeal.yaml")
TRIAL_STEPS = 4000
GONE = ("FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "BOOT_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "DEADLINE")
SETTLED_SECONDS = 5
REVOKED_SECONDS = 2


def on_one_rank(cluster, folder, steps):
    """(digest, seconds) of the undisturbed sweep on one rank."""
    path = folder / f"undisturbed-{steps}.h5"
    start = time.monotonic()
    cluster.ask(PROGRAM, "run", JOB, "-o", path, "--ranks", 1, "--set", f"steps={steps}", timeout=900)
    return digest(cluster, path), time.monotonic() - start


def steps_for(cluster, folder, seconds):
    """How many steps keep one rank of this machine at the job for so long."""
    start_up = on_one_rank(cluster, folder, 1)[1]
    trial = on_one_rank(cluster, folder, TRIAL_STEPS)[1]
    return max(TRIAL_STEPS, int(TRIAL_STEPS * seconds / max(trial - start_up, 0.01)))


def digest(cluster, path):
    return cluster.ask(PROGRAM, "verify", path).split()[0]


class Sweep:
    """One results file, and the Slurm jobs that were sent for it."""

    def __init__(self, cluster, folder, steps):
        self.cluster = cluster
        self.folder = folder
        self.path = folder / "cube.h5"
        self.steps = steps
        self.known = set()  # checkpoints that were there before the launch that is watched
        self.number = None
        self.waits_since = self.gone_since = None

    def submit(self, *options):
        """On four nodes."""
        return self.send("--nodes", 4, "--time", "10m", *options)

    def send(self, *options):
        """The command of the user; what it prints."""
        shutil.copy(JOB, self.folder / "job.yaml")
        said = self.cluster.ask(
            PROGRAM, "submit", "job.yaml", "-o", self.path, "--set", f"steps={self.steps}",
            "--checkpoint-every", "0.1", *options, cwd=self.folder)
        self.known = self.checkpoints()
        self.number = int(re.search(r"sent as job (\d+)", said)[1])
        return said

    def checkpoints(self):
        return set(self.folder.glob("cube*.checkpoint-*"))

    def log(self):
        return "".join(file.read_text(errors="replace") for file in sorted(self.folder.glob("cube*.log")))

    def told(self):
        """What a failed test wants to know."""
        return f"{self.state()}\n{self.log()}\n{sorted(file.name for file in self.folder.iterdir())}"

    def job(self):
        return self.cluster.job(self.number)

    def state(self):
        job = self.job()
        return f"{job['JobState']}, {job['Reason']}, Restarts {job['Restarts']}"

    def hasten(self):
        """A job that is put into the queue again need not wait the two minutes that Slurm gives it; but the
        nodes refuse a launch of the second in which the last one was revoked, and PMIx one whose
        predecessor's slurmstepd still holds its socket."""
        job = self.job()
        waits = (job["JobState"] == "PENDING" and job["Reason"] == "BeginTime"
                 and self.cluster.run("pgrep", "-f", rf"^slurmstepd: \[{self.number}\.").returncode == 1)
        self.waits_since = (self.waits_since or time.monotonic()) if waits else None
        if waits and time.monotonic() - self.waits_since > REVOKED_SECONDS:
            self.cluster.run("scontrol", "update", f"JobId={self.number}", "StartTime=now")
        return job

    def is_over(self, job):
        """A job that is on its way back into the queue shows as FAILED or so for a moment."""
        gone = job["JobState"] in GONE
        self.gone_since = (self.gone_since or time.monotonic()) if gone else None
        return gone and time.monotonic() - self.gone_since > SETTLED_SECONDS

    def wait_until_trained(self):
        """Until this launch has kept a run in mid-training."""
        def kept():
            job = self.hasten()
            assert job["JobState"] != "COMPLETED" and not self.is_over(job), f"too soon: {self.told()}"
            return self.checkpoints() - self.known
        wait_for(kept, lambda: f"a checkpoint: {self.told()}")

    def wait_until(self, state):
        wait_for(lambda: self.job()["JobState"] in state, lambda: f"{state}: {self.told()}")

    def wait_until_requeued(self):
        """Until the job is in the queue again."""
        wait_for(lambda: self.job()["Restarts"] != "0" and self.job()["JobState"] == "PENDING",
                 lambda: f"the queue: {self.told()}")

    def wait_until_done(self, seconds=180, hasten=True):
        """Until Slurm holds the job to be completed."""
        def ended():
            job = self.hasten() if hasten else self.job()
            assert not self.is_over(job), self.told()
            return job["JobState"] == "COMPLETED"
        wait_for(ended, lambda: f"the end: {self.told()}", seconds)

    def launches(self):
        """The launches that the results file tells of, the first one first."""
        text = self.cluster.ask(PROGRAM, "status", self.path, "--json")
        return json.loads(text)["launches"]

    def ranks(self):
        """{rank: process id, as this process sees it} of the launch that is at work."""
        found = {}
        for folder in Path("/proc").iterdir():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
                variables = (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if folder.name.isdigit() and words[0] == bytes(PROGRAM) and bytes(self.path) in words:
                values = dict(word.partition(b"=")[::2] for word in variables)
                number = values.get(b"OMPI_COMM_WORLD_RANK", values.get(b"PMIX_RANK"))
                if number is not None:
                    found[int(number)] = int(folder.name)
        return found

    def kill_rank(self, number):
        os.kill(self.ranks()[number], signal.SIGKILL)

    def kill_script(self):
        """The shell that runs the batch script of this job."""
        for folder in Path("/proc").iterdir():
            try:
                line = (folder / "cmdline").read_bytes()
                name = (folder / "comm").read_text()
            except OSError:
                continue
            if name.startswith("slurm_script") and f"job{self.number:05d}/slurm_script".encode() in line:
                os.kill(int(folder.name), signal.SIGKILL)
                return
        raise AssertionError(f"no batch script: {self.told()}")

    def assert_finished(self, expected, launches):
        """The cube of the undisturbed run, after that many launches, the first stopped with work left."""
        assert digest(self.cluster, self.path) == expected
        found = self.launches()
        assert len(found) == launches, found
        assert all(launch["reason"] != "done" for launch in found[:-1]), found
        assert found[-1]["reason"] == "done", found
        kept = {file.name for file in self.folder.iterdir()}
        assert kept <= {"job.yaml", "cube.h5", "cube.h5.sbatch", "cube.h5.log"}, kept
