# SPDX-License-Identifier: MIT
"""tools/peers: all train the same thing, and the driver says what it measured and what not."""

import importlib
import json
import math
import subprocess
import sys

import numpy as np
import pytest

import command

PEERS = command.ROOT / "tools" / "peers"
STEPS = 12


@pytest.fixture(autouse=True)
def peers_importable(monkeypatch):
    """tools/peers is a program, not a package."""
    monkeypatch.syspath_prepend(str(PEERS))


def make_workload(name):
    return importlib.import_module("workloads").WORKLOADS[name]()


def make_trainer(peer, workload, variant):
    return importlib.import_module(peer).Trainer(workload, variant)


def hand_losses(workload):
    trainer = make_trainer("numpy_by_hand", workload, "sum")
    return [trainer.advance(1)[0] for _ in range(STEPS)]


@pytest.mark.parametrize("name, pairs, parameters", [
    ("W1", 44, 10 + 200 + 200 + 200 * 200 + 200 + 200 * 30 + 30),
    ("W2", 1740, 59 * 64 + 64 * 256 + 256 + 256 * 59 + 59)])
def test_workloads_are_the_described_ones(name, pairs, parameters):
    workload = make_workload(name)
    assert len({tuple(pair) for pair in workload.pairs}) == pairs
    assert sum(value.size for value in workload.initial(0)) == parameters


@pytest.mark.parametrize("name", ["W1", "W2"])
def test_hand_written_gradient_is_the_slope(name):
    """Along the gradient g itself the loss rises by |g| a unit of length."""
    workload = make_workload(name)
    trainer = make_trainer("numpy_by_hand", workload, "sum")
    trainer.forward()
    trainer.loss()
    trainer.backward()
    slope = float(np.linalg.norm(trainer.optimizer.gradient))
    along = trainer.optimizer.gradient / np.float32(slope)
    start = trainer.optimizer.parameters.copy()
    losses = []
    for distance in (-0.01, 0.01):
        trainer.optimizer.parameters[:] = start + np.float32(distance) * along
        trainer.forward()
        losses.append(trainer.loss())
    assert (losses[1] - losses[0]) / 0.02 == pytest.approx(slope, rel=0.01)


def test_hand_written_adamw_is_the_papers():
    """Loshchilov & Hutter 2019, algorithm 2, in double."""
    workload = make_workload("W1")
    optimizer = importlib.import_module("numpy_by_hand").AdamW(workload, np.ones(5, np.float32), 2)
    random, theta, m, v = np.random.default_rng(0), np.ones(5), np.zeros(5), np.zeros(5)
    decay = np.repeat([workload.embedding_decay, workload.layer_decay], [2, 3])
    for step in range(1, 30):
        gradient = random.standard_normal(5) * 10.0 ** random.integers(-4, 2)
        optimizer.gradient[:] = gradient
        optimizer.update()
        m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
        move = m / (1 - 0.9**step) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
        theta = theta - workload.learning_rate * (move + decay * theta)
    np.testing.assert_allclose(optimizer.parameters, theta, rtol=1e-5)


def test_fresh_classifier_knows_nothing():
    """59 classes, hardly told apart: a loss near log 59."""
    assert hand_losses(make_workload("W2"))[0] == pytest.approx(math.log(59), abs=0.2)


@pytest.mark.parametrize("name", ["W1", "W2"])
@pytest.mark.parametrize("peer, needs", [("torch_plain", "torch"), ("torch_batched", "torch"),
                                         ("jax_scan", "jax"), ("numpy_by_hand", "numpy")])
def test_peers_agree_step_for_step(name, peer, needs):
    """Same initial values, same losses, whoever differentiates and however many models."""
    pytest.importorskip(needs)
    workload = make_workload(name)
    expected = hand_losses(workload)
    assert expected[-1] < expected[0]
    for variant in importlib.import_module(peer).variants(name):
        if "compiled" in variant or "models 32" in variant:
            continue  # minutes of a compiler; memory
        trainer = make_trainer(peer, workload, variant)
        losses = [trainer.advance(1)[0] for _ in range(STEPS)]
        assert losses == pytest.approx(expected, rel=1e-4), variant


def test_relation_is_what_it_says():
    """W4's first loss, computed once more: binary cross-entropy of embeddings side by side."""
    pytest.importorskip("torch")
    workload = make_workload("W4")
    embedding, *layers = workload.initial(0)
    x = np.hstack([embedding[workload.pairs[:, 0]], embedding[workload.pairs[:, 1]]])
    for index, (weight, bias) in enumerate(zip(layers[0::2], layers[1::2])):
        x = (np.tanh(x) if index > 0 else x) @ weight + bias
    labels = (workload.pairs[:, 0] - workload.pairs[:, 1]) % 3 == 0
    expected = np.mean(np.logaddexp(0.0, x[:, 0]) - labels * x[:, 0])
    losses = make_trainer("torch_batched", workload, "models 4, for-loop").advance(1)
    assert losses[0] == pytest.approx(expected, rel=1e-5)


def compare(*arguments):
    return subprocess.run([sys.executable, PEERS, "--rounds", "2", "--seconds", "0.01",
                           "--phasegrid", command.PROGRAM, *map(str, arguments)],
                          capture_output=True, text=True, env=command.environment(), timeout=300)


def test_driver_measures_what_is_there_and_names_what_is_not(tmp_path):
    result = compare("--workload", "W1", "--peer", "numpy_by_hand", "--python", sys.executable,
                     "--python", "/nowhere/python", "--json", tmp_path / "peers.json")
    assert result.returncode == 0, result.stderr
    assert "not measured: all of /nowhere/python: " in result.stdout
    document = json.loads((tmp_path / "peers.json").read_text())
    assert any("/nowhere/python" in text for text in document["skipped"])
    row = next(row for row in document["rows"] if row["peer"] == "numpy by hand")
    assert np.__version__ in row["version"] and row["version"] in result.stdout
    assert len(row["rounds"]) == 2
    assert row["steps_per_cpu_s"] == pytest.approx(np.median(row["rounds"]))
    assert row["last_loss"] < row["first_loss"]
    assert "did not learn" not in result.stdout
    ours = [row for row in document["rows"] if row["peer"] == "phasegrid"]
    assert {row["workload"] for row in ours} == {"W1"} and len(ours) >= 2
    fastest = max(one["steps_per_cpu_s"] for one in ours)
    assert row["ours_over_peer"] == pytest.approx(fastest / row["steps_per_cpu_s"])


def test_driver_without_the_command(tmp_path):
    result = compare("--workload", "W1", "--peer", "numpy_by_hand", "--phasegrid",
                     tmp_path / "nowhere", "--json", tmp_path / "peers.json")
    assert result.returncode == 0, result.stderr
    assert "not measured: phasegrid on W1: " in result.stdout
    rows = json.loads((tmp_path / "peers.json").read_text())["rows"]
    assert rows and all(row["ours_over_peer"] is None for row in rows)


def test_driver_refuses_no_rounds():
    result = compare("--rounds", "0")
    assert result.returncode == 2 and "--rounds" in result.stderr
