# SPDX-License-Identifier: MIT
"""Every verb of the command, its help, and what it says to wrong input."""

import json
import re
import subprocess

import h5py
import numpy as np
import pytest

from command import PROGRAM, ROOT, SMALL_JOB, SMALL_RUNS, environment, listing, phasegrid

VERBS = ["check", "submit", "run", "resume", "retry", "status", "show", "plot", "list", "export", "verify",
         "repair", "extend", "merge", "superposition", "bench"]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A folder with small.yaml and the finished small.h5."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "small.yaml").write_text(SMALL_JOB)
    result = phasegrid("run", "small.yaml", "--ranks", 2, cwd=folder)
    assert result.returncode == 0, result.stderr
    assert [path.name for path in folder.glob("*.h5")] == ["small.h5"]
    return folder


# ---- help, version, verbs ----


def test_help_names_every_verb():
    result = phasegrid("--help")
    assert result.returncode == 0
    assert [verb["name"] for verb in listing("list", "verbs")] == VERBS
    for verb in VERBS:
        assert re.search(rf"^  {verb} +\S", result.stdout, re.MULTILINE)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_has_an_example(verb):
    result = phasegrid(verb, "--help")
    assert result.returncode == 0, result.stderr
    assert f"example:\n  phasegrid {verb} " in result.stdout


def test_version_names_release_and_commit():
    result = phasegrid("--version")
    assert result.returncode == 0
    assert re.fullmatch(r"phasegrid \d+\.\d+\.\d+ \(commit ([0-9a-f]{7,40}(-dirty)?|unknown)\)\n",
                        result.stdout)


@pytest.mark.parametrize("word, said", [
    ("rum", "did you mean 'run'?"),
    ("stats", "did you mean 'status'?"),
    ("verfiy", "did you mean 'verify'?"),
    ("xyzzy", "`phasegrid --help` lists them"),
    ("--run", "did you mean 'run'?"),
])
def test_unknown_verbs(word, said):
    result = phasegrid(word)
    assert result.returncode == 1
    assert f"phasegrid: '{word}' is not a verb" in result.stderr and said in result.stderr
    assert result.stdout == ""


def test_no_verb_shows_the_help_and_fails():
    result = phasegrid()
    assert result.returncode == 1
    assert "Usage: phasegrid VERB" in result.stderr and result.stdout == ""


# ---- wrong use ----


@pytest.mark.parametrize("arguments, said", [
    (["run"], "a job file is needed"),
    (["run", "a.yaml", "b.yaml"], "'b.yaml' is too much after 'a.yaml'"),
    (["run", "a.yaml", "--ranks", "0"], "--ranks: '0' is not a whole number from 1"),
    (["run", "a.yaml", "--ranks", "two"], "--ranks: 'two' is not a whole number from 1"),
    (["run", "a.yaml", "--bogus"], "'--bogus'"),
    (["run", "a.yaml", "--coordinator", "none"], "'none' is not one of dedicated, shared, auto"),
    (["run", "missing.yaml"], "missing.yaml"),
    (["check"], "a job file is needed"),
    (["check", "missing.yaml"], "missing.yaml"),
    (["resume"], "a results file is needed"),
    (["resume", "missing.h5"], "missing.h5"),
    (["status"], "a results file is needed"),
    (["status", "missing.h5"], "missing.h5"),
    (["status", "x.h5", "--json", "--watch"], "do not go together"),
    (["status", "x.h5", "--stalled", "--watch"], "do not go together"),
    (["show", "missing.h5", "0"], "missing.h5"),
    (["show", "x.h5"], "either a run"),
    (["show", "x.h5", "1", "--job"], "either a run"),
    (["verify"], "a results file is needed"),
    (["verify", "missing.h5"], "missing.h5"),
    (["export", "x.h5"], "--batches RUN"),
    (["export", "missing.h5", "--batches", "0"], "missing.h5"),
    (["plot"], "required: FILE"),
    (["plot", "missing.h5"], "missing.h5"),
    (["list"], "a topic is needed"),
    (["list", "setings"], "did you mean 'settings'?"),
    (["list", "verbs", "addition"], "'addition' is too much"),
    (["list", "settings", "additon"], "did you mean 'addition'?"),
])
def test_wrong_use(tmp_path, arguments, said):
    result = phasegrid(*arguments, cwd=tmp_path)
    assert result.returncode == 1
    assert said in result.stderr
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


