# SPDX-License-Identifier: MIT
"""kill -9 at random moments, and going on afterwards.

A round takes one of three ways to a whole cube: a sweep; a sweep whose unfinished cube is extended;
shards that are merged. Its launches are killed (all ranks, or one of them) in phases that are drawn
at random, at moments drawn from the duration that the phase had in an undisturbed run. After every
kill each row that was ever seen finished must be so still, with the same bytes; in the end the
digest must be the undisturbed one, and nothing may be left in the folder but the cube.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from cube import Cube, identity
from program import Failure, Launch, call, digest

WAYS = ("run", "extend", "merge")
# How often a kill aims at each phase of a launch that trains.
AIMS = {"starting": 1, "creation": 3, "streaming": 5, "checkpoint": 4}
ONE_RANK_SHARE = 0.25
POLL = 0.0005  # seconds
CHECKPOINT_SHARE = 0.004  # seconds after a checkpoint was seen in which a kill still meets it


@dataclass
class Durations:
    """Seconds of the phases of undisturbed commands."""

    starting: float = 0.0  # until the file is begun
    creation: float = 0.0  # until it has its name
    streaming: float = 0.0  # until the end
    extend: float = 0.0
    merge: float = 0.0


@dataclass
class Tally:
    """What was done, over all rounds."""

    kills: Counter = field(default_factory=Counter)  # by phase
    one_rank: int = 0
    too_late: int = 0  # the launch had ended before its moment came
    rows_checked: int = 0
    rows_lost: int = 0
    digests: int = 0
    openings: Counter = field(default_factory=Counter)  # by engine
    torn: int = 0
    reader_failures: int = 0

    def total(self):
        return sum(self.kills.values())


class Watcher:
    """Looks into the folder of a launch for what it is doing. A launch that goes on with a file
    is taken to be starting until the moment `started`."""

    def __init__(self, folder, path, started=0.0):
        self.folder, self.path, self.started = folder, path, started
        self.known = set(self.names())
        self.checkpoint_seen = 0.0

    def names(self):
        return [(entry.name, entry.inode()) for entry in os.scandir(self.folder)
                if entry.name != "tmp"]

    def phase(self):
        """The phase at this moment."""
        found = set(self.names())
        if any(".checkpoint-" in name for name, _ in found - self.known):
            self.checkpoint_seen = time.monotonic()
        self.known = found
        if any(".creating-" in name for name, _ in found):
            return "creation"
        if not self.path.exists() or time.monotonic() < self.started:
            return "starting"
        if time.monotonic() - self.checkpoint_seen < CHECKPOINT_SHARE:
            return "checkpoint"
        return "streaming"


class Readers:
    """The process of readers.py, and what it has seen."""

    def __init__(self, folder, tally):
        self.pointer, self.tally = folder / "pointer", tally
        self.seen = {}  # identity(): rows seen finished
        self.output = folder / "openings"
        self.place = 0
        self.look_at("")
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, Path(__file__).with_name("readers.py"), self.pointer],
                stdin=subprocess.DEVNULL, stdout=output, start_new_session=True)

    def look_at(self, path):
        """From now on they open this file."""
        beside = self.pointer.with_suffix(".new")
        beside.write_text(str(path))
        beside.rename(self.pointer)

    def collect(self):
        """Takes in what has been read since."""
        if self.process.poll() is not None and self.pointer.exists():
            raise Failure(f"the readers ended with {self.process.returncode}")
        with open(self.output, "rb") as output:
            output.seek(self.place)
            lines = output.read()
        whole = lines[:lines.rfind(b"\n") + 1]
        self.place += len(whole)
        for line in whole.splitlines():
            self.take(json.loads(line))

    def take(self, record):
        self.tally.openings[record["engine"]] += 1
        self.tally.torn += len(record["torn"])
        self.tally.reader_failures += record["error"] is not None
        if record["torn"] or record["error"]:
            raise Failure(f"{record['engine']}, {record['path']}: {record['error']}; torn rows: "
                          f"{record['torn']}")
        if record["file"] is not None:
            self.seen.setdefault(record["file"], set()).update(record["finished"])

    def close(self):
        self.pointer.unlink(missing_ok=True)
        self.process.wait(60)


class History:
    """Every row of a file that was ever seen finished, and its bytes."""

    def __init__(self, path, readers, tally):
        self.path, self.readers, self.tally = path, readers, tally
        self.rows = {}
        self.existed = False

    def check(self):
        """The file as it is now, against all before."""
        if not self.path.exists():
            if self.existed:
                raise Failure(f"{self.path} is gone")
            return None
        self.existed = True
        self.readers.collect()
        try:
            now = Cube(self.path)
        except Exception as error:
            raise Failure(f"{self.path} does not open: {error}") from error
        if now.torn:
            raise Failure(f"{self.path}: torn rows {now.torn}")
        self.compare(now)
        self.rows.update(now.whole)
        return now

    def compare(self, now):
        """No row is lost, here or where readers have seen it."""
        lost = [key for key, row in self.rows.items() if now.whole.get(key) != row]
        seen = self.readers.seen.get(identity(self.path), set())
        unseen = [row for row in seen if now.statuses[row] == 0]
        self.tally.rows_checked += len(self.rows) + len(seen)
        self.tally.rows_lost += len(lost) + len(unseen)
        if lost or unseen:
            raise Failure(f"{self.path}: rows that were finished are not, or have other bytes: "
                          f"{lost} {unseen}")


class Harness:
    """What all rounds share: the program, the jobs with their digests, durations, the tally."""

    def __init__(self, options, folder):
        self.program, self.folder = options.phasegrid, folder
        self.job, self.options = options.job, options
        self.tally = Tally()
        self.durations = Durations()
        self.digests = {}
        self.readers = None

    def grown_job(self, folder):
        """What the job is after `extend --seeds 3`, as a job file of its own."""
        text, job = self.job.read_text(), folder / "grown.yaml"
        if text.count("\nseeds: 2\n") != 1:
            raise Failure(f"{self.job}: expected a line 'seeds: 2'")
        job.write_text(text.replace("\nseeds: 2\n", "\nseeds: 3\n"))
        return job

    def run_words(self, path, ranks, *more, job=None):
        words = ["run", job or self.job, "-o", path, "--ranks", ranks, *more]
        if self.options.checkpoint_every:
            words += ["--checkpoint-every", self.options.checkpoint_every]
        return words

    def measure(self):
        """The undisturbed digests, of the job and of the grown one, and how long phases last."""
        folder = self.folder / "undisturbed"
        folder.mkdir()
        path = folder / "cube.h5"
        self.digests["whole"] = self.measure_run(folder, path)
        begun = time.monotonic()
        self.expect_success(["extend", path, "--seeds", 3], folder)
        self.durations.extend = time.monotonic() - begun
        grown = folder / "grown.h5"
        self.expect_success(self.run_words(grown, 2, job=self.grown_job(folder)), folder)
        self.digests["grown"] = digest(self.program, grown, folder)
        parts = [folder / f"part-{i}.h5" for i in (1, 2)]
        for i, part in enumerate(parts, 1):
            self.expect_success(self.run_words(part, 2, "--shard", f"{i}/2"), folder)
        begun = time.monotonic()
        self.expect_success(["merge", *parts, "-o", folder / "merged.h5"], folder)
        self.durations.merge = time.monotonic() - begun
        shutil.rmtree(folder)

    def measure_run(self, folder, path):
        """An undisturbed run's digest; notes how long its phases last."""
        launch = Launch(self.program, self.run_words(path, 2), folder)
        watcher, begun = Watcher(folder, path), {}
        while not launch.has_ended():
            begun.setdefault(watcher.phase(), launch.elapsed())
            time.sleep(POLL)
        if launch.process.returncode != 0:
            raise Failure(f"undisturbed: {launch}\n{launch.said()}")
        self.durations.starting = begun.get("creation", begun["streaming"])
        self.durations.creation = begun["streaming"] - self.durations.starting
        self.durations.streaming = launch.elapsed() - begun["streaming"]
        return digest(self.program, path, folder)

    def expect_success(self, words, folder):
        code, said = call(self.program, words, folder)
        if code != 0:
            raise Failure(f"phasegrid {' '.join(map(str, words))}: exit {code}\n{said}")

    def enough(self):
        """Whether the kills that were asked for have been made."""
        return self.tally.total() >= self.options.kills

    def is_done(self):
        """Whether readers have opened files often enough, too."""
        return self.enough() and sum(self.tally.openings.values()) >= self.options.openings


