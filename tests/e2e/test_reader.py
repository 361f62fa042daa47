# SPDX-License-Identifier: MIT
"""The Python reader and the pictures, on files written by h5py alone."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import h5py
import matplotlib
import numpy as np
import pytest
import scipy.integrate

matplotlib.use("Agg")
TOOLS = Path(__file__).parents[2] / "tools"
sys.path.insert(0, str(TOOLS))

import phasegrid  # noqa: E402
from fake_cube import DIVERGED, NEVER, NOT_RUN, NOT_WRITTEN, TODO, FakeCube  # noqa: E402
from phasegrid import style, two_point_theory  # noqa: E402


@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    matplotlib.pyplot.close("all")


RATES = [1e-4, 1e-3, 1e-2]
DECAYS = [0.0, 1.0, 5.0]
C, G, M, F = range(4)


@pytest.fixture
def path(tmp_path):
    """3 rates x 2 decays x 3 seeds; run 5 diverged, runs 16 and 17 not finished."""
    path = tmp_path / "sweep.h5"
    cube = FakeCube(path, {"decoder_lr": RATES, "weight_decay": DECAYS[:2], "seed": [3, 7, 8]})
    cube.phases([[[C, C, C], [G, C, 5]], [[G, G, M], [M, F, G]], [[F, F, F], [M, F, F]]])
    cube.steps("steps_to_train", np.full((3, 2, 3), 100))
    cube.steps("steps_to_test", [[[100, 200, NEVER], [NEVER, NEVER, 300]]] * 3)
    cube.steps("steps_to_rqi", np.full((3, 2, 3), NEVER))
    for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "rqi",
                 "effective_loss"):
        cube.trajectory(name, lambda run, step: run + 1 / (1 + step))
    cube.variable("embeddings", np.ones((3, 2, 3, 1, 1, 1), np.float32)
                  * np.ones((cube.file["step"].size, 4, 1), np.float32),
                  own=["step", "symbol", "embedding"])
    cube.variable("finished_at", np.full((3, 2, 3), 5.0), units="seconds since 1970-01-01")
    cube.variable("segment_count", np.full((3, 2), 7, np.int32), fill=0,
                  grid=["decoder_lr", "weight_decay"])
    status = np.full(18, 1, np.uint8)
    status[[5, 16, 17]] = DIVERGED, TODO, TODO
    cube.file["status"][...] = status.reshape(3, 2, 3)
    cube.close()
    return path


@pytest.fixture
def sweep(path):
    return phasegrid.open_sweep(path)


def test_axes_are_labelled(sweep):
    assert sweep["phase"].dims == ("decoder_lr", "weight_decay", "seed")
    assert sweep["decoder_lr"].values.tolist() == RATES
    assert sweep["seed"].values.tolist() == [3, 7, 8]
    assert phasegrid.grid_axes(sweep) == ["decoder_lr", "weight_decay"]


def test_unfinished_rows_are_masked_though_their_numbers_are_on_disk(path, sweep):
    with h5py.File(path) as file:
        assert file["phase"][2, 1, 1] == F and file["rqi"][2, 1, 1, 0] == 17
    last = sweep.isel(decoder_lr=2, weight_decay=1)
    assert last["finished"].values.tolist() == [True, False, False]
    assert last["phase"].values.tolist() == [M, NOT_RUN, NOT_RUN]
    assert last["phase"].dtype == np.uint8
    assert last["phase_name"].values.tolist() == ["memorization", "not_run", "not_run"]
    assert last["steps_to_test"].values.tolist() == [NEVER, NOT_WRITTEN, NOT_WRITTEN]
    assert np.isnan(last["rqi"].values[1:]).all()
    assert last["rqi"].values[0, 0] == 16
    assert last["rqi"].dtype == np.float32


def test_times_stay_numbers_with_their_unit(sweep):
    assert sweep["finished_at"].dtype == float and sweep["finished_at"].values[0, 0, 0] == 5
    assert sweep["finished_at"].attrs["units"] == "seconds since 1970-01-01"


def test_the_share_of_finished_seeds_that_generalise(sweep):
    """A diverged run is finished and does not; of the last cell one run is finished."""
    assert np.allclose(sweep["generalising_share"], [[1, 2 / 3], [2 / 3, 1 / 3], [0, 0]])
    none = sweep.assign(finished=sweep["finished"] & False)
    assert np.isnan(phasegrid.reader.generalising_share(none)).all()


def test_diverged_runs_are_finished(sweep):
    run = sweep.isel(phasegrid.locate_run(sweep, 5))
    assert bool(run["finished"]) and run["phase_name"].item() == "diverged"


def test_cell_variables_are_not_masked(sweep):
    assert (sweep["segment_count"].values == 7).all()


@pytest.mark.parametrize("key", [
    (0,), (slice(None), 1), (slice(2, None), slice(None), slice(1, 3), 4), (-1, -1, -1, -1),
    (slice(None, None, -1), slice(None), 0, slice(0, 9, 4)), ([0, 2], [1, 0], 0),
    (2, 1, [2, 0], slice(3, 5)),
])
def test_lazy_reads_equal_whole_reads(sweep, key):
    dims = sweep["rqi"].dims
    at = {dim: np.array(part) if isinstance(part, list) else part for dim, part in zip(dims, key)}
    whole = sweep["rqi"].copy(deep=True).load()
    lazy = sweep["rqi"].isel(at)
    np.testing.assert_array_equal(lazy.values, whole.isel(at).values)


def test_reading_leaves_no_handle_open(path, sweep):
    sweep["rqi"].mean().item()
    with h5py.File(path, "r+") as file:
        file["rqi"][0, 0, 0, 0] = 99
    assert sweep["rqi"][0, 0, 0, 0].item() == 99


def test_never_is_infinite_and_unfinished_is_nan(sweep):
    steps = phasegrid.crossing_steps(sweep, "steps_to_test")
    assert steps.values[0].tolist() == [[100, 200, np.inf], [np.inf, np.inf, 300]]
    assert np.isnan(steps.values[2, 1, 1:]).all()
    assert steps.median("seed").values[0].tolist() == [200, np.inf]


def test_majority_and_share(sweep):
    found = phasegrid.majority(sweep)
    assert found["phase_name"].values.tolist() == [
        ["comprehension", "comprehension"], ["grokking", "grokking"], ["confusion", "memorization"]]
    np.testing.assert_allclose(found["share"].values, [[1, 1 / 3], [2 / 3, 1 / 3], [1, 1]])
    assert found["tie"].values.tolist() == [[False, True], [False, True], [False, False]]
    assert found["finished"].values.tolist() == [[3, 3], [3, 3], [3, 1]]


def test_a_cell_without_finished_runs_is_not_run(path):
    with h5py.File(path, "r+") as file:
        file["status"][2, 1, :] = TODO
    found = phasegrid.majority(phasegrid.open_sweep(path)).isel(decoder_lr=2, weight_decay=1)
    assert found["phase_name"].item() == "not_run" and np.isnan(found["share"].item())


def test_select_takes_values_of_axes(sweep):
    cell = phasegrid.select(sweep, {"decoder_lr": "1e-3", "seed": 7})
    assert cell["decoder_lr"].item() == 1e-3 and cell["seed"].item() == 7


@pytest.mark.parametrize("wanted, expected", [
    ({"decoder_lr": "0.002"}, "decoder_lr has no value 0.002; its values are 0.0001, 0.001, 0.01"),
    ({"decoder_lr": "fast"}, "decoder_lr has no value fast"),
    ({"step": "0"}, "'step' is not an axis; the axes are decoder_lr, weight_decay, seed"),
])
def test_select_says_what_there_is(sweep, wanted, expected):
    with pytest.raises(phasegrid.SweepError, match=expected):
        phasegrid.select(sweep, wanted)


def test_settings_come_from_the_job_or_the_axis(path):
    with h5py.File(path, "r+") as file:
        file.attrs["job"] = '{"settings": {"phase_accuracy": 0.75}}'
    sweep = phasegrid.open_sweep(path)
    assert phasegrid.setting(sweep, "phase_accuracy") == 0.75
    assert phasegrid.setting(sweep, "decoder_lr") == RATES
    assert phasegrid.setting(sweep, "momentum") is None
    shares = phasegrid.plot_run(sweep.isel(phasegrid.locate_run(sweep, 0))).axes[1]
    assert any(list(line.get_ydata()) == [0.75, 0.75] for line in shares.lines)


def test_runs_are_numbered_row_major(sweep):
    assert phasegrid.locate_run(sweep, 10) == {"decoder_lr": 1, "weight_decay": 1, "seed": 1}
    with pytest.raises(phasegrid.SweepError, match="run 18: the file has runs 0 to 17"):
        phasegrid.locate_run(sweep, 18)


def test_text_axes_and_zipped_settings(tmp_path):
    path = tmp_path / "zip.h5"
    cube = FakeCube(path, {"decoder_widths": ["5-4", "20-20"], "pair": [0, 1, 2], "seed": [0]})
    cube.phases(np.full((2, 3, 1), G))
    cube.variable("decoder_lr", np.array(RATES), grid=["pair"])
    cube.file["phase"].attrs["coordinates"] = "decoder_lr"
    cube.close()
    sweep = phasegrid.open_sweep(path)
    assert "decoder_lr" in sweep.coords
    cell = phasegrid.select(sweep, {"decoder_lr": "1e-2", "decoder_widths": "20-20"})
    assert cell["pair"].item() == 2 and cell["decoder_widths"].item() == "20-20"
    axes = phasegrid.plot_phase_map(sweep, "decoder_widths", "pair").axes[0]
    assert tick_texts(axes.xaxis) == ["5-4", "20-20"]
    assert tick_texts(axes.yaxis) == ["$10^{-4}$", "$10^{-3}$", "$10^{-2}$"]
    assert axes.get_ylabel() == "pair: decoder lr"


@pytest.mark.parametrize("values, scale", [
    (np.logspace(-5, -2, 16), "log"), (np.arange(0, 21, 2), "linear"), ([0, 1, 2, 5, 10], "index"),
    ([5, 10, 15], "linear"), ([1, 10], "index"), ([0.0, 1e-3, 1e-2], "index"),
    ([1e-2, 1e-3, 1e-4], "log"),
])
def test_scale_of_an_axis(values, scale):
    assert style.spacing(np.asarray(values)) == scale


@pytest.mark.parametrize("values, scale", [
    ([1e-4, 3e-4, 1e-3, 3e-3, 1e-2], "log"), ([1, 10, 100], "log"), ([0, 1e-3, 1e-1], "linear"),
    ([1, 2, 5, 10], "linear"), ([20, 30, 40, 60], "linear"),
])
def test_scale_of_a_curve(tmp_path, values, scale):
    """1, 3, 10, 30, ... are not even, but want a logarithmic scale."""
    path = tmp_path / "curve.h5"
    cube = FakeCube(path, {"decoder_lr": values, "seed": [0, 1]})
    cube.trajectory("test_accuracy", lambda run, step: run + 0 * step)
    cube.close()
    figure = phasegrid.plot_curve(phasegrid.open_sweep(path))
    assert figure.axes[0].get_xscale() == scale


def test_labels_are_true_values():
    assert style.format_values(np.array([0, 0.5, 2, 10.0])) == ["0", "0.5", "2", "10"]
    assert style.format_values(np.array([1e-5, 3e-4, 1e-2])) == [
        "$10^{-5}$", r"$3\!\times\!10^{-4}$", "$10^{-2}$"]
    assert style.format_values(np.array([5, 45, 54])) == ["5", "45", "54"]


def test_phases_differ_in_grey():
    greys = sorted(style.lightness(colour) for colour, _ in style.PHASES.values())
    assert min(np.diff(greys)) > 0.02
    letters = [letter for _, letter in style.phase_styles([*style.PHASES, "gold", "grey"]).values()]
    assert len(set(letters)) == len(letters)


def tick_texts(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_phase_map_shows_values_letters_and_shares(sweep):
    axes = phasegrid.plot_phase_map(sweep, "decoder_lr", "weight_decay").axes[0]
    assert tick_texts(axes.xaxis) == ["$10^{-4}$", "$10^{-3}$", "$10^{-2}$"]
    assert tick_texts(axes.yaxis) == ["0", "1"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("decoder lr", "weight decay")
    # Row by row from below; a unanimous cell has no share, one seed of three is "1/1".
    assert texts(axes) == ["C", "G", "2/3", "F", "C=", "1/3", "G=", "1/3", "M", "1/1"]
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "a tie" in axes.get_legend().get_title().get_text()
    assert "C  comprehension, 2 cells" in legend and "×  diverged, 0 cells" in legend


def test_long_log_axis_has_decades_where_they_belong(tmp_path):
    path = tmp_path / "log.h5"
    cube = FakeCube(path, {"decoder_lr": np.logspace(-5, -2, 16), "weight_decay": DECAYS,
                           "seed": [0]})
    cube.phases(np.zeros((16, 3, 1)))
    cube.close()
    axis = phasegrid.plot_phase_map(phasegrid.open_sweep(path)).axes[0].xaxis
    assert tick_texts(axis) == ["$10^{-5}$", "$10^{-4}$", "$10^{-3}$", "$10^{-2}$"]
    np.testing.assert_allclose(axis.get_ticklocs(), [0, 5, 10, 15])


def test_run_picture_marks_its_crossings(sweep):
    figure = phasegrid.plot_run(sweep.isel(phasegrid.locate_run(sweep, 1)))
    assert texts(figure.axes[0]) == ["train 100", "test 200"]
    labels = [line.get_label() for line in figure.axes[1].lines]
    assert labels[:3] == ["train accuracy", "test accuracy", "RQI"]


def test_run_picture_ends_where_the_run_ended(path):
    with h5py.File(path, "r+") as file:
        steps = file["step"][...]
        file["rqi"][0, 0, 0] = np.where(steps < 700, 0.25, 0.75)  # measured at step 700
        last = file.create_dataset("last_step", data=np.full((3, 2, 3), 700))
        for axis, name in enumerate(("decoder_lr", "weight_decay", "seed")):
            last.dims[axis].attach_scale(file[name])
    assert 700 not in steps
    figure = phasegrid.plot_run(phasegrid.open_sweep(path).isel(decoder_lr=0, weight_decay=0, seed=0))
    line = next(line for line in figure.axes[1].lines if line.get_label() == "RQI")
    assert (line.get_xdata()[-1], line.get_ydata()[-1]) == (700, 0.75)
    assert line.get_xdata()[-2] < 700 and line.get_ydata()[-2] == 0.25


def test_steps_picture_counts_never(sweep):
    figure = phasegrid.plot_steps(phasegrid.select(sweep, {"weight_decay": 1}), "decoder_lr")
    assert texts(figure.axes[0])[:3] == ["2/3", "2/3", "1/1"]
    assert "budget 10,000" in texts(figure.axes[0])


def test_embeddings_picture_names_its_symbols(sweep):
    figure = phasegrid.plot_embeddings(sweep.isel(phasegrid.locate_run(sweep, 0)))
    assert texts(figure.axes[0])[:4] == ["0", "1", "2", "3"]


def test_curve_has_the_mean_of_the_seeds_at_true_values(tmp_path):
    path = tmp_path / "curve.h5"
    cube = FakeCube(path, {"data_fraction": [0.1, 0.2, 0.5, 0.9], "seed": [0, 1]})
    cube.phases(np.zeros((4, 2)))
    cube.variable("score", [[0, 2], [1, 3], [2, 4], [np.nan, 6]])
    cube.variable("bound", [[1, 1], [2, 2], [3, 3], [4, 4]])
    cube.close()
    lines = phasegrid.plot_curve(phasegrid.open_sweep(path), show=["score", "bound"]).axes[0].lines
    assert [line.get_label() for line in lines] == ["score", "bound"]
    assert [line.get_linestyle() for line in lines] == ["-", "--"]
    np.testing.assert_allclose(lines[0].get_xdata(), [0.1, 0.2, 0.5, 0.9])
    np.testing.assert_allclose(lines[0].get_ydata(), [1, 2, 3, 6])
    np.testing.assert_allclose(lines[1].get_ydata(), [1, 2, 3, 4])


def test_scale_of_values_and_what_the_legend_says(tmp_path):
    """Decades want a logarithmic scale, but an accuracy's; dashes are spoken of where there are any."""
    path = tmp_path / "curve.h5"
    values = np.array([[1e-5, 2e-5], [1e-3, 2e-3], [1, 2]])
    cube = FakeCube(path, {"data_fraction": [0.1, 0.5, 0.9], "seed": [0, 1]})
    cube.variable("growth", values)
    cube.variable("best_accuracy", values / 2)
    cube.variable("bound", np.broadcast_to(values[:, :1], (3, 2)))
    cube.close()
    for show, scale, dashes in ((["growth"], "log", False), (["best_accuracy"], "linear", False),
                                (["growth", "bound"], "log", True)):
        axes = phasegrid.plot_curve(phasegrid.open_sweep(path), show=show).axes[0]
        assert axes.get_yscale() == scale
        assert ("dashes" in axes.get_legend().get_title().get_text()) == dashes


