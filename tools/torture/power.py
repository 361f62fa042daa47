# SPDX-License-Identifier: MIT
"""Power loss, by simulation. Sweeps, an extension and a merge run once under strace (trace.py);
their events drive a disk that may lose its power (disk.py); from it come thousands of states, and
each must keep the promises: a results file is absent or opens; a row that is marked finished has
the bytes of its CRC and of the undisturbed sweep; a row that was surely on disk as finished is
still so. From some of the states the commands go on, and must reach the undisturbed digest.

So that a simulator that sees nothing cannot pass, the same events are judged without the syncs of
rows (which is what `--sync none` leaves out): then torn rows must be found.
"""

import os
import pickle
import random
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from cube import Cube
from disk import Disk, fingerprint
from program import Failure, call, digest
from trace import Recorder, is_available

SKIPPED = 77  # meson's exit code of a test that was skipped
STATES_PER_CRASH = 5
TRIES_WITHOUT_SYNC = 1500
LOOK_SECONDS = 5


def commands(job, folder, checkpoints):
    """The commands in their order: (name, words); each must be done before the next."""
    cube, parts, merged = (folder / name for name in ("cube.h5", "part-{}.h5", "merged.h5"))
    part = [Path(str(parts).format(i)) for i in (1, 2)]
    return [
        ("run", ["run", job, "-o", cube, "--ranks", 2, *checkpoints]),
        ("extend", ["extend", cube, "--seeds", 3]),
        ("run of the grown cube", ["run", job, "-o", cube, "--ranks", 1, *checkpoints]),
        ("shard 1", ["run", job, "-o", part[0], "--ranks", 1, "--shard", "1/2", *checkpoints]),
        ("shard 2", ["run", job, "-o", part[1], "--ranks", 2, "--shard", "2/2", *checkpoints]),
        ("merge", ["merge", *part, "-o", merged]),
    ]


def look(path):
    """Torn rows, finished rows, the number of all rows; or what is wrong, as a text."""
    try:
        cube = Cube(path)
    except Exception as error:  # whatever the library makes of it
        return f"does not open: {error}"
    return cube.torn, cube.stable, cube.row_count


