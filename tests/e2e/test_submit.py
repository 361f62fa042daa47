# SPDX-License-Identifier: MIT
"""`phasegrid submit` without a cluster: an sbatch and a squeue that take notes. What they send is also
run, with an srun that is a shell. (tests/slurm has a real one.)"""

import os
import re
import shutil
import signal
import subprocess
import time

import h5py
import pytest

from command import PROGRAM, SMALL_JOB, SMALL_RUNS, environment, phasegrid, start

STRANGE = "50% of \"it's\" $HOME `x` \\ -"
TIME = ("--time", "1h")
SBATCH = r"""#!/bin/bash
printf '%s\n' "$@" >>"$NOTES/sbatch"
echo >>"$NOTES/sbatch"
id=$(($(cat "$NOTES/id" 2>/dev/null || echo 40) + 1))
echo "$id" >"$NOTES/id"
echo "${REPLY_WITH-$id}"
exit "${SBATCH_CODE-0}"
"""
SQUEUE = r"""#!/bin/bash
printf '%s\n' "$*" >>"$NOTES/squeue"
[ -z "$STATE" ] || echo "$STATE"
"""
SRUN = r"""#!/bin/bash
while [[ $1 == --* ]]; do shift; done
exec "$@"
"""
SCONTROL = r"""#!/bin/bash
printf '%s\n' "$*" >>"$NOTES/scontrol"
kill "$PPID" # as the real one ends the script
"""


@pytest.fixture
def cluster(tmp_path):
    """Environment with the commands of a cluster; what they were told is in cluster["NOTES"]."""
    folder = tmp_path / "commands"
    folder.mkdir()
    for name, text in {"sbatch": SBATCH, "squeue": SQUEUE, "srun": SRUN, "scontrol": SCONTROL}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    notes = tmp_path / "notes"
    notes.mkdir()
    return {"PATH": f"{folder}:{os.environ['PATH']}", "NOTES": str(notes)}


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "sweep"
    place.mkdir()
    (place / "job.yaml").write_text(SMALL_JOB)
    return place


def noted(cluster, name):
    path = os.path.join(cluster["NOTES"], name)
    return open(path, encoding="utf-8").read() if os.path.exists(path) else ""


def submit(cluster, folder, *arguments, **changes):
    return phasegrid("submit", *arguments, cwd=folder, **cluster, **changes)


def run_script(cluster, script, **changes):
    """Runs a batch script to its end, without mpirun: one rank."""
    return subprocess.run(["bash", script], capture_output=True, text=True, timeout=120,
                          env=environment(**cluster, SLURM_JOB_ID="41", PHASEGRID_SINGLE_RANK="1",
                                          **changes))


def directives(text):
    return dict(line[len("#SBATCH --"):].partition("=")[::2] for line in text.splitlines()
                if line.startswith("#SBATCH --"))


def refused(result, code=1):
    assert result.returncode == code, result.stdout + result.stderr
    lines = [line for line in result.stderr.splitlines() if "warning" not in line]
    assert lines and lines[0].startswith("phasegrid")
    return result.stderr


# ---- what is sent ----


def test_the_quote_the_script_and_what_comes_next(cluster, folder):
    result = submit(cluster, folder, "job.yaml", "-o", "cube.h5", *TIME, "--nodes", 2,
                    "--ntasks-per-node", 3, "--partition", "low", "--account", "me", "--", "--mem=1G",
                    "--exclusive")
    assert result.returncode == 0, result.stderr
    script = folder / "cube.h5.sbatch"
    assert noted(cluster, "sbatch").split() == ["--parsable", "--mem=1G", "--exclusive", str(script)]
    wanted = {"nodes": "2", "ntasks-per-node": "3", "time": "1:00:00", "partition": "low",
              "account": "me", "job-name": "cube", "signal": "USR1@180", "requeue": "",
              "open-mode": "append", "output": f"{folder}/cube.h5.log"}
    found = directives(script.read_text())
    assert {name: found.get(name) for name in wanted} == wanted
    said = result.stdout
    assert f"runs          {SMALL_RUNS}\n" in said
    for word in ("core-hours", "longest run", "1:00:00", "sent as job 41", "squeue -j 41",
                 "scancel 41", "status --watch", "if there is room at once"):
        assert word in said, said
    assert "at most" not in said, "a budget is no upper bound"


