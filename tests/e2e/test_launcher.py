# SPDX-License-Identifier: MIT
"""The launcher: what mpirun is started with, and what signals, ends and terminals do.

Where mpirun itself does not matter, a shell script stands in for it (PHASEGRID_MPIRUN).
"""

import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pytest

from command import (PROGRAM, SMALL_JOB, SMALL_RUNS, as_from_a_shell, environment, listing,
                     phasegrid, processes_with, start)

# Long enough to be interrupted, and for several reports: twelve runs of some tenths of a second.
LONG_JOB = SMALL_JOB.replace("steps: 50, decoder_width: 20", "steps: 1500")
# Ends by itself in days.
ENDLESS_JOB = SMALL_JOB.replace("steps: 50, decoder_width: 20", "steps: 1000000000")


def write_script(folder, body):
    script = folder / "mpirun"
    script.write_text("#!/bin/sh\n" + body)
    script.chmod(0o755)
    return str(script)


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL_JOB)
    (tmp_path / "long.yaml").write_text(LONG_JOB)
    (tmp_path / "endless.yaml").write_text(ENDLESS_JOB)
    return tmp_path


# ---- what mpirun is given ----


def launch(folder, *arguments, **changes):
    """Arguments and environment that mpirun gets."""
    script = write_script(folder, 'printf "%s\\n" "$@" >arguments; env >environment; '
                                  'readlink /proc/self/fd/0 >stdin\n')
    result = phasegrid("run", "small.yaml", *arguments, cwd=folder, PHASEGRID_MPIRUN=script,
                       **changes)
    assert result.returncode == 0, result.stderr
    variables = dict(line.split("=", 1) for line in
                     (folder / "environment").read_text().splitlines() if "=" in line)
    assert (folder / "stdin").read_text() == "/dev/null\n"
    return (folder / "arguments").read_text().splitlines(), variables


