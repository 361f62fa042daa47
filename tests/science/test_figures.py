# SPDX-License-Identifier: MIT
"""The judges of the science tests themselves, on cases whose answer is known."""

import h5py
import numpy as np
import pytest

import liu2022
from cube import Cube
from liu2022 import Map


def letters(*rows):
    return np.array([list(row) for row in rows])


def reference_as_map(majority):
    rows, columns, _ = liu2022.reference_map()
    return Map(rows, columns, majority[..., None], majority, [58], 1)


def test_the_authors_map_has_the_published_counts():
    """17, 60, 60 and 39 cells; learning rates down the rows."""
    rows, columns, found = liu2022.reference_map()
    assert rows.shape == (16,) and columns.tolist() == list(range(11))
    assert [int(np.sum(found == letter)) for letter in "CGMF"] == [17, 60, 60, 39]
    assert "".join(found[0]) == "GGGGGGGGMMM" and "".join(found[-1]) == "MMMFFFFFFFF"


def test_the_authors_map_passes_its_own_figures():
    found = reference_as_map(liu2022.reference_map()[2])
    figures = liu2022.figure_6b_layout(found) + liu2022.figure_6b_cells(found)
    assert [figure.what for figure in figures if not figure.passed] == ["6b: good seeds"]


def test_a_map_of_grokking_alone_fails():
    """It agrees with 60 of 176 cells, and its kappa is 0."""
    theirs = liu2022.reference_map()[2]
    agreement, kappa, inside = liu2022.figure_6b_cells(reference_as_map(np.full_like(theirs, "G")))
    assert agreement.found == "34%" and kappa.found == "0.00"
    assert not (agreement.passed or kappa.passed or inside.passed)


def test_the_other_orientation_is_refused():
    rows, columns, theirs = liu2022.reference_map()
    with pytest.raises(ValueError, match="the axes differ"):
        liu2022.figure_6b_cells(Map(rows[::-1], columns, theirs[..., None], theirs, [1], 1))


def test_kappa_of_two_readers():
    """The textbook's 50 grant proposals: both yes 20, both no 15, 5 and 10 apart: kappa .4."""
    a = ["y"] * 25 + ["n"] * 25
    b = ["y"] * 20 + ["n"] * 5 + ["y"] * 10 + ["n"] * 15
    assert liu2022.cohen_kappa(np.array(a), np.array(b)) == pytest.approx(0.4)


@pytest.mark.parametrize("seen, expected", [
    ("CGG", "G"), ("GCCG", "G"), ("CGGC", "C"), ("-M-", "M"), ("--", "-"), ("MFFC", "F")])
def test_majority(seen, expected):
    assert liu2022.majority(list(seen)) == expected


def test_phases_from_crossings():
    """Lags of 1,000 and 1,001; never trained, never tested, neither, tested alone."""
    train = np.array([500, 500, 500, -1, -1, 900])
    test = np.array([1500, 1501, -1, -1, 700, 100])
    assert "".join(liu2022.letters_from_steps(train, test, -1)) == "CGMFXC"


def test_regions():
    found = letters("GGMM",
                    "GMMC",
                    "MMGG",
                    "CMGG")
    assert liu2022.largest_region(found == "G") == {(2, 2), (2, 3), (3, 2), (3, 3)}
    assert liu2022.touches(found, "G", "C")
    assert not liu2022.touches(found[:, :2], "G", "C")


def test_interior_needs_eight_neighbours():
    found = letters("GGGG", "GGGG", "GGGM")
    assert np.argwhere(liu2022.interior(found)).tolist() == [[1, 1]]


def grid_6a(slow, between, fast):
    rates = 10.0 ** np.linspace(-5, -2, 13)
    decoder, representation = np.meshgrid(rates, rates, indexing="ij")
    ratio = decoder / representation
    found = np.where(ratio > 2, fast, np.where(ratio < 0.11, slow, between))
    return Map(rates, rates, np.repeat(found[..., None], 5, axis=-1), found, [1, 2, 3, 4, 5], 5)