def test_decided_runs_make_it_a_bound(cluster, folder):
    (folder / "job.yaml").write_text(SMALL_JOB + "stop: decided\n")
    said = submit(cluster, folder, "job.yaml", "-o", "cube.h5", *TIME, "--dry-run").stdout
    assert "at most" in said and "once they are decided" in said


def test_a_dry_run_writes_and_sends_nothing(cluster, folder):
    result = submit(cluster, folder, "job.yaml", "-o", "cube.h5", *TIME, "--array", 3, "--dry-run")
    assert result.returncode == 0, result.stderr
    assert [path.name for path in folder.iterdir()] == ["job.yaml"]
    assert noted(cluster, "sbatch") == ""
    assert "#SBATCH --array=1-3" in result.stdout and "Not sent" in result.stdout


@pytest.mark.parametrize("kind", ["srun", "--mpirun", "--array"])
def test_scripts_are_sound(cluster, folder, kind):
    arguments = {"srun": (), "--mpirun": ("--mpirun",), "--array": ("--array", 2)}[kind]
    assert submit(cluster, folder, "job.yaml", "-o", "cube.h5", *TIME, *arguments).returncode == 0
    scripts = sorted(folder.glob("*.sbatch"))
    assert len(scripts) == (2 if kind == "--array" else 1)
    for script in scripts:
        subprocess.run(["bash", "-n", script], check=True)
        if shutil.which("shellcheck"):
            subprocess.run(["shellcheck", script], check=True)


def test_an_array_and_its_merge(cluster, folder):
    result = submit(cluster, folder, "job.yaml", "-o", "cube.h5", *TIME, "--array", 3)
    assert result.returncode == 0, result.stderr
    first, second = noted(cluster, "sbatch").split("\n\n")[:2]
    assert first.split() == ["--parsable", str(folder / "cube.h5.sbatch")]
    assert second.split() == ["--parsable", "--dependency=afterok:41",
                              str(folder / "cube.h5.merge.sbatch")]
    for part in "123":
        done = run_script(cluster, folder / "cube.h5.sbatch", SLURM_ARRAY_TASK_ID=part,
                          SLURM_ARRAY_TASK_MAX="3")
        assert done.returncode == 0, done.stderr
    merged = run_script(cluster, folder / "cube.h5.merge.sbatch")
    assert merged.returncode == 0, merged.stderr
    with h5py.File(folder / "cube.h5") as file:
        assert (file["status"][...] == 1).all() and file["status"].size == SMALL_RUNS


def test_strange_names(cluster, tmp_path):
    folder = tmp_path / STRANGE
    folder.mkdir()
    (folder / "-j.yaml").write_text(SMALL_JOB)
    result = submit(cluster, folder, "./-j.yaml", "-o", f"{STRANGE}.h5", *TIME, "--set",
                    "decoder_width=12", "--set", "train_count=40")
    assert result.returncode == 0, result.stderr
    done = run_script(cluster, folder / f"{STRANGE}.h5.sbatch")
    assert done.returncode == 0, done.stderr
    with h5py.File(folder / f"{STRANGE}.h5") as file:
        assert (file["status"][...] == 1).all()
    log = directives((folder / f"{STRANGE}.h5.sbatch").read_text())["output"]
    plain = re.sub(r"\\(.)", r"\1", log[1:-1]).replace("%%", "%")
    assert log[0] == log[-1] == '"' and plain == f"{folder}/{STRANGE}.h5.log"


def test_a_line_break_is_refused(cluster, folder):
    result = submit(cluster, folder, "job.yaml", "-o", "a\nb.h5", *TIME)
    assert "line break" in refused(result)


# ---- what cannot work ----


@pytest.mark.parametrize("arguments, words", [
    (("-o", "c.h5", "--time", "soon"), ["--time", "soon", "90m"]),
    (("-o", "c.h5"), ["--time"]),
    (TIME, ["-o FILE"]),
    (("-o", "nowhere/c.h5", *TIME), ["nowhere", "No such file"]),
    (("-o", "c.h5", *TIME, "--nodes", "0"), ["--nodes", "'0'"]),
    (("-o", "c.h5", *TIME, "--set", "decoder_widht=3"), ["decoder_widht", "decoder_width"]),
    (("-o", "c.h5", *TIME, "--sync", "often"), ["--sync", "often"]),
    (("-o", "c.h5", *TIME, "--mpirun", "--array", "2"), ["--mpirun", "--array"]),
])
def test_wrong_use(cluster, folder, arguments, words):
    said = refused(submit(cluster, folder, "job.yaml", *arguments))
    assert all(word in said for word in words), said
    assert noted(cluster, "sbatch") == ""