def cores_of_this_process():
    """Distinct cores that it may run on, as many as the quota of its control group is worth."""
    topology = [Path(f"/sys/devices/system/cpu/cpu{cpu}/topology")
                for cpu in os.sched_getaffinity(0)]
    count = len({((one / "physical_package_id").read_text(), (one / "core_id").read_text())
                 for one in topology})
    groups = [line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines()
              if line.startswith("0::/")]
    for group in groups:
        for folder in (Path("/sys/fs/cgroup" + group), *Path("/sys/fs/cgroup" + group).parents):
            limit = folder / "cpu.max"
            if limit.exists() and not limit.read_text().startswith("max"):
                quota, period = map(int, limit.read_text().split())
                count = min(count, -(-quota // period))
    return max(count, 1)


def test_one_rank_a_core_of_this_process(folder):
    arguments, _ = launch(folder)
    cores = cores_of_this_process()
    if cores > 1:
        assert arguments[arguments.index("-n") + 1] == str(cores)
    arguments, _ = launch(folder, "--ranks", 5)
    assert arguments[0] == "-q"
    assert arguments[arguments.index("-n") + 1] == "5"
    assert arguments[-4:] == ["run", "--ranks", "5", "small.yaml"]
    assert os.path.samefile(arguments[-5], PROGRAM)


SINGLE_HOST = {
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_btl_tcp_if_include": "lo",
    "OMPI_MCA_oob_tcp_if_include": "lo",
}
ROOT_ALLOWED = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def test_settings_of_a_single_host(folder):
    _, variables = launch(folder, "--ranks", 2)
    expected = {**SINGLE_HOST, "OMPI_MCA_mpi_yield_when_idle": "1", "OPENBLAS_NUM_THREADS": "1"}
    if os.geteuid() == 0:
        expected.update(ROOT_ALLOWED)
    assert {name: variables.get(name) for name in expected} == expected


@pytest.mark.parametrize("sign", ["SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "PE_HOSTFILE",
                                  "OMPI_MCA_orte_default_hostfile"])
def test_an_allocation_decides_for_itself(folder, sign):
    arguments, variables = launch(folder, **{sign: "1"})
    assert "-n" not in arguments
    assert not (set(SINGLE_HOST) | set(ROOT_ALLOWED)) & set(variables)
    assert variables["OMPI_MCA_mpi_yield_when_idle"] == "1"
    arguments, _ = launch(folder, "--ranks", 7, **{sign: "1"})
    assert arguments[arguments.index("-n") + 1] == "7"


@pytest.mark.parametrize("name, value", [
    ("OMPI_MCA_hwloc_base_binding_policy", "core"),
    ("OMPI_MCA_btl_tcp_if_include", "eth7"),
    ("OMPI_MCA_mpi_yield_when_idle", "0"),
    ("OMPI_MCA_rmaps_base_oversubscribe", "0"),
    ("OMPI_ALLOW_RUN_AS_ROOT", "0"),
    ("OPENBLAS_NUM_THREADS", "3"),
])
def test_what_the_user_has_set_stays(folder, name, value):
    arguments, variables = launch(folder, "--ranks", 2, **{name: value})
    assert variables[name] == value
    assert value not in arguments


@pytest.mark.parametrize("opposite, avoided", [
    ("OMPI_MCA_btl_tcp_if_exclude", "OMPI_MCA_btl_tcp_if_include"),
    ("OMPI_MCA_oob_tcp_if_exclude", "OMPI_MCA_oob_tcp_if_include"),
    ("OMPI_MCA_rmaps_base_no_oversubscribe", "OMPI_MCA_rmaps_base_oversubscribe"),
])
def test_the_users_opposite_choice_is_not_contradicted(folder, opposite, avoided):
    _, variables = launch(folder, "--ranks", 2, **{opposite: "1"})
    assert avoided not in variables


YIELD = "OMPI_MCA_mpi_yield_when_idle"


def parameter_file(folder, line):
    """A home of the test's own, with Open MPI's parameter file."""
    home = folder / "home"
    path = home / ".openmpi" / "mca-params.conf"
    path.parent.mkdir(parents=True)
    path.write_text(f"# mpi_yield_when_idle = 0\nmtl = ^ofi\n{line}\n")
    return str(home)


@pytest.mark.parametrize("line, avoided", [
    ("mpi_yield_when_idle = 0", YIELD),
    ("\tmpi_yield_when_idle=0", YIELD),
    ("hwloc_base_binding_policy = core", "OMPI_MCA_hwloc_base_binding_policy"),
    ("btl_tcp_if_exclude = eth7", "OMPI_MCA_btl_tcp_if_include"),
])
def test_the_users_parameter_file_is_not_overridden(folder, line, avoided):
    home = parameter_file(folder, line)
    _, variables = launch(folder, "--ranks", 2, HOME=home)
    expected = {**SINGLE_HOST, YIELD: "1"}
    assert {name for name in expected if name not in variables} == {avoided}


@pytest.mark.parametrize("line", ["mpi_yield = 0", "mpi_yield_when_idle_not = 0",
                                  "# mpi_yield_when_idle = 0", "mpi_yield_when_idle"])
def test_other_lines_of_the_parameter_file_change_nothing(folder, line):
    home = parameter_file(folder, line)
    _, variables = launch(folder, "--ranks", 2, HOME=home)
    assert variables[YIELD] == "1"


@pytest.mark.parametrize("variable, home_counts", [
    ("OMPI_MCA_mca_base_param_files", False), ("OMPI_MCA_mca_param_files", True)])
def test_parameter_files_elsewhere(folder, variable, home_counts):
    home = parameter_file(folder, "mpi_yield_when_idle = 0")
    other = folder / "other.conf"
    other.write_text("btl_tcp_if_include = eth7\n")
    _, variables = launch(folder, "--ranks", 2, HOME=home,
                          **{variable: f"{folder}/missing.conf,{other}"})
    assert "OMPI_MCA_btl_tcp_if_include" not in variables
    assert (YIELD in variables) is not home_counts


def test_a_host_list_in_the_parameter_file_means_several_hosts(folder):
    home = parameter_file(folder, "orte_default_hostfile = /etc/hosts.mpi")
    arguments, variables = launch(folder, HOME=home)
    assert "-n" not in arguments
    assert not set(SINGLE_HOST) & set(variables)


def test_openblas_and_terminal_reach_other_hosts(folder):
    arguments, _ = launch(folder, "--ranks", 2)
    exported = {after for option, after in zip(arguments, arguments[1:]) if option == "-x"}
    assert {"OPENBLAS_NUM_THREADS", "PHASEGRID_TERMINAL_WIDTH"} <= exported


# ---- how it ends ----


@pytest.mark.parametrize("code", [0, 1, 2, 3, 85, 7])
def test_the_exit_code_is_passed_on(folder, code):
    script = write_script(folder, f"exit {code}\n")
    result = phasegrid("run", "small.yaml", "--ranks", 2, cwd=folder, PHASEGRID_MPIRUN=script)
    assert result.returncode == code and result.stderr == ""


def test_a_killed_rank_is_explained(folder):
    script = write_script(folder, "exit 137\n")
    result = phasegrid("run", "small.yaml", "--ranks", 2, cwd=folder, PHASEGRID_MPIRUN=script)
    assert result.returncode == 137
    assert "signal 9" in result.stderr and "same command goes on" in result.stderr


def test_a_missing_mpirun_names_the_package(folder):
    result = phasegrid("run", "small.yaml", "--ranks", 2, cwd=folder,
                       PHASEGRID_MPIRUN=str(folder / "none"))
    assert result.returncode == 1
    assert "openmpi-bin" in result.stderr and "--ranks 1" in result.stderr
    assert not list(folder.glob("*.h5"))


def test_one_rank_needs_no_mpirun(folder):
    result = phasegrid("run", "small.yaml", "--ranks", 1, cwd=folder, PATH="/nonexistent",
                       PHASEGRID_MPIRUN=str(folder / "none"))
    assert result.returncode == 0, result.stderr
    assert listing("status", "small.h5", cwd=folder)["done"] == SMALL_RUNS


def test_srun_without_pmix_is_refused(folder):
    result = phasegrid("run", "small.yaml", cwd=folder, SLURM_JOB_ID="1", SLURM_STEP_NUM_TASKS="4")
    assert result.returncode == 1 and "--mpi=pmix" in result.stderr
    assert not list(folder.glob("*.h5"))


def mpirun(*arguments, cwd):
    settings = {**SINGLE_HOST, **ROOT_ALLOWED}
    return subprocess.run(["mpirun", "-q", *map(str, arguments)], capture_output=True, text=True,
                          cwd=cwd, env=environment(**settings), timeout=120)


def test_under_mpirun_it_is_a_rank(folder):
    result = mpirun("-n", 3, PROGRAM, "run", "small.yaml", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "12 runs on 3 ranks" in result.stderr
    assert result.stderr.count("12 runs on") == 1


def test_ranks_that_do_not_match_are_refused_once(folder):
    result = mpirun("-n", 2, PROGRAM, "run", "small.yaml", "--ranks", 3, cwd=folder)
    assert result.returncode == 1
    assert result.stderr.count("--ranks 3, but MPI started 2") == 1
    assert not list(folder.glob("*.h5"))


# ---- signals ----


def done_runs(path):
    if not path.exists():
        return 0
    return listing("status", path)["done"]


@pytest.mark.parametrize("ranks, number", [
    (1, signal.SIGINT), (1, signal.SIGTERM), (2, signal.SIGINT), (2, signal.SIGTERM),
    (2, signal.SIGHUP), (2, signal.SIGUSR1)])
def test_a_stopped_sweep_goes_on(folder, ranks, number):
    child = start("run", "long.yaml", "--ranks", ranks, cwd=folder)
    wait_for(lambda: done_runs(folder / "long.h5") > 0)
    child.send_signal(number)
    _, said = child.communicate(timeout=30)
    assert child.returncode == 85
    assert "phasegrid: stopping" in said
    stopped = re.search(r"phasegrid: stopped with (\d+) of 12 runs to do; the same command goes on",
                        said)
    assert int(stopped[1]) == SMALL_RUNS - done_runs(folder / "long.h5") > 0
    kept = listing("status", "long.h5", cwd=folder)["checkpoints"]
    assert 1 <= kept <= 16 * ranks
    assert f"{kept} unfinished run" in phasegrid("status", "long.h5", cwd=folder).stdout
    result = phasegrid("run", "long.yaml", "--ranks", 2, cwd=folder)
    assert result.returncode == 0, result.stderr
    after = listing("status", "long.h5", cwd=folder)
    assert after["todo"] == after["checkpoints"] == 0


@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3])
def test_a_signal_while_starting_is_not_lost(folder, delay):
    child = start("run", "endless.yaml", "--ranks", 2, cwd=folder)
    wait_for(lambda: processes_with(str(folder)) or processes_with("endless.yaml"))
    time.sleep(delay)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=30)
    assert child.returncode in (85, -signal.SIGTERM)  # -TERM: before it became a launcher
    wait_for(lambda: not processes_with("endless.yaml"), seconds=10)


