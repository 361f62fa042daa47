# SPDX-License-Identifier: MIT
"""A real Slurm of several nodes on one machine, for tests.

`Cluster(folder)` starts this file as the first process of a process namespace of its own, which also has its
own network (loopback alone, so that every port is free), host name and mounts. That process, the keeper,
starts munged, slurmctld and a slurmd for each node, and waits for the end of its standard input. When
it ends, by whatever cause, the kernel ends every process of the namespace: daemons, steps and ranks. Its
standard input ends with the process that holds the `Cluster`, killed or not; so nothing is left behind.

A node is a slurmd with a host name and a /dev/shm of its own; all see the machine's files.
Partitions: debug; low and grace, whose jobs make way for those of high, at once or after 20 s.

As a command, to look at a cluster by hand (it lives until its standard input ends):
    /usr/bin/python3 tests/slurm/cluster.py FOLDER
"""

import ctypes
import ctypes.util
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

NODES = 4
CPUS = 2  # of a node
ADDRESS = "127.0.0.2"  # of all nodes
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "unshare", "nsenter", "pgrep")
NAMESPACES = ("--mount", "--pid", "--net", "--uts")
NODE_STATES = ("sinfo", "--noheader", "--partition=debug", "--Node", "--format=%t")
START_SECONDS = 60

CONFIGURATION = """\
ClusterName=test
SlurmctldHost=login({address})
SlurmctldPort=6817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket{credentials}
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
TmpFS={folder}/tmp-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
JobRequeue=1
KillWait=5
MinJobAge=86400
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
PartitionName=debug Nodes=ALL Default=YES MaxTime=60 PriorityTier=5 PreemptMode=OFF
PartitionName=low Nodes=ALL MaxTime=60 PriorityTier=1 GraceTime=0
PartitionName=grace Nodes=ALL MaxTime=60 PriorityTier=1 GraceTime=20
PartitionName=high Nodes=ALL MaxTime=60 PriorityTier=10 PreemptMode=OFF
"""

# What Open MPI must know on a machine whose only network is loopback, as root, with more ranks than cores.
OPEN_MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_btl_tcp_if_include": "lo",
    "OMPI_MCA_oob_tcp_if_include": "lo",
}


def reason_against():
    """Why this machine cannot have such a cluster, in one line; None: it can."""
    if os.geteuid() != 0:
        return "a Slurm of four nodes is brought up by root only"
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        return f"not installed: {', '.join(missing)} (tools/packages.txt has the packages)"
    try:
        ctypes.CDLL("libpmix.so")  # by this name Slurm opens it
    except OSError:
        return "not installed: libpmix.so, of the package libpmix-dev"
    trial = subprocess.run(["unshare", *NAMESPACES, "--fork", "--mount-proc", "sh", "-c",
                            "mount -t tmpfs none /dev/shm"], capture_output=True, text=True)
    if trial.returncode != 0:
        return f"nodes need namespaces, which this machine forbids: {trial.stderr.strip()}"
    return None


# ---- seen from outside ----


