# SPDX-License-Identifier: MIT
"""The published maps of GenEFT at their budget (Baek, Liu and Tegmark 2024, arXiv:2402.05916); some
40 minutes. Files that PHASEGRID_SCIENCE_DIR has are judged as they are."""

import numpy as np
import pytest

import harness
from cube import Cube

C, G, M, F = range(4)


@pytest.fixture(scope="module", name="cube")
def make_cube(tmp_path_factory):
    """A job of the project by its name, run once."""
    cubes = {}

    def run(name):
        if name not in cubes:
            cubes[name] = Cube([harness.published(name, tmp_path_factory.mktemp(name))])
        return cubes[name]
    return run


def rates(cube):
    """eta_enc, eta_dec and ratio of every cell of a map over both."""
    encoder, decoder = np.meshgrid(cube.axes["representation_lr"], cube.axes["decoder_lr"],
                                   indexing="ij")
    return encoder, decoder, decoder / encoder


def test_the_ratio_of_the_rates_decides(cube):
    """B3, over the whole map of Fig. 5."""
    phase = cube("relation-lr")["phase"]
    encoder, decoder, ratio = rates(cube("relation-lr"))
    generalises = (phase == C) | (phase == G)
    equal = generalises[(ratio <= 3.4) & (encoder > 2.9e-4) & (decoder > 2.9e-4)]
    apart = generalises[ratio >= 29]
    confused = phase[(decoder > 0.09) & (encoder < 3.1e-3)] == F
    print(equal.mean(), apart.mean(), confused.mean())
    assert equal.mean() >= 0.9
    assert apart.mean() <= 0.3
    assert confused.mean() >= 0.7


def test_scaling_both_rates_keeps_the_phase(cube):
    """B4: 1e-3, 3e-3, 1e-2, the majority of the seeds."""
    encoder, decoder, ratio = rates(cube("relation-lr"))
    chosen = (abs(ratio - 1) < 0.01) & (encoder > 0.9e-3) & (encoder < 1.1e-2)
    phase = cube("relation-lr")["phase"][chosen]
    print(phase)
    assert len(phase) == 3
    assert np.all([np.median(cell) == np.median(phase[0]) for cell in phase])


def boundary(phase, generalises):
    """Of each encoder rate, how many decoder rates, from the smallest on, most seeds generalise at."""
    most = np.mean(generalises(phase), axis=-1) > 0.5
    return np.sum(np.logical_and.accumulate(most, axis=-1), axis=-1)


@pytest.mark.xfail(strict=True, reason="any decay makes memorisation grokking: docs/relation.md")
def test_decay_does_not_move_the_boundary(cube):
    """B4."""
    places = boundary(cube("relation-decay")["phase"], lambda phase: phase <= G)
    print(places)
    assert np.max(np.abs(places - places[0])) <= 1


def test_no_relation_exceeds_its_bound(cube):
    """B5: accuracy on all pairs, mean of the seeds, against f_UB."""
    cube = cube("relation-fraction")
    share = cube.axes["data_fraction"][:, None]
    accuracy = cube["train_accuracy"][..., -1] * share + cube["test_accuracy"][..., -1] * (1 - share)
    excess = accuracy.mean(axis=-1) - cube["accuracy_bound"].mean(axis=-1)
    print(excess)
    assert excess.max() <= 0.06


def fraction_needed(fractions, accuracy):
    """The data fraction at which a rising curve reaches .9, between its points."""
    return np.interp(0.9, np.maximum.accumulate(accuracy), fractions)


@pytest.mark.xfail(strict=True, reason="mod 3 and greater-than need the same: docs/relation.md")
def test_relations_need_data_in_the_order_of_their_bits(cube):
    """B5: bipartite before mod 3 before greater-than."""
    cube = cube("relation-fraction")
    accuracy = cube["test_accuracy"][..., -1].mean(axis=-1)
    needed = [fraction_needed(cube.axes["data_fraction"], curve) for curve in accuracy]
    print(needed)
    assert needed[0] < needed[1] < needed[2]


def test_decoders_of_the_ideal_form_need_less_data(cube):
    """B5: no hidden layer behind squared differences (mod 3) and differences (greater-than), against
    three behind both embeddings."""
    cube = cube("relation-decoders")
    accuracy = cube["test_accuracy"][..., -1].mean(axis=-1)  # relation, embedding, depth, fraction
    for relation, embedding in ((0, 2), (1, 1)):
        ideal, usual = (fraction_needed(cube.axes["data_fraction"], curve) for curve in
                        (accuracy[relation, embedding, 0], accuracy[relation, 0, 1]))
        print(ideal, usual)
        assert ideal < usual
