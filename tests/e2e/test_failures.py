# SPDX-License-Identifier: MIT
"""What the machine may do to a sweep: one clear line, the right exit code, finished rows intact, and
the same command goes on to the digest of an undisturbed sweep."""

import errno
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from command import BUILD, SMALL_JOB, listing, phasegrid, start

JOB = SMALL_JOB.replace("steps: 50, decoder_width: 20", "steps: 3000, decoder_width: 48")
RUNS = 12
BROKEN_DISK = (BUILD / "tests" / "torture" / "libbroken_disk.so").resolve()


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def digest(path):
    result = phasegrid("verify", path)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()[0]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The digest."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "job.yaml").write_text(JOB)
    assert phasegrid("run", "job.yaml", "--ranks", 2, cwd=folder).returncode == 0
    return digest(folder / "job.h5")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "job.yaml").write_text(JOB)
    return tmp_path


@pytest.fixture(autouse=True)
def no_process_stays(tmp_path):
    """Of a test that fails: its disk goes on, and what it started in its folder ends."""
    yield
    if not processes_in(tmp_path):
        return
    for place in (tmp_path, tmp_path / "mounted"):
        if place.exists():
            go_on(place)
    for process in processes_in(tmp_path):
        os.kill(process, signal.SIGKILL)
    wait_for(lambda: not processes_in(tmp_path))


def processes_in(folder):
    """The ids of processes at work in the folder or below."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").resolve().is_relative_to(folder):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def finished_rows(path):
    """{run: its parameters' bytes} of the runs that are marked finished."""
    if not path.exists():
        return {}
    with h5py.File(path, "r") as file:
        statuses, losses = file["status"][...].ravel(), file["train_loss"][...]
        losses = losses.reshape(statuses.size, -1)
        return {int(row): losses[row].tobytes() for row in np.flatnonzero(statuses)}


def start_and_wait(folder, *arguments, ranks=2, **changes):
    """A sweep that has finished some runs (--sync run makes them visible at once), and whose disk
    lets it finish no more until go_on(). Returns it with the finished rows."""
    child = start("run", "job.yaml", "--ranks", ranks, "--sync", "run", *arguments, cwd=folder,
                  LD_PRELOAD=str(BROKEN_DISK), BROKEN_DISK=str(folder / "go_on"),
                  BROKEN_DISK_AFTER="4", **changes)
    wait_for(lambda: finished_rows(folder / "job.h5") or child.poll() is not None)
    assert child.poll() is None, child.communicate()[1]
    before = finished_rows(folder / "job.h5")
    assert 0 < len(before) < RUNS
    return child, before


def go_on(folder):
    (folder / "go_on").touch()


def lines_of(said):
    """What the command itself says; the line of progress is not among it."""
    return [line for line in re.split(r"[\r\n]+", said) if line.startswith("phasegrid: ")]


def expect_goes_on(folder, before, undisturbed):
    """The same command finishes, rows that were there stay, and the digest is the undisturbed."""
    now = finished_rows(folder / "job.h5")
    assert {row: now.get(row) for row in before} == before
    result = phasegrid("run", "job.yaml", "--ranks", 3, cwd=folder)
    assert result.returncode == 0, result.stderr
    assert digest(folder / "job.h5") == undisturbed
    after = finished_rows(folder / "job.h5")
    assert {row: after[row] for row in before} == before
    assert sorted(path.name for path in folder.glob("job*")) == ["job.h5", "job.yaml"]


# ---- before the start ----


@pytest.fixture
def mount(tmp_path):
    """Mounts a tmpfs with options; skips where that is not allowed."""
    place = tmp_path / "mounted"
    place.mkdir()

    def mount_with(options):
        result = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place],
                                capture_output=True, text=True, check=False)
        if result.returncode != 0:
            pytest.skip(f"cannot mount a tmpfs here: {result.stderr.strip()}")
        return place

    yield mount_with
    subprocess.run(["umount", "--lazy", place], capture_output=True, check=False)


