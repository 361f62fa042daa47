# SPDX-License-Identifier: MIT
"""The command under test: starting it, finding its ranks, ending it. Every process that a launch
starts stays a descendant of this one (it is their subreaper) and is ended by its id."""

import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
# Not inherited: what would make the command believe that it is a rank, or in an allocation.
FOREIGN = ("OMPI_", "PMIX_", "PMI_", "SLURM_", "PBS_", "LSB_", "PHASEGRID_", "NO_COLOR")
SECONDS = 120  # a launch that lasts longer has hung


class Failure(Exception):
    """A promise that was not kept."""


def become_subreaper():
    """Orphans of killed launches become children of this process, so that none is lost."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def children_of(pid):
    """The ids of a process's children; none when it is gone."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
    except OSError:
        pass
    return found


def descendants_of(pid):
    """The ids of all processes below `pid`."""
    found, left = [], [pid]
    while left:
        children = children_of(left.pop())
        found += children
        left += children
    return found


def is_program(pid, program):
    """Whether the process runs the program itself."""
    try:
        return os.readlink(f"/proc/{pid}/exe") == str(program)
    except OSError:
        return False


def end(pids):
    """KILL to each that is still there."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def reap():
    """Collects orphans that have ended; whoever is waited for elsewhere is left alone."""
    for pid in children_of(os.getpid()):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                os.waitpid(pid, os.WNOHANG)
        except (OSError, ChildProcessError):
            pass


def environment(temporary):
    """This process's without foreign variables; Open MPI's files go to the folder `temporary`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**kept, "TMPDIR": str(temporary),
            "OMPI_MCA_btl_vader_backing_directory": str(temporary)}


class Launch:
    """One start of the command, in a session of its own; what it says goes to a file."""

    def __init__(self, program, arguments, folder):
        self.program, self.arguments = program, [str(word) for word in arguments]
        self.temporary = folder / "tmp"
        self.temporary.mkdir(exist_ok=True)
        self.log = self.temporary / "said"
        self.begun = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [program, *self.arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment(self.temporary), start_new_session=True)

    def __str__(self):
        return "phasegrid " + " ".join(self.arguments)

    def said(self):
        """What it has printed."""
        return self.log.read_text(errors="replace")

    def elapsed(self):
        """Seconds since its start."""
        return time.monotonic() - self.begun

    def has_ended(self):
        """Whether the process that was started is gone; kills a launch that hangs."""
        if self.elapsed() > SECONDS and self.process.poll() is None:
            self.kill_all()
            raise Failure(f"{self} has hung:\n{self.said()}")
        return self.process.poll() is not None

    def ranks(self):
        """The ids of its ranks: the program's processes below the launcher, or the one process."""
        below = [pid for pid in descendants_of(self.process.pid) if is_program(pid, self.program)]
        return below or [self.process.pid]

    def kill_all(self):
        """KILL to every process of the launch, and waits until all are gone."""
        pids = descendants_of(self.process.pid)
        end([*reversed(pids), self.process.pid])
        while left := [pid for pid in descendants_of(self.process.pid) if pid not in pids]:
            end(left)
            pids += left
        self.process.wait(SECONDS)
        self.wait_for(pids)

    def kill_one(self, random):
        """KILL to one rank; what happens to the others is Open MPI's affair and the program's."""
        pids = descendants_of(self.process.pid)
        end([random.choice(sorted(self.ranks()))])
        while not self.has_ended():
            time.sleep(0.01)
        self.wait_for(pids)

    def wait_for(self, pids):
        """Until none of them is left."""
        ending = time.monotonic() + SECONDS
        while any(Path(f"/proc/{pid}").exists() for pid in pids):
            reap()
            if time.monotonic() > ending:
                raise Failure(f"{self}: processes are left after its end")
            time.sleep(0.005)

    def finish(self):
        """Waits for its end; the exit code."""
        while not self.has_ended():
            time.sleep(0.01)
        reap()
        return self.process.returncode


def call(program, arguments, folder):
    """Runs the command to its end: (exit code, what it printed)."""
    launch = Launch(program, arguments, folder)
    return launch.finish(), launch.said()


def digest(program, path, folder):
    """The digest that `verify` prints."""
    code, said = call(program, ["verify", path], folder)
    if code != 0:
        raise Failure(f"verify {path}: exit {code}\n{said}")
    return said.split()[0]