def test_lowest_panels_have_the_label_and_the_numbers(tmp_path):
    """Seven panels, four in the first row: the last of these has none below it. Steps are counted in steps."""
    path = tmp_path / "curve.h5"
    cube = FakeCube(path, {"width": [1, 2, 3, 4, 5, 6, 7], "seed": [0]})
    cube.trajectory("growth", lambda run, step: run + step)
    cube.close()
    panels = phasegrid.plot_curve(phasegrid.open_sweep(path), "step", ["growth"], "width").axes[:7]
    assert [panel.get_xlabel() for panel in panels] == [""] * 3 + ["step"] * 4
    assert [panel.xaxis.get_major_ticks()[0].label1.get_visible() for panel in panels] == [False] * 3 + [True] * 4


def test_title_of_a_panel_breaks_between_settings(tmp_path):
    path = tmp_path / "curve.h5"
    cube = FakeCube(path, {"init_gain": [0.1, 0.5], "seed": [0]})
    cube.close()
    sweep = phasegrid.open_sweep(path).rename(init_gain="network").assign_coords(
        init_gain=("network", [0.1, 0.5]), learning_rate=("network", [0.005, 0.01]))
    assert style.panel_title(sweep, "network", 0, inches=4) == "init gain = 0.1,  learning rate = 0.005"
    assert style.panel_title(sweep, "network", 0, inches=1.5) == "init gain = 0.1,\nlearning rate = 0.005"