def job_with(old, new):
    assert old in SMALL_JOB
    return SMALL_JOB.replace(old, new)


@pytest.mark.parametrize("text, said", [
    (job_with("experiment: addition", "experiment: additon"), ["job.yaml:2:", "additon",
                                                               "addition"]),
    (job_with("steps: 50", "stepps: 50"), ["job.yaml:3:", "stepps", "steps"]),
    (job_with("steps: 50", "steps: many"), ["job.yaml:3:", "many", "steps"]),
    (job_with("steps: 50", "steps: 0"), ["job.yaml:3:", "steps", "0", "1"]),
    (job_with("steps: 50", "steps: 50, weight_decay: 1"), ["weight_decay"]),
    (job_with("[0, 1, 2]", "[]"), ["job.yaml:6:", "values"]),
    (job_with("[0, 1, 2]", "[0, 1, 1]"), ["job.yaml:6:", "1"]),
    (job_with("seeds: 2", "sedes: 2"), ["job.yaml:7:", "sedes", "seeds"]),
    (job_with("train_count: 45", "train_count: 56"), ["job.yaml: ", "train_count 56", "55"]),
    ("", ["job.yaml", "empty"]),
])
@pytest.mark.parametrize("verb", ["check", "run"])
def test_wrong_jobs_are_refused_before_anything_starts(tmp_path, verb, text, said):
    (tmp_path / "job.yaml").write_text(text)
    result = phasegrid(verb, "job.yaml", cwd=tmp_path, PHASEGRID_MPIRUN="/bin/false")
    assert result.returncode == 1
    for part in said:
        assert part in result.stderr
    assert result.stderr.count("phasegrid: ") == 1
    assert result.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["job.yaml"]


ONE_RANK = {"PHASEGRID_SINGLE_RANK": "1"}


@pytest.mark.parametrize("changes", [{}, ONE_RANK])
def test_a_cube_that_cannot_fit_the_disk_is_refused_at_once(tmp_path, changes):
    """Not after minutes of looking at each of its 10^10 cells."""
    text = job_with("{name: weight_decay, values: [0, 1, 2]}",
                    "{name: weight_decay, linspace: {from: 0, to: 1, count: 100000}}")
    text = text.replace("values: [1e-4, 1e-2]", "logspace: {from: 1e-5, to: 1e-2, count: 100000}")
    (tmp_path / "job.yaml").write_text(text)
    result = phasegrid("run", "job.yaml", cwd=tmp_path, timeout=20, **changes)
    assert result.returncode == 1
    assert "phasegrid: job.yaml: the cube does not fit the disk: 'job.h5' needs " in result.stderr
    assert "for 20000000000 runs" in result.stderr and "are free in '.'" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["job.yaml"]


def test_a_rank_names_the_job_file_of_a_cell_that_is_not_allowed(tmp_path):
    (tmp_path / "job.yaml").write_text(job_with("train_count: 45", "train_count: 56"))
    result = phasegrid("run", "job.yaml", cwd=tmp_path, **ONE_RANK)
    assert result.returncode == 1
    assert "phasegrid: job.yaml: " in result.stderr and "train_count 56" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["job.yaml"]


@pytest.mark.parametrize("override, said", [
    ("stepps=5", "stepps"),
    ("steps", "steps"),
    ("steps=-1", "-1"),
])
def test_wrong_overrides(tmp_path, override, said):
    (tmp_path / "job.yaml").write_text(SMALL_JOB)
    result = phasegrid("run", "job.yaml", "--set", override, cwd=tmp_path)
    assert result.returncode == 1 and said in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["job.yaml"]


# ---- check ----


