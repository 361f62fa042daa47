# SPDX-License-Identifier: MIT
"""A reminder, not an oracle: when a run's bytes change, `numerics` is to be raised.

The stored digest covers every trajectory and the last parameters of a small job with both tasks,
both optimisers, both activations and mini-batches. A change that alters them on purpose raises
PG_NUMERICS in include/phasegrid/sweep.h and writes both new values into numerics.json.
"""

import hashlib
import json
from pathlib import Path

import h5py

import command

STORED = json.loads((Path(__file__).parent / "numerics.json").read_text())
JOB = """\
experiment: addition
settings: {steps: 300, decoder_width: 37, train_count: 45, decoder_lr: 1e-3, momentum: 0.5}
grid:
  - {name: task, values: [regression, classification]}
  - {name: optimizer, values: [adamw, sgd]}
  - {name: activation, values: [tanh, relu]}
  - {name: batch_size, values: [0, 19]}
seeds: [3]
record: {points: 16, parameters: [300]}
"""


def test_the_bytes_of_a_run_belong_to_its_numerics(tmp_path):
    (tmp_path / "job.yaml").write_text(JOB)
    result = command.phasegrid("run", "job.yaml", "-o", "out.h5", "--ranks", 1, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    digest = hashlib.sha256()
    with h5py.File(tmp_path / "out.h5") as file:
        for name in ("train_loss", "test_loss", "rqi", "embeddings", "parameters"):
            digest.update(file[name][...].tobytes())
        found = {"numerics": int(file.attrs["numerics"]), "sha256": digest.hexdigest()}
    assert found == STORED, "a run's bytes changed: raise PG_NUMERICS and store both values"
