# SPDX-License-Identifier: MIT
"""What `status` tells of the launches of a file: how they ended, what they brought, how fast."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import h5py
import pytest

from command import PROGRAM, SMALL_JOB, SMALL_RUNS, environment, listing, phasegrid, start

# Runs that take minutes: nothing but checkpoints is brought in a test's time.
LONG_JOB = SMALL_JOB.replace("steps: 50", "steps: 5000000").replace("small", "long")
OF_ANOTHER_HOST = ("host: elsewhere\npid: 17\nstart: 5\nboot: 00000000-aaaa-bbbb-cccc-000000000000\n"
                   "slurm_job: 4711\nslurm_restart: 0\nompi_job: 0\nsince: {since}\n")


def status(folder, **changes):
    return listing("status", "x.h5", cwd=folder, **changes)


def stalled(folder):
    result = phasegrid("status", "x.h5", "--stalled", cwd=folder)
    assert result.returncode == 0 and result.stderr == ""
    return int(result.stdout)


def wait_for(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def launches_so_far(folder):
    try:
        with h5py.File(folder / "x.h5") as file:
            return int(file["provenance/launch_count"][()])
    except OSError:
        return 0


def start_long(folder, *options):
    """A launch on one rank, which is in training when this returns."""
    (folder / "job.yaml").write_text(LONG_JOB)
    before = launches_so_far(folder)
    process = start("run", "job.yaml", "-o", "x.h5", "-n", "1", *options, cwd=folder)
    wait_for(lambda: launches_so_far(folder) > before)
    return process


def kill(process):
    """The launcher's one rank, as a power failure would."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
        os.kill(int(file.read().split()[0]), signal.SIGKILL)
    process.communicate(timeout=60)


def last(page):
    return page["launches"][-1]


def test_a_finished_file(tmp_path):
    (tmp_path / "job.yaml").write_text(SMALL_JOB)
    assert phasegrid("run", "job.yaml", "-o", "x.h5", "-n", "2", cwd=tmp_path).returncode == 0
    page = status(tmp_path)
    assert page["launch_count"] == len(page["launches"]) == 1 and page["stalled"] == 0
    launch = last(page)
    assert (launch["state"], launch["reason"], launch["ranks"]) == ("ended", "done", 2)
    assert launch["finished"] == SMALL_RUNS
    assert page["runs_per_second"] == pytest.approx(SMALL_RUNS / launch["seconds"])
    assert page["todo"] == 0 and page["expected_end"] is None and page["owner"] is None
    text = phasegrid("status", "x.h5", cwd=tmp_path).stdout
    assert "Launches: 1\n" in text and "Rate:" not in text


def test_killed_or_running(tmp_path):
    process = start_long(tmp_path, "--checkpoint-every", "0")
    page = status(tmp_path)
    assert last(page)["state"] == "running" and f"pid {process.pid}" not in page["owner"]
    assert page["runs_per_second"] is None and page["expected_end"] is None, "nothing is known yet"
    assert page["stalled"] == 0
    assert "Rate: not known yet" in phasegrid("status", "x.h5", cwd=tmp_path).stdout
    kill(process)
    assert last(status(tmp_path))["state"] == "killed"
    assert stalled(tmp_path) == 1
    # Whether a launch on another host lives nobody can tell here.
    (tmp_path / "x.h5.owner").write_text(OF_ANOTHER_HOST.format(since=int(time.time()) - 3600))
    page = status(tmp_path)
    assert last(page)["state"] == "killed or running" and "elsewhere" in page["owner"]
    assert stalled(tmp_path) == 1
    # It came after the launch, which was therefore killed.
    (tmp_path / "x.h5.owner").write_text(OF_ANOTHER_HOST.format(since=int(time.time()) + 3600))
    assert last(status(tmp_path))["state"] == "killed"


def test_stalled_counts_the_last_launches_that_brought_nothing(tmp_path):
    for count in (1, 2):
        kill(start_long(tmp_path, "--checkpoint-every", "0"))
        assert stalled(tmp_path) == count
    process = start_long(tmp_path, "--checkpoint-every", "0.1s")
    assert stalled(tmp_path) == 2, "the one that runs does not count"
    wait_for(lambda: status(tmp_path)["steps_kept"] > 0)
    kill(process)
    page = status(tmp_path)
    assert page["stalled"] == 0 and page["checkpoints"] > 0
    assert last(page)["finished"] == 0 and last(page)["steps_kept"] == page["steps_kept"]
    kill(start_long(tmp_path, "--checkpoint-every", "0"))
    assert stalled(tmp_path) == 1, "no step more than was kept before"