def test_check_counts_and_writes_nothing(tmp_path):
    (tmp_path / "job.yaml").write_text(SMALL_JOB)
    page = listing("check", "job.yaml", "--set", "steps=70", "--ranks", 3, cwd=tmp_path)
    assert (page["cells"], page["runs"], page["ranks"]) == (6, SMALL_RUNS, 3)
    assert page["model_steps"] == SMALL_RUNS * 70
    assert [axis["name"] for axis in page["axes"]] == ["decoder_lr", "weight_decay", "seed"]
    assert page["seconds_estimate"] >= page["core_seconds_estimate"] / 3 * 0.999
    # parameters 10 + 1*20+20 + 20*20+20 + 20*30+30 with two moments each, in float32
    assert page["bytes_per_run"] > 3 * 4 * 1100
    text = phasegrid("check", "job.yaml", cwd=tmp_path).stdout
    assert "12 (6 cells x 2 seeds)" in text and "estimate" in text
    assert text.splitlines()[0] == "job.yaml: valid, experiment addition, small"
    assert [path.name for path in tmp_path.iterdir()] == ["job.yaml"]


def test_check_of_a_job_without_a_title_tells_the_experiments_summary(tmp_path):
    (tmp_path / "job.yaml").write_text(SMALL_JOB.replace("title: small\n", ""))
    text = phasegrid("check", "job.yaml", cwd=tmp_path).stdout
    summaries = {each["name"]: each["summary"] for each in listing("list", "experiments")}
    assert text.splitlines()[0] == f"job.yaml: valid, experiment addition, {summaries['addition']}"


def test_check_tells_the_size_of_the_file(small):
    page = listing("check", "small.yaml", cwd=small)
    size = (small / "small.h5").stat().st_size
    assert 0.5 * size < page["file_bytes"] < 2 * size


def test_check_shows_the_longest_cells_first(tmp_path):
    job = job_with("weight_decay, values: [0, 1, 2]", "decoder_width, values: [10, 40, 20]")
    (tmp_path / "job.yaml").write_text(job.replace("decoder_width: 20, ", ""))
    cells = [cell["cell"] for cell in listing("check", "job.yaml", cwd=tmp_path)["longest"]]
    assert [cell.split()[-1] for cell in cells] == ["40", "20", "10"]


# ---- run, status, show, verify, export, plot ----


def test_run_prints_the_map_to_stdout_and_progress_to_stderr(tmp_path):
    (tmp_path / "job.yaml").write_text(SMALL_JOB)
    result = phasegrid("run", "job.yaml", "--ranks", 1, "-o", "out.h5", cwd=tmp_path)
    assert result.returncode == 0
    assert "12 runs on 1 rank into out.h5" in result.stderr
    assert "12/12 runs" in result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "weight_decay (upwards)"
    assert [line.split()[0] for line in lines[1:4]] == ["2", "1", "0"]
    assert lines[4].split() == ["0.0001", "0.01"]
    assert lines[5].strip() == "decoder_lr"
    assert "\x1b" not in result.stdout + result.stderr


def test_the_map_agrees_with_the_file(small):
    with h5py.File(small / "small.h5") as file:
        phases = file["phase"][...]  # (decoder_lr, weight_decay, seed)
    letters = {row["code"]: row["letter"] for row in listing("list", "phases", "addition")}
    lines = phasegrid("status", "small.h5", cwd=small).stdout.splitlines()
    top = lines.index("weight_decay (upwards)") + 1
    rows = [line.split()[1:] for line in lines[top : top + 3]][::-1]
    for i, j in np.ndindex(2, 3):
        codes = phases[i, j]
        agreed = len(set(codes)) == 1
        letter = letters[int(np.bincount(codes).argmax())]
        assert rows[j][i] == (letter if agreed else letter.lower())