class Cluster:
    """A cluster that is up, with its files in `folder`; `stop` ends it, and so does this process's end."""

    def __init__(self, folder, credential_seconds=None):
        """A job that is put into the queue again waits twice `credential_seconds` (None: two minutes)."""
        self.folder = Path(folder)
        self.environment = {"SLURM_CONF": str(self.folder / "slurm.conf"),
                            "TMPDIR": str(self.folder / "tmp"), **OPEN_MPI}
        self.keeper = subprocess.Popen(
            ["unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc", sys.executable, __file__,
             folder, str(credential_seconds or 0)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        word = self.keeper.stdout.readline().strip()
        if word != "up":
            self.stop()
            raise RuntimeError(f"the cluster did not come up: {word or 'no word of it'}; see {folder}")

    def stop(self):
        self.keeper.stdin.close()
        try:
            self.keeper.wait(10)
        except subprocess.TimeoutExpired:
            self.keeper.kill()  # and the kernel its child, the keeper
            self.keeper.wait()

    def run(self, *words, cwd="/", timeout=120, **changes):
        """Runs a command to its end at the cluster's login node."""
        inside = Path(f"/proc/{self.keeper.pid}/ns")
        enter = ["nsenter", f"--mount={inside / 'mnt'}", f"--net={inside / 'net'}", f"--uts={inside / 'uts'}",
                 f"--pid={inside / 'pid_for_children'}", "env", f"--chdir={cwd}"]
        return subprocess.run([*enter, *map(str, words)], stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=timeout,
                              env={**clean_environment(), **self.environment, **changes})

    def ask(self, *words, **how):
        """What a command prints that must not fail."""
        result = self.run(*words, **how)
        assert result.returncode == 0, f"{' '.join(map(str, words))}: {result.stderr}"
        return result.stdout

    def job(self, number):
        """What Slurm knows of a job, by Slurm's names."""
        text = self.ask("scontrol", "--oneliner", "show", "job", number)
        return dict(word.split("=", 1) for word in text.split() if "=" in word)

    def restart_controller(self):
        """slurmctld ends and comes back. (Killed, it would forget what it had not yet saved.)"""
        file = self.folder / "slurmctld.pid"
        number = file.read_text().strip()
        self.ask("kill", number)
        wait_for(lambda: self.run("kill", "-0", number).returncode != 0, "slurmctld to end")
        self.ask("slurmctld")
        wait_for(lambda: self.run("scontrol", "ping").stdout.count(" is UP"), "slurmctld to come back")

    def all_idle(self):
        return self.ask(*NODE_STATES).split() == ["idle"] * NODES


def clean_environment():
    """This process's environment, without what makes a program believe that it is in an allocation."""
    foreign = ("OMPI_", "PMIX_", "PMI_", "SLURM_", "SBATCH_", "PHASEGRID_", "MESON_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def wait_for(condition, what, seconds=120):
    """Returns the condition's value as soon as it holds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what() if callable(what) else what}"
        time.sleep(0.05)


# ---- the keeper, inside ----


def raise_loopback():
    """`ip link set lo up`, without ip. Its only address becomes ADDRESS: getaddrinfo (AI_ADDRCONFIG, in
    Slurm) holds a machine with 127.0.0.1 alone to have none, and Open MPI wants one to tell ranks by."""
    set_flags, set_address, up = 0x8914, 0x8916, 0x1  # linux/sockios.h, linux/if.h
    address = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(ADDRESS))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, set_flags, struct.pack("16sH22x", b"lo", up))
        fcntl.ioctl(handle, set_address, struct.pack("16s16s8x", b"lo", address))


def execute(*words):
    subprocess.run(list(map(str, words)), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def furnish(folder, credential_seconds):
    """Folders, keys and settings."""
    for name in ("state", "munge", "tmp"):
        (folder / name).mkdir(parents=True)
    for node in range(1, NODES + 1):
        (folder / f"spool-n{node}").mkdir()
        (folder / f"tmp-n{node}").mkdir()  # PMIx has its sockets there
    (folder / "munge").chmod(0o700)
    (folder / "munge" / "key").write_bytes(os.urandom(1024))
    (folder / "munge" / "key").chmod(0o400)
    credentials = f",cred_expire={credential_seconds}" if credential_seconds else ""
    text = CONFIGURATION.format(folder=folder, address=ADDRESS, credentials=credentials)
    for node in range(1, NODES + 1):
        text += (f"NodeName=n{node} NodeAddr={ADDRESS} Port={6818 + node} CPUs={CPUS} "
                 "RealMemory=2000 State=UNKNOWN\n")
    (folder / "slurm.conf").write_text(text)
    # Without it slurmd looks for a hierarchy of cgroups, although nothing here uses one.
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n")
    names = " ".join(f"n{node}" for node in range(1, NODES + 1))
    (folder / "hosts").write_text(f"127.0.0.1 localhost\n{ADDRESS} login {names}\n")


def bring_up(folder):
    raise_loopback()
    socket.sethostname("login")
    execute("mount", "--bind", folder / "hosts", "/etc/hosts")
    execute("mount", "-t", "tmpfs", "none", "/dev/shm")
    # A socket folder of mode 700 is closed to others, which munged takes for a mistake: --force.
    execute("munged", "--force", f"--key-file={folder}/munge/key", f"--socket={folder}/munge/socket",
            f"--pid-file={folder}/munge/pid", f"--log-file={folder}/munge/log",
            f"--seed-file={folder}/munge/seed")
    execute("slurmctld", "-c")
    for node in range(1, NODES + 1):
        execute("unshare", "--mount", "--uts", "sh", "-ec", f"echo n{node} >/proc/sys/kernel/hostname\n"
                "mount -t tmpfs none /dev/shm\n" f"exec slurmd -N n{node}")


def nodes_idle():
    result = subprocess.run(NODE_STATES, capture_output=True, text=True)
    return result.stdout.split() == ["idle"] * NODES


def end_with_input():
    while os.read(0, 1):
        pass
    os._exit(0)


def keep(folder, credential_seconds):
    threading.Thread(target=end_with_input, daemon=True).start()
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    try:
        furnish(folder, credential_seconds)
        bring_up(folder)
        wait_for(nodes_idle, "the nodes to be idle", START_SECONDS)
    except (OSError, subprocess.CalledProcessError, AssertionError) as error:
        print(error, flush=True)
        return 1
    print("up", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans come to the first process and are not kept
    while True:
        signal.pause()


if __name__ == "__main__":
    if os.getpid() == 1:
        sys.exit(keep(Path(sys.argv[1]), int(sys.argv[2])))
    by_hand = Cluster(Path(sys.argv[1]).resolve(), 5)
    print("SLURM_CONF=" + by_hand.environment["SLURM_CONF"], "nsenter --target", by_hand.keeper.pid,
          "--mount --net --uts", f"--pid=/proc/{by_hand.keeper.pid}/ns/pid_for_children", flush=True)
    sys.stdin.read()
    by_hand.stop()