# ---- representations of points ----

GRID_POINTS = [(c, u, v) for c in (0, 1) for u in (-1, 0, 1) for v in (-1, 0, 1)]


def blobs(path, seen):
    """Two cells, one seed, one layer, 3 x 3 points in two contexts; squared distances at the first step are
    those of the inputs (c, u, v), at the last those of seen(cell, c, u, v)."""
    cube = FakeCube(path, {"gain": [0.5, 2.0], "seed": [0]})
    steps, inputs = cube.file["step"].size, np.array(GRID_POINTS, float)
    cube.dimension("layer", [0])
    cube.dimension("pair", np.arange(153))
    cube.file.attrs["job"] = json.dumps({"settings": {"task": "blobs", "points_side": 3}})
    targets = np.array([[u, v][c] for c, u, v in GRID_POINTS], float)
    h = np.zeros((2, 1, steps, 1, 153), np.float32)
    for cell in range(2):
        ends = np.array([seen(cell, *point) for point in GRID_POINTS], float)
        h[cell, 0, :, 0] = [pair_up(inputs) ** 2] * (steps - 1) + [pair_up(ends) ** 2]
    cube.variable("h", h, own=["step", "layer", "pair"])
    cube.variable("pair_target", np.tile(pair_up(targets[:, None]), (2, 1, 1)), own=["pair"])
    cube.variable("last_step", np.full((2, 1), 10000, np.int64))
    cube.close()
    return phasegrid.open_sweep(path)