def test_status_counts_what_h5py_counts(small):
    page = listing("status", "small.h5", cwd=small)
    with h5py.File(small / "small.h5") as file:
        statuses, phases = file["status"][...], file["phase"][...]
    assert page["runs"] == statuses.size == SMALL_RUNS
    assert page["done"] == np.count_nonzero(statuses == 1)
    assert page["diverged"] == np.count_nonzero(statuses == 2)
    assert page["todo"] == 0
    assert list(page["phases"].values()) == list(np.bincount(phases.ravel(), minlength=6))


def test_watch_ends_when_all_is_done(small):
    result = phasegrid("status", "small.h5", "--watch", cwd=small, timeout=20)
    assert result.returncode == 0 and result.stdout.startswith("12/12 runs")


@pytest.mark.parametrize("run, number", [
    ("7", 7),
    ("decoder_lr=0.01,weight_decay=0,seed=1", 7),
    ("seed=1,weight_decay=0,decoder_lr=1e-2", 7),
    ("decoder_lr=1.001e-4,weight_decay=2,seed=0", 4),
])
def test_show_finds_a_run(small, run, number):
    page = listing("show", "small.h5", run, cwd=small)
    with h5py.File(small / "small.h5") as file:
        i = np.unravel_index(number, file["status"].shape)
        assert page["run"] == number and page["status"] == "done"
        assert page["settings"]["decoder_lr"] == file["decoder_lr"][i[0]]
        assert page["settings"]["weight_decay"] == file["weight_decay"][i[1]]
        assert page["settings"]["seed"] == file["seed"][i[2]]
        assert page["settings"]["decoder_width"] == 20
        assert page["values"]["last_step"] == 50
        assert page["last"]["train_loss"] == file["train_loss"][i][-1]
        assert page["values"]["steps_to_train"] == file["steps_to_train"][i]


def test_show_tells_the_last_measurement_of_a_run_that_ended_early(tmp_path):
    (tmp_path / "job.yaml").write_text(
        "experiment: addition\nseeds: [2]\nstop: decided\nrecord: {points: 8}\n"
        "settings: {steps: 5000, train_count: 45, decoder_width: 100, phase_accuracy: 0.2}\n")
    assert phasegrid("run", "job.yaml", "-o", "out.h5", "--ranks", 1, cwd=tmp_path).returncode == 0
    page = listing("show", "out.h5", "0", cwd=tmp_path)
    with h5py.File(tmp_path / "out.h5") as file:
        assert page["values"]["last_step"] < 5000
        assert page["last"]["train_loss"] == file["train_loss"][0, -1]
        assert page["last"]["train_loss"] < file["train_loss"][0, -3]


def test_export_ends_where_the_run_ended(tmp_path):
    (tmp_path / "job.yaml").write_text(
        "experiment: addition\nseeds: [2]\n"
        "settings: {steps: 500, optimizer: sgd, activation: relu, decoder_lr: 100, batch_size: 4}\n")
    assert phasegrid("run", "job.yaml", "-o", "out.h5", "--ranks", 1, cwd=tmp_path).returncode == 0
    with h5py.File(tmp_path / "out.h5") as file:
        diverged_at = int(file["last_step"][0])
    assert 0 < diverged_at < 500
    lines = phasegrid("export", "out.h5", "--batches", "0", cwd=tmp_path).stdout.splitlines()
    assert len(lines) == diverged_at


def test_check_tells_a_cell_that_will_fail(tmp_path):
    (tmp_path / "job.yaml").write_text(
        "experiment: addition\nseeds: 1\n"
        "settings: {steps: 10, train_count: 3, min_ideal_accuracy: 1}\n")
    result = phasegrid("check", "job.yaml", cwd=tmp_path)
    assert result.returncode == 0 and "will fail: min_ideal_accuracy 1" in result.stdout
    page = listing("check", "job.yaml", cwd=tmp_path)
    assert page["runs"] == 1 and page["core_seconds_estimate"] is None


@pytest.mark.parametrize("run, said", [
    ("12", "runs 0 to 11"),
    ("seven", "name=value"),
    ("decoder_lr=0.5,weight_decay=0,seed=0", "its values are 0.0001, 0.01"),
    ("decoder_lr=0.01,seed=0", "'weight_decay' has 3 values"),
    ("decoder_lr=0.01,weight_decay=0,seed=5", "seed"),
    ("p=10", "'p' is not an axis"),
])
def test_show_refuses_what_names_no_run(small, run, said):
    result = phasegrid("show", "small.h5", run, cwd=small)
    assert result.returncode == 1 and said in result.stderr and result.stdout == ""