def test_a_second_interrupt_hurries(folder):
    script = write_script(folder, "trap '' USR1; trap 'exit 1' TERM; touch ready\n"
                                  "while :; do sleep 0.1; done\n")
    child = start("run", "small.yaml", "--ranks", 2, cwd=folder, PHASEGRID_MPIRUN=script)
    wait_for((folder / "ready").exists)
    child.send_signal(signal.SIGINT)
    time.sleep(1.5)
    assert child.poll() is None
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=10)
    assert child.returncode == 85
    assert "Ctrl-C again hurries" in said and "the same command goes on" in said


def test_a_second_term_does_not_hurry(folder):
    script = write_script(folder, "trap 'echo asked >>asked' USR1; trap 'exit 1' TERM; touch ready\n"
                                  "while ! [ -e end ]; do sleep 0.1; done; exit 85\n")
    child = start("run", "small.yaml", "--ranks", 2, cwd=folder, PHASEGRID_MPIRUN=script)
    wait_for((folder / "ready").exists)
    for _ in range(3):
        child.send_signal(signal.SIGTERM)
        time.sleep(0.3)
    assert child.poll() is None and (folder / "asked").exists()
    (folder / "end").touch()
    child.communicate(timeout=10)
    assert child.returncode == 85


def test_nohup_stays_deaf_to_hangup(folder):
    script = write_script(folder, "touch ready; while ! [ -e end ]; do sleep 0.1; done; exit 0\n")
    child = subprocess.Popen(["nohup", PROGRAM, "run", "small.yaml", "--ranks", "2"], cwd=folder,
                             env=environment(PHASEGRID_MPIRUN=script), stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    wait_for((folder / "ready").exists)
    child.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert child.poll() is None
    (folder / "end").touch()
    child.communicate(timeout=10)
    assert child.returncode == 0


@pytest.mark.parametrize("ranks", [1, 2])
def test_the_ranks_follow_a_killed_launcher(folder, ranks):
    child = start("run", "endless.yaml", "--ranks", ranks, "-o", folder / "e.h5", cwd=folder)
    wait_for((folder / "e.h5").exists)
    assert len(processes_with(str(folder / "e.h5"))) >= 2
    child.kill()
    child.communicate(timeout=30)
    wait_for(lambda: not processes_with(str(folder / "e.h5")), seconds=15)


# ---- terminals ----


def on_terminal(arguments, cwd, columns, interrupt_at=None, **changes):
    """What a terminal of that width is sent, and the exit code. interrupt_at: a pattern after which
    Ctrl-C is typed."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(cwd)
        as_from_a_shell()
        os.execve(PROGRAM, [PROGRAM, *arguments], environment(TERM="xterm-256color", **changes))
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    sent, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            sent += os.read(terminal, 65536)
        except OSError:  # the other side is closed
            break
        if interrupt_at is not None and re.search(interrupt_at, sent):
            os.write(terminal, b"\x03")
            interrupt_at = None
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    return sent.decode(), os.waitstatus_to_exitcode(status)


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)


@pytest.mark.parametrize("ranks, columns", [("1", 80), ("2", 20), ("2", 40), ("2", 200)])
def test_one_rewritten_line_that_fits(folder, ranks, columns):
    arguments = ["run", "long.yaml", "--ranks", ranks]
    sent, code = on_terminal(arguments, folder, columns)
    assert code == 0
    frames = re.findall(r"\r([^\r\n\x1b]*)\x1b\[K", sent)
    assert len(frames) >= 3 and frames[-1].startswith("12/12 runs")
    assert max(map(len, frames)) < columns
    if columns >= 80:
        assert any(re.search(r"steps/s  C? ?", frame) for frame in frames)
        assert any("left" in frame for frame in frames)
    map_lines = plain(sent).split("weight_decay (upwards)")[1].splitlines()[1:5]
    assert max(map(len, map_lines)) <= columns


def test_the_map_is_coloured_unless_refused(folder):
    arguments = ["run", "small.yaml", "--ranks", "2"]
    sent, _ = on_terminal(arguments, folder, 80)
    assert "\x1b[48;5;" in sent
    sent, _ = on_terminal(arguments, folder, 80, NO_COLOR="1")
    assert "\x1b[48" not in sent and "\x1b[38" not in sent
    assert "weight_decay (upwards)" in sent


def test_ctrl_c_at_a_terminal(folder):
    (folder / "minute.yaml").write_text(LONG_JOB.replace("steps: 1500", "steps: 20000"))
    sent, code = on_terminal(["run", "minute.yaml", "--ranks", "2"], folder, 80,
                             interrupt_at=rb"\d/12 runs")
    assert code == 85
    assert "Ctrl-C again hurries" in sent and "the same command goes on" in sent


def test_without_a_terminal_lines_are_not_rewritten(folder):
    result = phasegrid("run", "long.yaml", "--ranks", 2, cwd=folder)
    lines = [line for line in result.stderr.splitlines() if "/12 runs" in line]
    assert 1 <= len(lines) <= 3 and lines[-1].startswith("12/12 runs")
    assert "\r" not in result.stderr and "\x1b" not in result.stderr + result.stdout