def test_no_sbatch(folder, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    result = phasegrid("submit", "job.yaml", "-o", "c.h5", *TIME, cwd=folder, PATH=str(empty))
    assert "sbatch was not found on the PATH" in refused(result)


@pytest.mark.parametrize("changes, words", [
    ({"SBATCH_CODE": "3"}, ["sbatch refused", "exit code 3"]),
    ({"REPLY_WITH": "who are you?"}, ["who are you?"]),
])
def test_sbatch_refuses(cluster, folder, changes, words):
    said = refused(submit(cluster, folder, "job.yaml", "-o", "c.h5", *TIME, **changes))
    assert all(word in said for word in words), said


def test_a_run_that_would_never_end(cluster, folder):
    arguments = ("job.yaml", "-o", "c.h5", "--time", "1m", "--set", "steps=1000000000")
    said = refused(submit(cluster, folder, *arguments, "--checkpoint-every", "0"))
    assert "the longest run" in said and "0:01:00" in said and "never end" in said
    result = submit(cluster, folder, *arguments)
    assert result.returncode == 0, result.stderr
    assert "goes on from its checkpoint" in result.stdout


def test_results_of_another_job(cluster, folder):
    assert phasegrid("run", "job.yaml", "-o", "c.h5", "--ranks", 1, cwd=folder).returncode == 0
    said = refused(submit(cluster, folder, "job.yaml", "-o", "c.h5", *TIME, "--set", "steps=60"), 3)
    assert "another job" in said and "steps" in said


def test_no_array_into_a_file_that_is_there(cluster, folder):
    """What has begun as one file goes on as one: the merge would be refused after all the work."""
    child = start("run", "job.yaml", "-o", "c.h5", "--ranks", 1, "--set", "steps=100000000",
                  cwd=folder)
    wait_for((folder / "c.h5").exists)
    child.terminate()
    assert child.wait(timeout=60) == 85
    said = refused(submit(cluster, folder, "job.yaml", "-o", "c.h5", *TIME, "--set",
                          "steps=100000000", "--array", 2))
    assert "c.h5 is there already" in said and "without --array" in said


def test_many_options_are_not_lost(cluster, folder):
    grace = ["--grace", "20s"] * 200
    assert "too many options" in refused(
        submit(cluster, folder, "job.yaml", "-o", "c.h5", *TIME, *grace))


def test_nothing_is_sent_for_what_is_done(cluster, folder):
    assert phasegrid("run", "job.yaml", "-o", "c.h5", "--ranks", 1, cwd=folder).returncode == 0
    result = submit(cluster, folder, "job.yaml", "-o", "c.h5", *TIME)
    assert result.returncode == 0 and f"all {SMALL_RUNS} runs are done" in result.stdout
    assert noted(cluster, "sbatch") == ""


def test_sent_twice(cluster, folder):
    arguments = ("job.yaml", "-o", "c.h5", *TIME)
    assert submit(cluster, folder, *arguments).returncode == 0
    said = refused(submit(cluster, folder, *arguments, STATE="PENDING"))
    assert "job 41" in said and "PENDING" in said and "scancel 41" in said
    assert submit(cluster, folder, *arguments, STATE="").returncode == 0


OWNER = """host: elsewhere
pid: 17
start: 12345
boot: 01234567-89ab-cdef-0123-456789abcdef
slurm_job: 7
slurm_restart: 0
ompi_job: 1
since: 1700000000
"""


def test_the_owner_is_another_slurm_job(cluster, folder):
    """At work it is left alone; gone, it is followed."""
    (folder / "c.h5.owner").write_text(OWNER)
    arguments = ("job.yaml", "-o", "c.h5", *TIME)
    said = refused(submit(cluster, folder, *arguments, STATE="RUNNING"))
    assert "Slurm job 7" in said
    result = submit(cluster, folder, *arguments, STATE="")
    assert result.returncode == 0, result.stderr
    assert "set -- --take-over" in (folder / "c.h5.sbatch").read_text()
    done = run_script(cluster, folder / "c.h5.sbatch")
    assert done.returncode == 0, done.stderr


def test_a_local_file_system_is_warned_of(cluster, folder):
    result = submit(cluster, folder, "job.yaml", "-o", "c.h5", *TIME, "--nodes", 2)
    kind = subprocess.run(["stat", "-f", "-c", "%T", folder], capture_output=True, text=True,
                          check=True).stdout
    local = any(name in kind for name in ("ext2/ext3", "overlay", "tmpfs", "xfs", "btrfs"))
    assert ("file system of this machine alone" in result.stderr) == local


# ---- how the script ends ----


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


LONG_JOB = SMALL_JOB.replace("steps: 50", "steps: 100000000")


def start_script(cluster, folder, **changes):
    """A batch script whose sweep has begun, in a session of its own."""
    process = subprocess.Popen(
        ["bash", folder / "c.h5.sbatch"], text=True, start_new_session=True, stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(**cluster, SLURM_JOB_ID="41", PHASEGRID_SINGLE_RANK="1", **changes))
    wait_for(lambda: list(folder.glob("c.h5.checkpoint-*")) or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    return process


def rank_of(folder):
    """The process that trains into c.h5."""
    result = subprocess.run(["pgrep", "-f", f"^{PROGRAM} run .*{folder}/c.h5"], capture_output=True,
                            text=True)
    return [int(pid) for pid in result.stdout.split()]


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGKILL])
def test_a_stopped_launch_is_put_into_the_queue_again(cluster, folder, number):
    (folder / "job.yaml").write_text(LONG_JOB)
    assert submit(cluster, folder, "job.yaml", "-o", "c.h5", *TIME, "--checkpoint-every",
                  "0.1").returncode == 0
    process = start_script(cluster, folder)
    for pid in rank_of(folder):
        os.kill(pid, number)
    said = process.communicate(timeout=60)[1]
    assert noted(cluster, "scontrol") == "requeue 41\n", said
    code = 85 if number == signal.SIGUSR1 else 137
    assert f"exit code {code}: put into the queue again" in said