def test_show_job_prints_the_file_as_it_was(small):
    assert phasegrid("show", "small.h5", "--job", cwd=small).stdout == SMALL_JOB


def test_show_prints_for_people(small):
    text = phasegrid("show", "small.h5", "0", cwd=small).stdout
    assert text.startswith("run 0: decoder_lr 0.0001, weight_decay 0, seed 0: done\n")
    assert re.search(r"^  decoder_width +20$", text, re.MULTILINE)


def test_verify_is_the_same_for_any_ranks(small, tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL_JOB)
    assert phasegrid("run", "small.yaml", "--ranks", 1, cwd=tmp_path).returncode == 0
    digests = [phasegrid("verify", "small.h5", cwd=folder).stdout for folder in (small, tmp_path)]
    assert digests[0] == digests[1]
    assert re.fullmatch(r"[0-9a-f]{64}  small\.h5\n", digests[0])


def test_export_of_full_batches_is_the_training_set(small):
    text = phasegrid("export", "small.h5", "--batches", "3", cwd=small).stdout
    with h5py.File(small / "small.h5") as file:
        mask = file["train_mask"][np.unravel_index(3, file["status"].shape)]
    lines = text.splitlines()
    assert [line.split(":")[0] for line in lines] == [str(step) for step in range(1, 51)]
    for line in lines:
        assert sorted(map(int, line.split(":")[1].split())) == list(np.flatnonzero(mask))


def test_export_of_minibatches(tmp_path):
    (tmp_path / "job.yaml").write_text(job_with("steps: 50", "steps: 6, batch_size: 7"))
    assert phasegrid("run", "job.yaml", "--ranks", 1, cwd=tmp_path).returncode == 0
    result = phasegrid("export", "job.h5", "--batches", "1", "--json", cwd=tmp_path)
    batches = [json.loads(line) for line in result.stdout.splitlines()]
    with h5py.File(tmp_path / "job.h5") as file:
        mask = file["train_mask"][0, 0, 1]
    assert [batch["step"] for batch in batches] == [1, 2, 3, 4, 5, 6]
    for batch in batches:
        assert len(set(batch["samples"])) == 7 and all(mask[batch["samples"]])
    assert len({tuple(sorted(batch["samples"])) for batch in batches}) > 1


def test_plot_draws_a_picture(small, tmp_path):
    picture = tmp_path / "map.png"
    result = phasegrid("plot", "small.h5", "-o", picture, cwd=small)
    assert result.returncode == 0, result.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_resume_of_a_finished_file_changes_nothing(small):
    before = phasegrid("verify", "small.h5", cwd=small).stdout
    result = phasegrid("resume", "small.h5", "--ranks", 1, cwd=small)
    assert result.returncode == 0 and "12/12 runs" in result.stderr
    assert phasegrid("verify", "small.h5", cwd=small).stdout == before


def test_another_job_on_the_same_file_is_refused(small):
    before = (small / "small.h5").read_bytes()
    result = phasegrid("run", "small.yaml", "--set", "steps=60", "--ranks", 2, cwd=small)
    assert result.returncode == 3
    assert "steps" in result.stderr and "50" in result.stderr and "60" in result.stderr
    assert result.stderr.count("phasegrid: ") == 1
    assert (small / "small.h5").read_bytes() == before


def test_what_is_no_results_file_is_refused(tmp_path):
    (tmp_path / "x.h5").write_text("not HDF5")
    for arguments in (["status", "x.h5"], ["verify", "x.h5"], ["show", "x.h5", "0"]):
        result = phasegrid(*arguments, cwd=tmp_path)
        assert result.returncode == 3 and "x.h5" in result.stderr, result.stderr


