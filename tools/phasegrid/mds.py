# SPDX-License-Identifier: MIT
"""Points as a hidden layer sees them: their representations in the plane, by classical multidimensional
scaling of their distances, before training and at its end."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np

from .reader import SweepError, setting
from .style import INK, MUTED, RC, describe, panel_title, single_coordinates, write_title
from .trajectory import last_step, one_run

PANELS_MAX = 6
NAMES_MAX = 16  # points that are named by their numbers
CONTEXTS = ("o", "s")


def plot_mds(sweep, columns=None):
    """Draws the points of the run that `sweep` has been narrowed to and returns the figure; `columns`
    spreads an axis of the grid, or the hidden layers, over panels. Upper row: the first recorded step,
    lower: the last one."""
    panels = panels_of(sweep, columns)
    side = grid_side(sweep)
    colours = target_of(matrix(panels[0]["pair_target"].values))
    with plt.rc_context(RC):
        figure, axes = plt.subplots(2, len(panels), squeeze=False, layout="constrained",
                                    figsize=(max(2.9 * len(panels) + 1, 6.4), 6.8))
        for index, (column, panel) in enumerate(zip(axes.T, panels)):
            like = colours
            for place, when in zip(column, (0, -1)):
                like = draw(place, matrix(np.sqrt(panel["h"].values[when])), like, colours, side)
            titles = [f"step {step}" for step in (int(panel["step"][0]), last_step(panel))]
            if columns:
                titles[0] = f"{panel_title(sweep, columns, index)}\n{titles[0]}"
            for place, title in zip(column, titles):
                place.set_title(title, fontsize=9.5, fontweight="normal", loc="center")
        if colours is not None:
            figure.colorbar(axes[0, 0].collections[0], ax=axes, shrink=0.6, pad=0.02,
                            label="target (mean 0)")
        explain(figure, side)
        write_title(figure, sweep.attrs.get("title", "Representations in the plane"),
                    describe(sweep, single_coordinates(sweep)))
    return figure


def panels_of(sweep, columns):
    """One finished run at one layer for each panel."""
    for name in ("h", "pair_target"):
        if name not in sweep:
            raise SweepError(f"the file has no {name}: expected one of the experiment two_point")
    allowed = [dim for dim in sweep["h"].dims if dim not in ("step", "pair")]
    if columns and columns not in allowed:
        raise SweepError(f"'{columns}' is no axis that is left; these are: {', '.join(allowed) or 'none'}")
    count = sweep.sizes[columns] if columns else 1
    if count > PANELS_MAX:
        raise SweepError(f"{columns} has {count} values, the picture has room for {PANELS_MAX}")
    return [one_panel(sweep.isel({columns: i}) if columns else sweep) for i in range(count)]


def one_panel(sweep):
    """The run, of whose h there are (step, pair)."""
    run = one_run(sweep)
    if "layer" in run["h"].dims and run.sizes["layer"] > 1:
        raise SweepError(f"choose one value: layer = {', '.join(map(str, run['layer'].values))}")
    run = run.squeeze([dim for dim in run["h"].dims if dim == "layer"])
    if run.sizes["pair"] < 3:
        raise SweepError("two points have one distance and no plane; expected three or more")
    if not np.isfinite(run["h"].values[[0, -1]]).all():
        raise SweepError(f"layer {run['layer'].item()} has no distances of all points: the network has "
                         "fewer layers or fewer points, or the run diverged")
    return run


def matrix(pairs):
    """(points, points) of values for pairs i < j in lexicographic order."""
    count = int(round((1 + np.sqrt(1 + 8 * len(pairs))) / 2))
    values = np.zeros((count, count))
    values[np.triu_indices(count, 1)] = pairs
    return values + values.T


def scale(distances, dimensions, like=None):
    """Classical multidimensional scaling (Torgerson 1952): (points, dimensions) coordinates, centred, and
    the share of the squared distances' sum that they keep. Each axis points as `like` does: (points,
    dimensions), (points), or nothing."""
    centre = np.eye(len(distances)) - 1 / len(distances)
    values, vectors = np.linalg.eigh(-0.5 * centre @ distances ** 2 @ centre)
    kept = np.maximum(values[::-1][:dimensions], 0)
    found = vectors[:, ::-1][:, :dimensions] * np.sqrt(kept)
    if like is not None:
        found *= np.where(np.sum(found * np.reshape(like, (len(found), -1)), axis=0) < 0, -1, 1)
    total = np.maximum(values, 0).sum()
    return found, kept.sum() / total if total > 0 else 1.0


def target_of(targets):
    """Each point's target, when one number says all their distances; None otherwise."""
    line, share = scale(targets, 1, np.arange(len(targets)))
    return line[:, 0] if share > 1 - 1e-9 else None


def grid_side(sweep):
    """Points along a side of the blobs' grid; None for other tasks."""
    return int(setting(sweep, "points_side")) if setting(sweep, "task") == "blobs" else None


def draw(axes, distances, like, colours, side):
    """The points of one state, coloured by their targets where those are numbers; returns where they are."""
    points, share = scale(distances, 2, like)
    shade = {"color": MUTED} if colours is None else {"cmap": "viridis", "vmin": colours.min(),
                                                      "vmax": colours.max()}
    if side:
        draw_mesh(axes, points, side)
    for context, places in enumerate(np.split(np.arange(len(points)), 2 if side else 1)):
        axes.scatter(*points[places].T, s=26, zorder=3, marker=CONTEXTS[context], linewidths=0.5,
                     edgecolors=INK, **({} if colours is None else {"c": colours[places]}), **shade)
    if len(points) <= NAMES_MAX:
        for number, point in enumerate(points):
            axes.annotate(str(number), point, xytext=(4, 4), textcoords="offset points", fontsize=8)
    axes.annotate(f"{100 * share:.0f} %", (1, 0), xycoords="axes fraction", ha="right", va="bottom",
                  fontsize=8, color=MUTED)
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.08)
    axes.locator_params(nbins=4)
    axes.tick_params(labelsize=8)
    return points


def draw_mesh(axes, points, side):
    """Joins neighbours of the inputs' grid: along the coordinate that matters by lines, along the other
    by dots."""
    first, second = points.reshape(2, side, side, 2)  # (context, u, v, plane)
    for matters, other in ((first.swapaxes(0, 1), first), (second, second.swapaxes(0, 1))):
        for lines, style in ((matters, "-"), (other, ":")):
            for line in lines:
                axes.plot(*line.T, style, color=MUTED, linewidth=0.9, zorder=1)


def explain(figure, side):
    """What markers, lines and numbers are."""
    text = "%: share of the squared distances that the plane shows"
    if side:
        text = ("circles, squares: the two contexts; lines join neighbours along the coordinate that is the "
                "target, dots along the other; " + text)
    figure.supxlabel(textwrap.fill(text, int(15 * figure.get_figwidth())), fontsize=8.5, color=MUTED)