def pair_up(points):
    """Distances of all pairs i < j, in lexicographic order."""
    return np.array([np.linalg.norm(a - b) for a, b in itertools.combinations(points, 2)])


def test_mds_has_the_distances_and_the_targets_of_the_points(tmp_path):
    def seen(cell, c, u, v):
        return (u, v) if cell == 0 else (3 * (u, v)[c], 0.1 * c)
    sweep = blobs(tmp_path / "blobs.h5", seen)
    panels = np.reshape(phasegrid.plot_mds(sweep, "gain").axes[:4], (2, 2))  # (first and last, cell)
    for cell in range(2):
        shown = np.concatenate([group.get_offsets() for group in panels[1, cell].collections])
        ends = np.array([seen(cell, *point) for point in GRID_POINTS], float)
        np.testing.assert_allclose(pair_up(shown), pair_up(ends), atol=1e-5)
        colours = np.concatenate([group.get_array() for group in panels[1, cell].collections])
        np.testing.assert_allclose(colours, [[u, v][c] for c, u, v in GRID_POINTS], atol=1e-9)
    assert np.corrcoef(shown[:, 0], colours)[0, 1] > 0.99
    assert "100 %" in texts(panels[1, 1]) and "100 %" not in texts(panels[0, 1])
    titles = [panel.get_title() for panel in panels.flat]
    assert titles == ["gain = 0.5\nstep 0", "gain = 2\nstep 0", "step 10000", "step 10000"]