def look_in_child(path):
    """The same in a process of its own, since the library can crash, and can hang."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(LOOK_SECONDS)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        with open(writing, "wb") as answer:
            pickle.dump(look(path), answer)
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as answer:
        found = answer.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return pickle.loads(found) if status == 0 else f"makes h5py die by signal {-status}"


class Judge:
    """Opens the results files of states and judges them by the undisturbed rows."""

    def __init__(self, folder):
        self.place = folder / "judged.h5"
        self.truth = {}  # key: bytes
        self.known = {}  # bytes of a file: what look() found

    def rows(self, path, content):
        """Finished rows of a results file with this content; Failure says what is wrong."""
        if content not in self.known:
            self.place.write_bytes(content)
            found = look_in_child(self.place)
            if isinstance(found, str):
                raise Failure(f"{path} {found}")
            if len(self.known) > 100:
                self.known.clear()
            self.known[content] = found
        torn, rows, _ = self.known[content]
        if torn:
            raise Failure(f"{path}: rows {torn} are marked finished, and their CRC is wrong")
        wrong = [key for key, row in rows.items() if self.truth and self.truth.get(key) != row]
        if wrong:
            raise Failure(f"{path}: rows {wrong} have other bytes than in the undisturbed sweep")
        return rows

    def judge(self, state, surely):
        """All results files of a state; `surely`: {path: finished rows} that must be there."""
        for path, rows in surely.items():
            if path not in state:
                raise Failure(f"{path} was on disk, and is gone")
            lost = set(rows) - set(self.rows(path, state[path]))
            if lost:
                raise Failure(f"{path}: rows {sorted(lost)} were on disk as finished, and are lost")
        for path, content in state.items():
            if path.endswith(".h5") and path not in surely:
                self.rows(path, content)

    def finished(self, state):
        """{path: finished rows} of the results files of a state."""
        return {path: self.rows(path, content) for path, content in state.items()
                if path.endswith(".h5")}

    def close(self):
        self.place.unlink(missing_ok=True)


class Power:
    """The record, and what is done with it."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.random = random.Random(options.seed)
        self.disk_folder = folder / "disk"
        self.disk_folder.mkdir()
        self.checkpoints = (["--checkpoint-every", options.checkpoint_every]
                            if options.checkpoint_every else [])
        self.stages = commands(options.job, self.disk_folder, self.checkpoints)
        self.recorded = []  # (stage, event)
        self.ends = []  # places in `recorded` at which a stage ended
        self.states, self.resumed, self.kinds = set(), 0, Counter()
        self.judge = Judge(folder)
        self.digests = {}

    def record(self):
        """Runs everything once; keeps the undisturbed rows and digests."""
        recorder = Recorder(self.options.phasegrid, self.folder, self.disk_folder)
        for stage, (_, words) in enumerate(self.stages):
            events = recorder.record(words)
            self.kinds.update(event[0] for event in events)
            self.recorded += [(stage, event) for event in events]
            self.ends.append(len(self.recorded))
        for name in ("cube.h5", "merged.h5"):
            path = self.disk_folder / name
            self.digests[name] = digest(self.options.phasegrid, path, self.folder)
            self.judge.truth.update(Cube(path).stable)
        self.check_replay()
        shutil.rmtree(self.disk_folder)

    def check_replay(self):
        """Without a crash the simulated disk must be the real one, byte for byte."""
        disk = Disk(self.disk_folder)
        for _, event in self.recorded:
            disk.take(event)
        for path, inode in disk.names.items():
            inode.sync(disk.order + 1)
            if bytes(inode.durable) != Path(path).read_bytes():
                raise Failure(f"the record does not give {path}: strace has missed something")
        missing = {str(path) for path in self.disk_folder.iterdir()} - set(disk.names)
        if missing:
            raise Failure(f"the record lacks {missing}")

    def crashes(self, count, syncs_rows=True):
        """Yields (stage, disk) at so many moments, in their order, and at the end of each stage;
        without `syncs_rows` the disk is not told of syncs of published files."""
        moments = Counter(self.random.randrange(len(self.recorded)) for _ in range(count))
        disk = Disk(self.disk_folder)
        for place, (stage, event) in enumerate(self.recorded, 1):
            if syncs_rows or event[0] != "sync" or not event[2].endswith(".h5"):
                disk.take(event)
            for _ in range(moments[place - 1]):
                yield stage, disk
            if place in self.ends:
                yield stage, disk

    def without_sync(self):
        """The same events as of a program that syncs no row: how many states until a torn row."""
        tried = 0
        for _, disk in self.crashes(TRIES_WITHOUT_SYNC // STATES_PER_CRASH, syncs_rows=False):
            for _ in range(STATES_PER_CRASH):
                tried += 1
                try:
                    self.judge.judge(disk.crashed(self.random), {})
                except Failure as failure:
                    if "CRC" in str(failure) or "other bytes" in str(failure):
                        return tried
        raise Failure(f"without syncs {tried} states show no torn row: the simulation sees nothing")

    def check_end(self, stage, disk):
        """A command that has ended has left its whole result on disk."""
        words = [str(word) for word in self.stages[stage][1]]
        path = words[words.index("-o") + 1] if "-o" in words else words[1]
        rows = self.judge.rows(path, disk.surely().get(path, b""))
        if self.stages[stage][0] != "extend" and len(rows) != self.judge.known[
                disk.surely()[path]][2]:
            raise Failure(f"{path}: not all rows are on disk after '{self.stages[stage][0]}'")

    def check_states(self):
        """Crashes until there were enough states; resumes from some of them."""
        count = self.options.states // STATES_PER_CRASH + 1
        resumes = set(self.random.sample(range(count), min(count, self.options.resumes)))
        while len(self.states) < self.options.states:
            for number, (stage, disk) in enumerate(self.crashes(count)):
                surely = self.judge.finished(disk.surely())
                for _ in range(STATES_PER_CRASH):
                    state = disk.crashed(self.random)
                    self.states.add(fingerprint(state))
                    self.judge_one(stage, state, surely)
                if number in resumes and self.resumed < self.options.resumes:
                    self.resume(stage, state)
        disk = Disk(self.disk_folder)
        for place, (stage, event) in enumerate(self.recorded, 1):
            disk.take(event)
            if place in self.ends:
                self.check_end(stage, disk)

    def judge_one(self, stage, state, surely):
        try:
            self.judge.judge(state, surely)
        except Failure as failure:
            self.write(state)
            raise Failure(f"a crash during '{self.stages[stage][0]}': {failure}") from failure

    def write(self, state):
        """The state as files."""
        shutil.rmtree(self.disk_folder, ignore_errors=True)
        self.disk_folder.mkdir()
        for path, content in state.items():
            Path(path).write_bytes(content)

    def resume(self, stage, state):
        """Goes on from the state, to the end of its chain of commands."""
        self.write(state)
        chain = range(stage, 3 if stage < 3 else len(self.stages))
        for name, words in (self.stages[i] for i in chain):
            if name == "extend" and len(Cube(words[1]).statuses) == len(self.judge.truth):
                continue
            if name == "merge" and Path(words[-1]).exists():
                continue
            code, said = call(self.options.phasegrid, words, self.folder)
            if code != 0:
                raise Failure(f"after a crash during '{self.stages[stage][0]}': {name}: exit "
                              f"{code}\n{said}")
        name = "cube.h5" if stage < 3 else "merged.h5"
        found = digest(self.options.phasegrid, self.disk_folder / name, self.folder)
        if found != self.digests[name]:
            raise Failure(f"after a crash during '{self.stages[stage][0]}': digest {found}; "
                          f"undisturbed {self.digests[name]}")
        self.resumed += 1
        shutil.rmtree(self.disk_folder)


def lose_power(options, folder):
    """The exit code."""
    if not is_available():
        print("strace is not installed")
        return SKIPPED
    begun, power = time.monotonic(), Power(options, folder)
    try:
        power.record()
        print(f"recorded: {dict(power.kinds)}", flush=True)
        power.check_states()
        print(f"{len(power.states)} states, {power.resumed} resumed", flush=True)
        tried = power.without_sync()
    except Failure as failure:
        print(f"FAILED: {failure}\nfiles: {folder}\nagain: --seed {options.seed}", file=sys.stderr)
        return 1
    finally:
        power.judge.close()
    print(f"{len(power.states)} different states after power loss, all whole; {power.resumed} of "
          f"them resumed to the undisturbed digest; without syncs the first torn row shows in "
          f"state {tried} ({time.monotonic() - begun:.0f} s)")
    return 0