def test_a_full_disk_is_refused_with_the_numbers(mount, undisturbed):
    place = mount("size=512k")
    (place / "job.yaml").write_text(JOB)
    result = phasegrid("run", "job.yaml", "--ranks", 2, cwd=place)
    assert result.returncode == 1
    (line,) = lines_of(result.stderr)
    assert re.fullmatch(r"phasegrid: (job\.yaml: )?the cube does not fit the disk: 'job\.h5' needs "
                        r"[\d.]+ \w+ for 12 runs, and [\d.]+ KiB are free in '\.'", line), line
    assert [path.name for path in place.iterdir()] == ["job.yaml"]
    subprocess.run(["mount", "-o", "remount,size=64m", place], check=True)
    expect_goes_on(place, {}, undisturbed)


def test_a_read_only_folder_is_refused(mount):
    place = mount("size=64m,mode=755")
    (place / "job.yaml").write_text(JOB)
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
    result = phasegrid("run", "job.yaml", "--ranks", 2, cwd=place)
    assert result.returncode == 1
    (line,) = lines_of(result.stderr)
    assert "job.h5" in line and os.strerror(errno.EROFS) in line


# ---- in the middle ----


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("ranks", [1, 3])
def test_a_disk_that_fails_in_the_middle(folder, undisturbed, number, ranks):
    child, before = start_and_wait(folder, ranks=ranks, BROKEN_DISK_ERROR=str(number))
    go_on(folder)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 1, said
    (line,) = lines_of(said)
    assert "job.h5" in line
    assert os.strerror(number) in line
    expect_goes_on(folder, before, undisturbed)


def test_a_full_disk_for_checkpoints_alone_ends_nothing(mount, undisturbed):
    """The cube has its room from the beginning; what is beside it may find none."""
    place = mount("size=64m")
    (place / "job.yaml").write_text(JOB)
    child = start("run", "job.yaml", "--ranks", 2, "--checkpoint-every", "0.02", cwd=place)
    wait_for(lambda: list(place.glob("job.h5.checkpoint-*")) or child.poll() is not None)
    stopped = processes_in(place)
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    # Unbuffered: what a buffer still holds when the disk is full, close() would fail to write as well.
    with open(place / "filler", "wb", buffering=0) as filler, pytest.raises(OSError) as full:
        while True:
            filler.write(bytes(1 << 16))
    for process in stopped:
        os.kill(process, signal.SIGCONT)
    assert full.value.errno == errno.ENOSPC
    _, said = child.communicate(timeout=60)
    assert child.returncode == 0, said
    assert "checkpoint" in said and os.strerror(errno.ENOSPC) in said, said
    assert digest(place / "job.h5") == undisturbed


def test_a_removed_file(folder, undisturbed):
    child, _ = start_and_wait(folder)
    (folder / "job.h5").unlink()
    go_on(folder)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 1, said
    (line,) = lines_of(said)
    assert "job.h5" in line and os.strerror(errno.ENOENT) in line
    expect_goes_on(folder, {}, undisturbed)


# ---- others ----


def test_a_second_launch_is_refused(folder):
    (folder / "job.yaml").write_text(JOB.replace("steps: 3000", "steps: 1000000000"))
    child = start("run", "job.yaml", "--ranks", 2, cwd=folder)
    wait_for((folder / "job.h5").exists)
    result = phasegrid("run", "job.yaml", "--ranks", 2, cwd=folder)
    assert result.returncode == 1
    (line,) = lines_of(result.stderr)
    assert "job.h5" in line and f"host {os.uname().nodename}, pid " in line and "since " in line
    assert child.poll() is None, "the first launch was disturbed"
    child.send_signal(signal.SIGTERM)
    said = child.communicate(timeout=60)[1]
    assert child.returncode == 85, said


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_storm_of_signals(folder, undisturbed, ranks):
    child, before = start_and_wait(folder, "--checkpoint-every", "0.1", ranks=ranks)
    while child.poll() is None:
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
            child.send_signal(number)
        go_on(folder)
        time.sleep(0.001)
    said = child.communicate()[1]
    assert child.returncode == 85, said
    assert listing("status", folder / "job.h5")["todo"] > 0
    expect_goes_on(folder, before, undisturbed)
