# SPDX-License-Identifier: MIT
"""Estimates of the local learning coefficient as a user meets them: the same bytes however the sweep
was run, wrong settings, pictures, and what a file says."""

import signal
import subprocess
import time

import h5py
import numpy as np
import pytest

from command import phasegrid, start

TMS = """\
experiment: tms
settings: {steps: 3000, sample_count: 200, start_turned: 1}
grid:
  - {name: llc_localization, values: [1, 10]}
  - {name: learning_rate, values: [0.005, 0.01]}
seeds: 12
record: {points: 9}
llc: {at: [0, 1000, final], chains: 5, burn_in: 100, draws: 300, step_size: 5e-4, batch_size: 20}
"""
ADDITION = """\
experiment: addition
settings: {steps: 60, decoder_width: 12, train_count: 45}
grid:
  - {name: decoder_lr, values: [1e-4, 1e-2]}
seeds: 9
record: {points: 5}
llc: {at: [20, final], chains: 3, burn_in: 20, draws: 30, n_beta: 50, step_size: auto}
"""
POSTERIOR = """\
experiment: tms_posterior
settings: {steps: 1500}
grid:
  - {name: sample_count, values: [40, 600]}
  - {name: loss, values: [population, samples]}
seeds: 2
"""


def run(folder, name, *options, **changes):
    result = phasegrid("run", "job.yaml", "-o", f"{name}.h5", *options, cwd=folder, **changes)
    assert result.returncode == 0, result.stderr
    return phasegrid("verify", f"{name}.h5", cwd=folder).stdout.split()[0]


@pytest.mark.parametrize("job", [TMS, ADDITION, POSTERIOR], ids=["tms", "addition", "posterior"])
def test_same_bytes(job, tmp_path):
    """At any number of ranks, in any layout, with any instruction set."""
    (tmp_path / "job.yaml").write_text(job)
    digest = run(tmp_path, "one", "-n", "1")
    assert run(tmp_path, "three", "-n", "3") == digest
    assert run(tmp_path, "scalar", "-n", "2", PHASEGRID_KERNEL="scalar") == digest
    assert run(tmp_path, "samples", "-n", "2", PHASEGRID_LAYOUT="samples") == digest
    assert run(tmp_path, "runs", "-n", "1", PHASEGRID_LAYOUT="runs") == digest


LONG = {"tms": TMS.replace("draws: 300", "draws: 6000"),
        "addition": ADDITION.replace("draws: 30", "draws: 800"),
        "posterior": POSTERIOR.replace("steps: 1500", "steps: 30000")}


@pytest.mark.parametrize("name", LONG)
def test_interrupted_estimates(name, tmp_path):
    """Stopped in the middle of estimates, with and without grace: the same command goes on."""
    (tmp_path / "job.yaml").write_text(LONG[name])
    digest = run(tmp_path, "whole", "-n", "2")
    for end in (signal.SIGTERM, signal.SIGKILL):
        process = start("run", "job.yaml", "-o", "parts.h5", "-n", "1", "--checkpoint-every", "0.2s",
                        cwd=tmp_path)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.0)
        process.send_signal(end)
        process.communicate(timeout=60)
        assert process.returncode == (85 if end == signal.SIGTERM else -signal.SIGKILL)
        time.sleep(0.2)
    assert run(tmp_path, "parts", "-n", "2") == digest


REFUSED = {
    "llc: {at: final, step_size: -1}": "llc_step_size",
    "settings: {sample_count: 1, batch_size: 1}\nllc: {at: final}": "needs at least 2",
    "llc: {at: final, n_beta: 10, inverse_temperature: 1}": "are both given",
    "llc: {at: final, sampler: mala, batch_size: 20}": "needs the exact loss",
    "llc: {at: final, batch_size: 5000}": "more than the 1000 training samples",
    "llc: {at: final, restrict: V}": "llc_restrict",
    "llc: {at: final, chains: 10000, draws: 100000000}": "memory",
}


@pytest.mark.parametrize("text", REFUSED)
def test_wrong_settings(text, tmp_path):
    (tmp_path / "job.yaml").write_text("experiment: tms\n" + text + "\n")
    result = phasegrid("run", "job.yaml", "-o", "x.h5", "-n", "1", cwd=tmp_path)
    assert result.returncode == 1 and REFUSED[text] in result.stderr, result.stderr
    assert "Traceback" not in result.stderr and not (tmp_path / "x.h5").exists()


def test_a_part_that_a_model_lacks(tmp_path):
    (tmp_path / "job.yaml").write_text(ADDITION.replace("n_beta: 50", "n_beta: 50, restrict: decoder.7"))
    result = phasegrid("run", "job.yaml", "-o", "x.h5", "-n", "1", cwd=tmp_path)
    assert result.returncode == 1
    assert "llc_restrict decoder.7 names no segment of this model, which has embedding" in result.stderr


@pytest.fixture(name="cube", scope="module")
def make_cube(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cube")
    (folder / "job.yaml").write_text(TMS.replace("seeds: 12", "seeds: 2").replace(
        "chains: 5", "chains: 5, traces: 1"))
    run(folder, "cube", "-n", "2")
    return folder / "cube.h5"


def test_what_a_file_says(cube):
    with h5py.File(cube) as file:
        value, chains = file["llc"][...], file["llc_chain"][...]
        traces, n_beta = file["llc_trace"][...], file["llc_used_n_beta"][...]
        assert list(file["llc_step"]) == [0, 1000, 3000]
        assert value.shape == (2, 2, 2, 3) and traces.shape == value.shape + (5, 300)
        assert np.allclose(n_beta, 200 / np.log(200))
        of_traces = n_beta[..., None] * (traces.mean(axis=-1) - file["llc_loss"][...][..., None])
        assert np.allclose(of_traces, chains) and np.allclose(chains.mean(axis=-1), value)
        assert np.allclose(chains.std(axis=-1, ddof=1) / np.sqrt(5), file["llc_se"][...])
        assert np.allclose(file["llc_half_width"][...], 2.7764451 * file["llc_se"][...])
        below = (traces < file["llc_loss"][...][..., None, None]).mean(axis=(-1, -2))
        assert np.allclose(below, file["llc_below"][...])
        assert (file["llc_scored_by"][...] == 0).all(), "the full batch scores the draws of tms"
        assert np.array_equal(file["llc_used_localization"][0], np.full((2, 2, 3), 1.0))
        assert file["llc"].attrs["sampler"] in ("sgld", b"sgld")


@pytest.mark.parametrize("options", [["--kind", "llc", "--run", "3"],
                                     ["--kind", "llc-map", "--x", "learning_rate"],
                                     ["--kind", "trace", "--run", "1"]])
def test_pictures(cube, options):
    picture = cube.parent / "picture.png"
    result = phasegrid("plot", cube, *options, "-o", picture)
    if "trace" in options:
        assert result.returncode == 1 and "choose one with --select llc_step" in result.stderr
        return
    assert result.returncode == 0, result.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