def test_figure_6a_counts_the_pages_cells():
    """66 fast cells and 36 slow ones; the boundary lies between them."""
    seeds, fast, slow = liu2022.figure_6a(grid_6a("C", "M", "M"))
    assert seeds.passed and fast.passed and slow.passed
    assert fast.found == "100.0% of 330 runs" and slow.found == "100% of 36 cells"
    _, fast, slow = liu2022.figure_6a(grid_6a("M", "M", "G"))
    assert not fast.passed and not slow.passed


def test_predicted_accuracy_of_a_number_line():
    """One pair per sum seen: a line predicts all 55 pairs, a random embedding the seen 19."""
    seen = np.zeros(55, bool)
    sums = liu2022.pairs(10).sum(axis=1)
    for value in range(19):
        seen[np.flatnonzero(sums == value)[0]] = True
    assert liu2022.predicted_accuracy(np.arange(10.0)[:, None] * 3 - 7, seen) == 1.0
    wild = np.random.default_rng(1).normal(size=(10, 3))
    assert liu2022.predicted_accuracy(wild, seen) == 19 / 55


def write_cube(path, seeds, decoder_lrs=(1e-4, 1e-3), ideal=1.0, rqi=800):
    with h5py.File(path, "w") as file:
        axes = {"decoder_lr": np.array(decoder_lrs), "weight_decay": np.array([0.0]),
                "seed": np.array(seeds)}
        for name, values in axes.items():
            file[name] = values
            file[name].make_scale(name)
        shape = tuple(len(values) for values in axes.values())
        file.attrs["job"] = ('{"experiment": "addition", "settings": {"task": "regression", '
                             '"representation_lr": 0.001, "train_count": 45}}')
        payload = {"status": np.ones(shape, np.uint8), "phase": np.zeros(shape, np.uint8),
                   "steps_to_rqi": np.full(shape, rqi), "ideal_test_accuracy": np.full(shape, ideal)}
        payload["phase"][1] = 2
        for name, values in payload.items():
            file[name] = values
            for axis, dim in enumerate(axes):
                file[name].dims[axis].attach_scale(file[dim])
        file["phase"].attrs["flag_values"] = np.array([0, 1, 2, 255], np.uint8)
        file["phase"].attrs["flag_meanings"] = "comprehension grokking memorization not_run"
    return path


def test_files_are_joined_over_seeds_and_bad_seeds_left_out(tmp_path):
    """Good: ideal accuracy reached, RQI within 10,000 steps."""
    cube = Cube([write_cube(tmp_path / "a.h5", [0, 1]),
                 write_cube(tmp_path / "b.h5", [2], ideal=0.8),
                 write_cube(tmp_path / "c.h5", [3], rqi=10001),
                 write_cube(tmp_path / "d.h5", [4], rqi=-1),
                 write_cube(tmp_path / "e.h5", [7], rqi=10000, ideal=0.9)])
    assert cube.axes["seed"].tolist() == [0, 1, 2, 3, 4, 7]
    name, found = liu2022.map_of(cube)
    assert name == "6b" and found.seeds == [0, 1, 7] and found.seeds_seen == 6
    assert found.majority.tolist() == [["C"], ["M"]]


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    first = write_cube(tmp_path / "a.h5", [0])
    with pytest.raises(ValueError, match="repeat seeds"):
        Cube([first, write_cube(tmp_path / "b.h5", [0])])
    with pytest.raises(ValueError, match="another axis decoder_lr"):
        Cube([first, write_cube(tmp_path / "c.h5", [1], decoder_lrs=(1e-4, 1e-2))])


def test_a_cube_without_default_run_is_refused(tmp_path):
    path = write_cube(tmp_path / "a.h5", [0], decoder_lrs=(1e-5, 1e-3))
    with pytest.raises(LookupError, match="decoder_lr does not hold 0.0001"):
        liu2022.map_of(Cube([path]))