def test_mds_joins_neighbours(tmp_path):
    """Lines along the coordinate that is the target, here twice as far apart, dots along the other."""
    sweep = blobs(tmp_path / "blobs.h5", lambda _, c, u, v: (2 * u + 9 * c, v) if c == 0 else (u + 9, 2 * v))
    panel = phasegrid.plot_mds(sweep.isel(gain=0)).axes[1]
    for style, apart in (("-", 2), (":", 1)):
        lines = [line.get_xydata() for line in panel.lines if line.get_linestyle() == style]
        assert len(lines) == 6
        for line in lines:
            np.testing.assert_allclose(np.linalg.norm(np.diff(line, axis=0), axis=1), apart, atol=1e-5)


def two_points(path, rates=(2e-3, 5e-3), fitted=True):
    """One run that is the theory itself, |dx| = 1.5, |dy*| = 0.8: the linear network of one hidden unit p
    and decoder a that it equals, p' = -eh X p (p a - dy*) a / 2 ... by scipy's other method."""
    encoder, decoder = rates
    x2, target = 1.5 ** 2, 0.8

    def slopes(_, state):
        p, a, b = state
        return (-0.5 * encoder * x2 * (p * (a * a + b * b) - a * target), -0.5 * decoder * p * (p * a - target),
                -0.5 * decoder * p * p * b)

    cube = FakeCube(path, {"gain": [1.0], "seed": [0]})
    steps = cube.file["step"][...].astype(float)
    p, a, b = scipy.integrate.solve_ivp(slopes, (0, steps[-1]), (0.3, 0.1, 0.05), "LSODA", steps, rtol=1e-10,
                                        atol=1e-12).y
    y = p * p * (a * a + b * b)
    cube.dimension("layer", [0])
    cube.dimension("pair", [0])
    for name, values in (("h", p * p), ("y", y), ("w", y - p * a * target)):
        own = ["step", "layer", "pair"] if name == "h" else ["step", "pair"]
        cube.variable(name, values.reshape(1, 1, -1, *[1] * (len(own) - 1)), own=own)
    for name, rate in (("encoder_rate", encoder), ("decoder_rate", decoder)):
        cube.variable(name, np.full((1, 1, 1), 1.3 * rate if fitted else np.nan), own=["layer"])
    for name, value in (("pair_input", 1.5), ("pair_target", target)):
        cube.variable(name, np.full((1, 1, 1), value), own=["pair"])
    cube.variable("last_step", np.full((1, 1), 10000, np.int64))
    cube.close()
    return phasegrid.open_sweep(path)


