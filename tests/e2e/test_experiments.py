# SPDX-License-Identifier: MIT
"""Experiments, run by the real command: the same bytes on one rank and on three, under the scalar
kernel, and when some runs are trained again. Each job has settings that are easily forgotten."""

import pytest

import command

JOBS = {
    "permutation": ("steps: 300", "weight_decay: [0, 10]", "parameters: [0, 300]"),
    "transformer": ("p: 11, embedding_dim: 16, heads: 2, decoder_width: 32, steps: 200, dropout: 0.1",
                    "weight_decay: [0, 1]", "parameters: [0, 200]"),
    "relation": ("relation: matrix, n: 3, matrix: 010/101/010, steps: 300, embedding: difference, "
                 "decoder: ideal", "decoder_lr: [0.01, 0.1]", ""),
    "parity": ("n: 12, k: 2, width: 20, steps: 400, momentum: 0.5, momentum_until: 0.3",
               "learning_rate: [0.1, 0.2]", ""),
    "diagonal_linear": ("steps: 2000, label_noise: 0.5, sampling: epochs",
                        "learning_rate: [0.01, 0.1]", ""),
    "least_squares": ("steps: 500, sampling: epochs, batch_size: 1",
                      "learning_rate: [0.25, 0.95]", ""),
    "two_point": ("depth: 5, width: 130, activation: silu, skip: 'yes', steps: 700, learning_rate: 0.1, "
                  "init_gain: 0.6, stop_loss: 1e-3", "input_distance: [0.5, 1.5]",
                  "parameters: [0, 100, 700]"),
    "two_point dropout": ("width: 20, dropout: 0.1, steps: 300, learning_rate: 0.1, "
                          "optimizer: adamw", "depth: [1, 3]", ""),
    "two_point tree": ("task: tree, tree_levels: 2, width: 40, centred: 'yes', steps: 300, "
                       "learning_rate: 0.3", "activation: [relu, tanh]", ""),
    "two_point blobs": ("task: blobs, blob_side: 6, points_side: 3, blob_pixels: 3, width: 40, depth: 2, "
                        "batch_size: 16, steps: 300, learning_rate: 0.1", "blob_width: [0.4, 0.6]",
                        "parameters: [0, 300]"),
    "gradient_variance": ("steps: 2", "learning_rate: [0.03, 0.1]", ""),
}


def job(experiment):
    """The text of its job."""
    settings, axis, record = JOBS[experiment]
    name, values = axis.split(": ")
    return (f"experiment: {experiment.split()[0]}\nsettings: {{{settings}}}\n"
            f"grid: [{{name: {name}, values: {values}}}]\nseeds: 9\n"
            f"record: {{points: 8{', ' + record if record else ''}}}\n")


def digest(output, folder, *options, **changes):
    """Runs the job; the digest of its results."""
    result = command.phasegrid("run", "job.yaml", "-o", output, *options, cwd=folder, **changes)
    assert result.returncode == 0, result.stderr
    return command.phasegrid("verify", output, cwd=folder).stdout.split()[0]


@pytest.mark.parametrize("experiment", JOBS)
def test_bytes_depend_on_nothing_but_the_job(experiment, tmp_path):
    (tmp_path / "job.yaml").write_text(job(experiment))
    alone = digest("one.h5", tmp_path, "--ranks", 1)
    assert len(alone) == 64
    assert digest("three.h5", tmp_path, "--ranks", 3) == alone
    assert digest("scalar.h5", tmp_path, "--ranks", 2, PHASEGRID_KERNEL="scalar") == alone
    again = command.phasegrid("verify", "three.h5", "--recompute", 3, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