class Round:
    """One way to a whole cube, with kills; all that is random in it comes from its number."""

    def __init__(self, harness, number):
        self.harness, self.number = harness, number
        self.random = random.Random(f"{harness.options.seed}:{number}")
        self.way = WAYS[number % len(WAYS)]
        self.folder = harness.folder / f"round-{number}"
        self.folder.mkdir()

    def note(self, text):
        if self.harness.options.verbose:
            print(f"round {self.number} ({self.way}): {text}", flush=True)

    # ---- one launch ----

    def moment(self, phase, share):
        """Seconds after the beginning of a phase; `share` of the training is left."""
        durations = self.harness.durations
        length = {"starting": durations.starting, "creation": durations.creation,
                  "checkpoint": CHECKPOINT_SHARE / 2, "streaming": share * durations.streaming,
                  "extend": durations.extend, "merge": durations.merge}[phase]
        return self.random.uniform(0, length)

    def wait_for_phase(self, launch, watcher, aim):
        """Until the launch is in the phase aimed at."""
        while aim != "starting" and not launch.has_ended():
            if watcher.phase() == aim:
                return
            time.sleep(POLL)

    def strike(self, launch, path, aim, kind=None, share=1.0):
        """Kills the launch at its moment; `kind`: what its phase is called, if not as seen."""
        starting = self.harness.durations.starting if path.exists() and kind is None else 0.0
        watcher = Watcher(self.folder, path, launch.begun + starting)
        if aim == "creation" and path.exists():
            aim = "streaming"  # a file that exists is not created again
        delay = self.moment(aim, share)
        one_rank = kind is None and self.random.random() < ONE_RANK_SHARE
        if kind is None:
            self.wait_for_phase(launch, watcher, aim)
        moment = time.monotonic() + delay
        while time.monotonic() < moment and not launch.has_ended():
            watcher.phase()
            time.sleep(POLL)
        phase = kind or watcher.phase()
        if launch.has_ended():
            self.harness.tally.too_late += 1
            return
        launch.kill_one(self.random) if one_rank else launch.kill_all()
        self.harness.tally.kills[phase] += 1
        self.harness.tally.one_rank += one_rank
        self.note(f"{launch.elapsed():.2f} s, {phase}, {'one rank' if one_rank else 'all'}")

    def killed_command(self, words, path, kind):
        """A command that is not a sweep, killed once."""
        self.strike(Launch(self.harness.program, words, self.folder), path, kind, kind)

    def sweep(self, path, kills, *more, until_done=True):
        """Trains into `path` with so many kills, each followed by another number of ranks."""
        history = History(path, self.harness.readers, self.harness.tally)
        self.harness.readers.look_at(path)
        ranks, share = self.random.randint(1, 3), 1.0
        for _ in range(kills):
            if self.harness.enough():
                break
            aim = self.random.choices(list(AIMS), AIMS.values())[0]
            launch = Launch(self.harness.program, self.harness.run_words(path, ranks, *more),
                            self.folder)
            self.strike(launch, path, aim, share=share)
            now = history.check()
            share = 1 - now.finished() / now.row_count if now else 1.0
            ranks = ranks % 3 + 1
        if until_done:
            self.harness.expect_success(self.harness.run_words(path, ranks, *more), self.folder)
            if not history.check().is_complete():
                raise Failure(f"{path}: exit 0, and rows are left to do")
        return history

    # ---- the ways ----

    def compare(self, path, which):
        """The digest, and what else lies in the folder."""
        found = digest(self.harness.program, path, self.folder)
        if found != self.harness.digests[which]:
            raise Failure(f"{path}: digest {found}; undisturbed {self.harness.digests[which]}")
        self.harness.tally.digests += 1
        left = [name.name for name in self.folder.iterdir()
                if name.name.startswith(path.name) and name != path]
        if left:
            raise Failure(f"{path}: left behind: {left}")

    def go_run(self):
        path = self.folder / "cube.h5"
        self.sweep(path, self.random.randint(3, 7))
        self.compare(path, "whole")

    def go_extend(self):
        path = self.folder / "cube.h5"
        history = self.sweep(path, self.random.randint(1, 2), until_done=False)
        if not path.exists():
            history = self.sweep(path, 0)
        before = history.check().row_count
        words = ["extend", path, "--seeds", 3]
        self.harness.readers.look_at("")
        while history.check().row_count == before:
            if self.random.random() < 0.5 and not self.harness.enough():
                self.killed_command(words, path, "extend")
            else:
                self.harness.expect_success(words, self.folder)
        again = self.sweep(path, self.random.randint(1, 2))
        again.rows = history.rows
        again.check()
        self.compare(path, "grown")

    def go_merge(self):
        parts = [self.folder / f"part-{i}.h5" for i in (1, 2)]
        path = self.folder / "cube.h5"
        histories = [self.sweep(part, self.random.randint(0, 2), "--shard", f"{i}/2")
                     for i, part in enumerate(parts, 1)]
        words = ["merge", *parts, "-o", path]
        while not path.exists():
            if self.random.random() < 0.5 and not self.harness.enough():
                self.killed_command(words, path, "merge")
            else:
                self.harness.expect_success(words, self.folder)
        for history in histories:
            history.check()
        whole = History(path, self.harness.readers, self.harness.tally)
        whole.rows = {key: row for history in histories for key, row in history.rows.items()}
        whole.check()
        self.harness.expect_success(self.harness.run_words(path, 1), self.folder)
        self.compare(path, "whole")

    def go(self):
        """The whole round; its folder stays when it fails."""
        {"run": self.go_run, "extend": self.go_extend, "merge": self.go_merge}[self.way]()
        self.harness.readers.look_at("")
        self.harness.readers.collect()
        shutil.rmtree(self.folder)