def test_ablation_fits_each_equation(tmp_path):
    """The theory fits a run that is the theory's; no wrong equation does."""
    sweep = two_points(tmp_path / "run.h5")
    panels = phasegrid.plot_ablation(sweep).axes
    titles = [panel.get_title().split("\n") for panel in panels[:5]]
    assert [title[0] for title in titles] == ["theory", "y' doubled", "h' doubled",
                                              "encoder's term of w' flipped", "no encoder's term in y'"]
    assert all(float(title[1].split()[0]) > 100 for title in titles[1:])
    for index, name in enumerate("hyw"):
        dots, line = panels[0].lines[2 * index:2 * index + 2]
        assert dots.get_label() == name
        values = sweep[name].values.ravel()
        np.testing.assert_allclose(line.get_ydata(), values, atol=2e-3 * np.abs(values).max())


def test_stiff_equation_ends():
    """Where h falls to nothing, steps shrink: a search may try such rates and must come back from them."""
    assert two_point_theory.curves(np.arange(0.0, 6001.0, 50.0), (8e-3, 3e-6, 1e-3), (10, 0.004), 1.0, 0.5,
                                   two_point_theory.EQUATIONS["y' doubled"]) is None


def test_pictures_of_points_say_what_they_need(path, tmp_path):
    points = two_points(tmp_path / "run.h5", fitted=False)
    for draw, sweep, expected in (
            (phasegrid.plot_mds, phasegrid.open_sweep(path), "the file has no h: expected one of the experiment"),
            (phasegrid.plot_ablation, phasegrid.open_sweep(path), "the file has no h: expected one of"),
            (phasegrid.plot_mds, points, "two points have one distance and no plane"),
            (phasegrid.plot_ablation, points, "no rates were fitted at layer 0")):
        with pytest.raises(phasegrid.SweepError, match=expected):
            draw(sweep)
    sweep = blobs(tmp_path / "blobs.h5", lambda cell, *point: point)
    with pytest.raises(phasegrid.SweepError, match="'taste' is no axis that is left; these are: gain, seed, lay"):
        phasegrid.plot_mds(sweep, "taste")
    with pytest.raises(phasegrid.SweepError, match="choose gain too"):
        phasegrid.plot_mds(sweep)
    for name in ("encoder_rate", "decoder_rate", "y", "w", "pair_input"):
        sweep[name] = sweep["h"]
    with pytest.raises(phasegrid.SweepError, match="the theory is of two points, this file has 153 pairs"):
        phasegrid.plot_ablation(sweep.isel(gain=0))


