# SPDX-License-Identifier: MIT
"""Steps to generalise against one axis: median and range over seeds, "never" at the top.

Never counts as later than every step, so a median is "never" when more than half of the finished
seeds never cross; how many those are stands over each value.
"""

import matplotlib.pyplot as plt
import numpy as np

from .reader import SweepError, crossing_steps, grid_axes
from .style import (MUTED, RC, TEST, TRAIN, axis_label, describe, single_coordinates,
                    spacing, tick_labels, write_title)

LINES = (("steps_to_train", TRAIN, "s", "--", "train accuracy", -1),
         ("steps_to_test", TEST, "o", "-", "test accuracy", 1))


def plot_steps(sweep, x=None):
    """Draws both crossings over axis x and returns the figure; every other axis must have been
    chosen (see select())."""
    sweep, x = choose_axis(sweep, x)
    budget = float(sweep["step"][-1])
    with plt.rc_context(RC):
        figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
        never = budget * 1.5
        position = place(sweep[x])
        for name, colour, marker, line, label, side in LINES:
            steps = crossing_steps(sweep, name).transpose(x, ...).values.reshape(len(position), -1)
            draw_series(axes, position, steps, never, (colour, marker, line, label, side))
        draw_never(axes, budget, never)
        finish(axes, figure, sweep, x, position)
    return figure


def choose_axis(sweep, x):
    """The sweep without axes of one value, and the axis to draw over."""
    single = [dim for dim in grid_axes(sweep) if sweep.sizes[dim] == 1 and dim != x]
    sweep = sweep.isel({dim: 0 for dim in single})
    left = grid_axes(sweep)
    x = x or (left[0] if len(left) == 1 else None)
    if x not in left:
        raise SweepError("name the axis to draw over; left are: " + (", ".join(left) or "none"))
    others = [dim for dim in left if dim != x]
    if others:
        raise SweepError("choose one value each: " + "; ".join(
            f"{dim} = {', '.join(str(value) for value in sweep[dim].values)}" for dim in others))
    return sweep, x


def place(coordinate):
    """Where the values stand: true values on an even axis, 0, 1, 2, ... otherwise."""
    values = coordinate.values
    return np.arange(len(values)) if spacing(values) == "index" else values.astype(float)


def draw_series(axes, position, steps, never, look):
    """Median line, a bar from the fastest to the slowest seed, a dot for each seed."""
    colour, marker, line, label, side = look
    rows = [row[~np.isnan(row)] for row in steps]
    middle = np.array([median(row) for row in rows])
    shown = np.where(np.isinf(middle), np.nan, middle)
    axes.plot(position, shown, line, color=colour, linewidth=1.6, zorder=3)
    for x, row, centre in zip(position, rows, middle):
        if row.size:
            heights = np.where(np.isinf(row), never, row)
            axes.plot([x, x], [heights.min(), heights.max()], color=colour, linewidth=4, alpha=0.25,
                      solid_capstyle="round", zorder=1)
            axes.plot([x], [never if np.isinf(centre) else centre], marker, color=colour,
                      markerfacecolor="white" if np.isinf(centre) else colour, markersize=6,
                      zorder=4)
            write_never(axes, x, row, never, (colour, side))
    axes.plot([], [], line, marker=marker, color=colour, linewidth=1.6, label=label)


def median(row):
    """The lower median: a value that some seed has. NaN for no seed."""
    return np.sort(row)[(row.size - 1) // 2] if row.size else np.nan


def write_never(axes, x, row, never, look):
    """k/n over the value when some seeds never cross."""
    colour, side = look
    count = int(np.isinf(row).sum())
    if count:
        axes.annotate(f"{count}/{row.size}", (x, never), xytext=(0, 9 if side > 0 else -13),
                      textcoords="offset points", ha="center", fontsize=7.5, color=colour)


def draw_never(axes, budget, never):
    """The band above the budget."""
    axes.set_yscale("log")
    axes.axhspan(budget, never * 1.5, color="#f2f2f2", zorder=0)
    axes.axhline(budget, color=MUTED, linewidth=0.8)
    axes.set_ylim(top=never * 1.5)
    axes.annotate("never", (1.0, never), xycoords=("axes fraction", "data"), xytext=(4, 0),
                  textcoords="offset points", va="center", color=MUTED)
    axes.annotate(f"budget {int(budget):,}", (1.0, budget), xycoords=("axes fraction", "data"),
                  xytext=(4, 0), textcoords="offset points", va="center", color=MUTED, fontsize=8.5)


def finish(axes, figure, sweep, x, position):
    """Scales, labels, legend."""
    values = sweep[x].values
    if spacing(values) == "log":
        axes.set_xscale("log")
    if len(values) <= 9 or spacing(values) != "log":
        stride = -(-len(values) // 12)
        axes.set_xticks(position[::stride], tick_labels(sweep, x, "\n")[::stride])
        axes.set_xticks([], minor=True)
    axes.set_xlabel(axis_label(sweep, x))
    axes.set_ylabel("first step at threshold")
    seeds = sweep.sizes.get("seed", 1)
    axes.legend(loc="lower left", title=f"median and range over {seeds} seed{'s'[:seeds > 1]}; "
                "k/n seeds never", title_fontsize=8.5, ncols=2, alignment="left",
                bbox_to_anchor=(0, 1.0))
    write_title(figure, "Steps to generalise", describe(sweep, single_coordinates(sweep)))