def test_a_launch_that_is_stopped_says_by_what(tmp_path):
    process = start_long(tmp_path)
    process.send_signal(signal.SIGTERM)  # the launcher sends USR1 to the ranks
    process.communicate(timeout=60)
    assert process.returncode == 85
    launch = last(status(tmp_path))
    assert (launch["state"], launch["reason"]) == ("ended", "stopped by USR1")


def test_the_allocation_ends(tmp_path):
    """Runs of minutes in an allocation of seconds: without checkpoints nothing is brought, with them
    steps are."""
    (tmp_path / "job.yaml").write_text(LONG_JOB)
    for options, expected in ((["--checkpoint-every", "0"], 1), ([], 0)):
        began = time.time()
        result = phasegrid("run", "job.yaml", "-o", "x.h5", "-n", "1", "--grace", "2s", *options,
                           cwd=tmp_path, PHASEGRID_DEADLINE=str(began + 6))
        assert result.returncode == 85 and time.time() < began + 6 + 2
        assert "since the allocation ends; the same command goes on" in result.stderr
        assert "The allocation ends in 0:0" in result.stderr
        page = status(tmp_path)
        assert last(page)["reason"] == "stopped, since the allocation ends"
        assert page["stalled"] == expected
    assert page["steps_kept"] > 0 and page["checkpoints"] > 0


def test_slurm_is_asked_for_the_end(tmp_path):
    squeue = tmp_path / "squeue"
    squeue.write_text('#!/bin/sh\n[ "$*" = "--noheader --format=%L --jobs 4711" ] && echo 0:04\n')
    squeue.chmod(0o755)
    (tmp_path / "job.yaml").write_text(LONG_JOB)
    result = phasegrid("run", "job.yaml", "-o", "x.h5", "-n", "1", "--grace", "2s", cwd=tmp_path,
                       SLURM_JOB_ID="4711", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert result.returncode == 85
    launch = last(status(tmp_path))
    assert (launch["slurm_job"], launch["reason"]) == ("4711", "stopped, since the allocation ends")


def test_watch_keeps_to_the_window(tmp_path):
    """On a terminal the page is written over itself, and never longer than the window."""
    process = start_long(tmp_path)
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 40, 0, 0))
    watch = subprocess.Popen([PROGRAM, "status", "x.h5", "--watch"], stdout=follower,
                             cwd=tmp_path, env=environment(TERM="xterm"))
    seen, until = b"", time.monotonic() + 30
    try:
        while seen.count(b"\x1b[H") < 3:
            assert time.monotonic() < until, seen
            if select.select([leader], [], [], 1)[0]:
                seen += os.read(leader, 65536)
    finally:
        watch.kill()
        watch.wait()
        process.terminate()
        process.communicate(timeout=60)
    page = seen.split(b"\x1b[H")[1]
    lines = page.split(b"\r\n")
    assert lines[0].startswith(f"x.h5: addition, 0 of {SMALL_RUNS} runs fini".encode())
    visible = [re.sub(r"\x1b\[[0-9;]*[mKJ]", "", line.decode()) for line in lines]
    assert max(map(len, visible)) == 39, "cut where the window ends, and not before"
    assert all(line.endswith(b"\x1b[K") for line in lines[:-1]) and lines[-1] == b"\x1b[J"
    assert len(lines) == 12, "eleven lines, and the cursor behind them"


def test_a_file_of_an_earlier_version(tmp_path):
    """It lacks what stood at the start and end of a launch: the sweep goes on, nothing is guessed."""
    (tmp_path / "job.yaml").write_text(SMALL_JOB)
    run = ["run", "job.yaml", "-o", "x.h5", "-n", "1"]
    assert phasegrid(*run, cwd=tmp_path).returncode == 0
    with h5py.File(tmp_path / "x.h5", "r+") as file:
        for name in ("finished_before", "finished_after", "steps_kept_before"):
            del file["provenance"][name]
    assert phasegrid(*run, cwd=tmp_path).returncode == 0
    page = status(tmp_path)
    assert page["launch_count"] == 2 and page["stalled"] == 0 and page["runs_per_second"] is None
    assert [launch["finished"] for launch in page["launches"]] == [None, None]