def test_line_of_theory_stands_where_its_values_are(tmp_path):
    path = tmp_path / "line.h5"
    cube = FakeCube(path, {"encoder_lr": [1e-3, 1e-2], "decoder_lr": [1e-4, 1e-3, 1e-2],
                           "seed": [0]})
    cube.phases(np.zeros((2, 3, 1)))
    cube.variable("boundary", np.broadcast_to([[[1e-3]], [[1e-3 * 10 ** 0.5]]], (2, 3, 1)))
    cube.close()
    line, = phasegrid.plot_phase_map(phasegrid.open_sweep(path), line="boundary").axes[0].lines
    np.testing.assert_allclose(line.get_xydata(), [[0, 1], [1, 1.5]])


def plot(*arguments):
    return subprocess.run([sys.executable, "-m", "phasegrid", "plot", *map(str, arguments)],
                          cwd=TOOLS, capture_output=True, text=True)


@pytest.mark.parametrize("arguments", [
    [], ["--kind", "run", "--run", 0], ["--kind", "embeddings", "--run", 0],
    ["--kind", "steps", "--x", "decoder_lr", "--select", "weight_decay=1"],
    ["--kind", "run", "--select", "decoder_lr=1e-4", "weight_decay=0", "--select", "seed=3"],
    ["--x", "seed", "--y", "decoder_lr", "--columns", "weight_decay"],
    ["--kind", "curve", "--x", "decoder_lr", "--columns", "weight_decay", "--show", "rqi",
     "steps_to_test"],
    ["--kind", "curve", "--x", "step", "--show", "rqi", "--select", "decoder_lr=1e-4",
     "weight_decay=0"],
])
def test_command_writes_a_png(path, tmp_path, arguments):
    picture = tmp_path / "picture.png"
    result = plot(path, *arguments, "-o", picture)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(picture)
    assert picture.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("arguments, expected", [
    (["--x", "momentum"], "'momentum' is no axis that is left; these are: decoder_lr, weight_decay"),
    (["--x", "seed"], "more axes than the map has"),
    (["--kind", "run"], "choose decoder_lr, weight_decay, seed too"),
    (["--kind", "run", "--run", "17"], "this run is not finished"),
    (["--kind", "run", "--run", "18"], "the file has runs 0 to 17"),
    (["--kind", "steps", "--x", "decoder_lr"], "choose one value each: weight_decay = 0.0, 1.0"),
    (["--kind", "steps", "--y", "seed"], "--y goes with --kind map"),
    (["--select", "decoder_lr"], "expected NAME=VALUE"),
    (["--show", "rqi"], "--show goes with --kind curve, not map"),
    (["--kind", "curve", "--x", "decoder_lr", "--show", "rqi"], "choose one value each: weight_decay"),
    (["--kind", "curve", "--columns", "weight_decay", "--show", "taste"],
     "'taste' is no variable of this file; numbers are: "),
    (["--kind", "mds"], "the file has no h: expected one of the experiment two_point"),
    (["--kind", "ablation", "--run", "0"], "the file has no h: expected one of the experiment two_point"),
    (["--line", "taste"], "'taste' is no variable of this file"),
    (["--run", "0"], "--run goes with --kind run"),
    (["-o", "picture.nonsense"], "nonsense"),
    (["--kind", "cake"], "invalid choice: 'cake'"),
])
def test_command_says_what_is_wrong(path, arguments, expected):
    result = plot(path, *arguments)
    assert result.returncode == 1
    assert "phasegrid plot: " in result.stderr and expected in result.stderr
    assert "Traceback" not in result.stderr


def test_what_is_no_results_file_is_refused(tmp_path):
    missing, text, other = (tmp_path / name for name in ("missing.h5", "text.h5", "other.h5"))
    text.write_text("not HDF5")
    h5py.File(other, "w").close()
    for file, expected in ((missing, "no such file"), (text, "not an HDF5 file"),
                           (other, "not a results file of phasegrid")):
        result = plot(file)
        assert result.returncode == 1 and f"{file}: {expected}" in result.stderr