def report(tally, seconds):
    """The figures, one a line."""
    phases = ", ".join(f"{name} {count}" for name, count in sorted(tally.kills.items()))
    engines = ", ".join(f"{name} {count}" for name, count in sorted(tally.openings.items()))
    return "\n".join([
        f"{tally.total()} kills in {seconds:.0f} s ({phases}; {tally.one_rank} of one rank alone; "
        f"{tally.too_late} came too late)",
        f"{tally.rows_lost} rows lost ({tally.rows_checked} times a finished row was looked for)",
        f"{tally.digests} digests equal to the undisturbed ones",
        f"{sum(tally.openings.values())} openings by readers beside it ({engines}): "
        f"{tally.reader_failures} failures, {tally.torn} torn rows"])


def torture(options, folder):
    """Rounds until there were enough kills; the exit code."""
    begun = time.monotonic()
    harness = Harness(options, folder)
    number = 0
    try:
        harness.measure()
        harness.readers = Readers(folder, harness.tally)
        for number in options.only or range(10**9):
            if harness.is_done():
                break
            Round(harness, number).go()
    except Failure as failure:
        print(f"FAILED in round {number}: {failure}\nfiles: {folder}\nagain: --seed {options.seed} "
              f"--only {number}", file=sys.stderr)
        return 1
    finally:
        if harness.readers is not None:
            harness.readers.close()
        print(report(harness.tally, time.monotonic() - begun), flush=True)
    return 0