def test_failed_runs_end_with_2(tmp_path):
    # Three of 55 pairs imply nothing about the others, so no split has an ideal accuracy of 1.
    (tmp_path / "job.yaml").write_text(job_with("train_count: 45",
                                                "train_count: 3, min_ideal_accuracy: 1"))
    result = phasegrid("run", "job.yaml", "--ranks", 2, cwd=tmp_path)
    assert result.returncode == 2
    assert "12 of 12 runs failed" in result.stderr
    assert listing("status", "job.h5", cwd=tmp_path)["failed"] == SMALL_RUNS
    assert "!" in result.stdout
    assert "status" in listing("show", "job.h5", "0", cwd=tmp_path)


# ---- list ----


@pytest.mark.parametrize("topic, keys", [
    ("experiments", {"name", "summary", "reference"}),
    ("settings", {"experiment", "name", "type", "range", "default", "unit", "help"}),
    ("observables", {"experiment", "name", "type", "dimensions", "unit", "description"}),
    ("phases", {"experiment", "code", "letter", "name"}),
    ("kernels", {"name", "lanes", "state"}),
    ("verbs", {"name", "arguments", "summary"}),
])
def test_list(topic, keys):
    rows = listing("list", topic)
    assert rows and all(set(row) == keys for row in rows)
    table = phasegrid("list", topic).stdout
    for row in rows:
        assert str(row.get("name")) in table


def test_list_settings_tells_defaults_and_ranges():
    rows = {row["name"]: row for row in listing("list", "settings", "addition")}
    assert rows["decoder_width"]["default"] == "200" and rows["decoder_width"]["type"] == "integer"
    assert rows["optimizer"]["range"].split(" | ") == ["adamw", "sgd"]


def supported_kernels():
    return [row["name"] for row in listing("list", "kernels") if row["state"] != "not on this CPU"]


def test_the_best_kernel_is_in_use_and_each_can_be_chosen():
    states = [row["state"] for row in listing("list", "kernels")]
    assert states.count("in use") == 1 and "supported" not in states[states.index("in use"):]
    for name in supported_kernels():
        rows = listing("list", "kernels", PHASEGRID_KERNEL=name)
        assert [row["name"] for row in rows if row["state"] == "in use"] == [name]


def test_lanes_are_those_of_the_registers():
    lanes = {row["name"]: row["lanes"] for row in listing("list", "kernels")}
    bits = {"scalar": 32, "neon": 128, "avx2": 256, "avx512": 512}
    assert lanes == {name: bits[name] // 32 for name in lanes}


def test_an_unknown_kernel_is_one_error_that_lists_what_there_is(tmp_path):
    (tmp_path / "job.yaml").write_text(SMALL_JOB)
    for ranks in (1, 3):
        result = phasegrid("run", "job.yaml", "--ranks", ranks, cwd=tmp_path,
                           PHASEGRID_KERNEL="nonsense")
        assert result.returncode == 1
        said = [line for line in result.stderr.splitlines() if "PHASEGRID_KERNEL" in line]
        assert said == ["phasegrid: PHASEGRID_KERNEL=nonsense: no such kernel on this CPU; it has: "
                        + ", ".join(supported_kernels())]
        assert not (tmp_path / "job.h5").exists()


def test_phase_letters_are_those_of_the_pictures():
    letters = {row["name"]: row["letter"] for row in listing("list", "phases", "addition")}
    assert [letters[name] for name in ("comprehension", "grokking", "memorization",
                                       "confusion")] == ["C", "G", "M", "F"]
    assert len(set(letters.values())) == len(letters)


def test_a_full_output_device_is_an_error():
    with open("/dev/full", "w") as full:
        result = subprocess.run([PROGRAM, "list", "settings"], stdout=full, env=environment(),
                                stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1 and "standard output" in result.stderr


@pytest.mark.parametrize("job", sorted((ROOT / "jobs").glob("*.yaml")), ids=lambda job: job.stem)
def test_ready_jobs_are_valid(job):
    result = phasegrid("check", job)
    assert result.returncode == 0, result.stderr
