# SPDX-License-Identifier: MIT
"""The real command, interrupted in mid-run again and again: the same bytes as undisturbed."""

import os
import signal
import struct
import time
from pathlib import Path

import h5py
import pytest

import launch
from fake_sweep import child_of

COMMAND = os.environ["PHASEGRID"]
JOB = Path(__file__).with_name("interrupted.yaml")
EVERY = "0.05"  # seconds between checkpoints
HEADER = struct.Struct("<8s32sIIqdQII")  # of a record, see src/store/checkpoint_file.h


def command(path, *arguments):
    return [COMMAND, "run", str(JOB), "-o", str(path), "--checkpoint-every", EVERY, *arguments]


def digest(path):
    code, out, err = launch.run(0, [COMMAND, "verify", str(path)])
    assert code == 0, err
    return out.split()[0]


@pytest.fixture(name="reference", scope="module")
def make_reference(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "cube.h5"
    code, _, err = launch.run(2, [COMMAND, "run", str(JOB), "-o", str(path), "--checkpoint-every",
                                  "0", "--sync", "none"])
    assert code == 0, err
    return digest(path)


def records(files):
    """{run: steps trained} of these checkpoint files, which may go at any moment."""
    found = {}
    for file in files:
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            continue
        at = 0
        while at < len(data):
            _, cell, seed, _, progress, _, size, _, _ = HEADER.unpack_from(data, at)
            found[cell, seed] = progress
            at += HEADER.size + -(-size // 8) * 8
    return found


def checkpoint_files(path):
    return set(path.parent.glob(path.name + ".checkpoint-*"))


def wait_for_progress(process, path, known, before):
    """Until this launch has saved a run, one of those that were saved before if there are any; it has
    trained it further since."""
    until = time.monotonic() + 60
    while True:
        now = records(checkpoint_files(path) - known)
        if any(now[run] > before[run] for run in before.keys() & now.keys()) or now and not before:
            return
        assert time.monotonic() < until and process.poll() is None, process.communicate()
        time.sleep(0.005)


def processes_of(path):
    """Process ids of the ranks that train into `path`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if entry.name.isdigit() and words[0] == COMMAND.encode() and str(path).encode() in words:
            found.append(int(entry.name))
    return found


def interrupt(process, path, number):
    """The launch ends by the signal: at mpirun, or at every rank. Its exit code."""
    if number == signal.SIGKILL:
        for pid in processes_of(path):
            os.kill(pid, number)
    else:
        os.kill(child_of(process.pid), number)
    _, err = process.communicate()
    return process.returncode, err


LAUNCHES = {  # ranks, layout that is asked for, what ends it
    "stopped": [(1, "runs", signal.SIGUSR1), (3, "", signal.SIGUSR2), (2, "", signal.SIGUSR1),
                (3, "runs", signal.SIGUSR1)],
    "layouts": [(2, "samples", signal.SIGUSR1), (1, "runs", signal.SIGUSR1),
                (3, "samples", signal.SIGUSR1), (2, "runs", signal.SIGUSR1)],
    "killed": [(1, "runs", signal.SIGKILL), (3, "", signal.SIGKILL), (2, "samples", signal.SIGKILL)],
}


@pytest.mark.parametrize("how", LAUNCHES)
def test_same_bytes_after_interruptions_in_mid_run(tmp_path, reference, how):
    path = tmp_path / "cube.h5"
    known, before = set(), {}
    for ranks, layout, number in LAUNCHES[how]:
        environment = {"PHASEGRID_LAYOUT": layout} if layout else {}
        process = launch.start(ranks, command(path), **environment)
        wait_for_progress(process, path, known, before)
        code, err = interrupt(process, path, number)
        assert code == (137 if number == signal.SIGKILL else 85), err
        now = records(checkpoint_files(path) - known)
        for run in before.keys() & now.keys():
            assert now[run] >= before[run], "a run with a checkpoint began anew"
        known |= checkpoint_files(path)
        before.update(now)
    with h5py.File(path, "r") as file:
        assert (file["status"][...] == 0).any(), "there was nothing left to go on with"
    code, _, err = launch.run(2, command(path))
    assert code == 0, err
    assert digest(path) == reference
    assert [file.name for file in tmp_path.iterdir()] == ["cube.h5"], "leftovers"