def test_launches_that_bring_nothing_end_it(cluster, folder):
    """A signal that comes too early to have kept anything, again and again."""
    (folder / "job.yaml").write_text(LONG_JOB)
    assert submit(cluster, folder, "job.yaml", "-o", "c.h5", *TIME).returncode == 0
    for launch in range(1, 4):
        process = subprocess.Popen(
            ["bash", folder / "c.h5.sbatch"], text=True, stderr=subprocess.PIPE,
            stdout=subprocess.PIPE, start_new_session=True,
            env=environment(**cluster, SLURM_JOB_ID="41", PHASEGRID_SINGLE_RANK="1"))
        wait_for(lambda: (folder / "c.h5.owner").exists() and (folder / "c.h5").exists()
                 or process.poll() is not None)
        time.sleep(0.3)
        for pid in rank_of(folder):
            os.kill(pid, signal.SIGKILL)
        said = process.communicate(timeout=60)[1]
        assert noted(cluster, "scontrol").count("requeue") == min(launch, 2), said
    assert process.returncode == 137
    assert "3 launches in succession brought nothing" in said


def replace_srun(cluster, code):
    """By one that starts nothing."""
    srun = os.path.join(cluster["PATH"].split(":")[0], "srun")
    with open(srun, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/bash\nexit {code}\n")


def test_an_srun_that_starts_no_rank(cluster, folder):
    """It may return 0 all the same; that is no finished sweep, nor is it tried for ever."""
    assert submit(cluster, folder, "job.yaml", "-o", "c.h5", *TIME).returncode == 0
    replace_srun(cluster, 0)
    for launch in range(1, 4):
        said = run_script(cluster, folder / "c.h5.sbatch").stderr
        assert noted(cluster, "scontrol").count("requeue") == min(launch, 2), said
    assert "3 launches in succession brought nothing" in said


@pytest.mark.parametrize("code", [1, 2, 3, 9])
def test_every_other_code_is_the_script_s(cluster, folder, code):
    assert submit(cluster, folder, "job.yaml", "-o", "c.h5", *TIME).returncode == 0
    replace_srun(cluster, code)
    result = run_script(cluster, folder / "c.h5.sbatch")
    assert result.returncode == code
    assert noted(cluster, "scontrol") == ""
