# SPDX-License-Identifier: MIT
"""The symbols' embeddings of one run over its steps.

One dimension: each symbol's value over the log steps. More: the plane of the first two principal
components of the last embedding, with each symbol's path through it.
"""

import matplotlib.pyplot as plt
import numpy as np

from .reader import SweepError
from .style import INK, MUTED, RC
from .trajectory import mark_crossings, measured, one_run, step_axis, title_run


def plot_embeddings(sweep):
    """Draws the one run that `sweep` has been narrowed to and returns the figure."""
    run = one_run(sweep)
    if "embeddings" not in run:
        raise SweepError("this file has no embeddings")
    steps, values = measured(run.transpose(..., "step", "symbol", "embedding"), "embeddings")
    with plt.rc_context(RC):
        if values.shape[2] == 1:
            figure = draw_line(run, steps, values[:, :, 0])
        else:
            figure = draw_plane(values)
        title_run(figure, run)
    return figure


def colours(count):
    """One colour a symbol, dark to light in the symbols' order."""
    return plt.get_cmap("viridis")(np.linspace(0.0, 0.85, count))


def draw_line(run, steps, values):
    """(step, symbol) over the steps, with the symbols' names at the right."""
    figure, axes = plt.subplots(figsize=(8, 5.2), layout="constrained")
    palette = colours(values.shape[1])
    for symbol, colour in enumerate(palette):
        axes.plot(steps, values[:, symbol], color=colour, linewidth=1.6)
    for symbol, height in enumerate(spread(values[-1], axes)):
        axes.annotate(str(symbol), (steps[-1], height), xytext=(5, 0), textcoords="offset points",
                      va="center", fontsize=9, fontweight="bold", color=palette[symbol])
    step_axis(axes, run)
    axes.set_ylabel("embedding")
    mark_crossings((axes,), run)
    return figure


def spread(heights, axes):
    """The heights, moved apart where labels would overlap."""
    low, high = axes.get_ylim()
    gap = 0.035 * (high - low)
    order, placed = np.argsort(heights), np.array(heights, dtype=float)
    for before, after in zip(order[:-1], order[1:]):
        placed[after] = max(placed[after], placed[before] + gap)
    return placed - np.mean(placed - heights)


def draw_plane(values):
    """(step, symbol, embedding) in the plane of the last embedding's principal components."""
    last = values[-1] - values[-1].mean(axis=0)
    _, _, components = np.linalg.svd(last, full_matrices=False)
    plane = (values - values[-1].mean(axis=0)) @ components[:2].T
    figure, axes = plt.subplots(figsize=(6.6, 6.2), layout="constrained")
    for symbol, colour in enumerate(colours(plane.shape[1])):
        axes.plot(*plane[:, symbol].T, color=colour, linewidth=0.9, alpha=0.6)
        axes.plot(*plane[0, symbol], "o", markersize=3, color=colour)
        axes.annotate(str(symbol), plane[-1, symbol], ha="center", va="center", fontsize=10,
                      fontweight="bold", color="white",
                      bbox={"boxstyle": "circle,pad=0.25", "facecolor": colour, "edgecolor": INK,
                            "linewidth": 0.5})
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel("first principal component of the last embedding")
    axes.set_ylabel("second")
    axes.annotate("dot: step 0, number: last step", (1, 1), xycoords="axes fraction", ha="right",
                  fontsize=8, color=MUTED)
    return figure
