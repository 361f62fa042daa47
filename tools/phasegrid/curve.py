# SPDX-License-Identifier: MIT
"""Variables against one axis, or along the run: mean over seeds and their range, theory beside data
where the file has it."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from .reader import SweepError, grid_axes
from .style import (MUTED, RC, axis_label, describe, panel_title, single_coordinates, spacing,
                    tick_labels, write_title)

PANELS_MAX = 5  # side by side
THEORY = "theory_"  # theory_h is the theory of h
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
MARKERS = "osD^vP*"
LEGEND_INCHES = 2.2  # with the labels of the axis at the other side


def plot_curve(sweep, x=None, show=None, columns=None):
    """Draws the variables named in `show` (texts) over an axis or a dimension of theirs ("step") and
    returns the figure; `columns` spreads another over panels. Of a variable along the run the last
    value is taken, unless x is "step". Every other axis must have been chosen (see select())."""
    names = names_of(sweep, show)
    sweep, x = choose(sweep, x, columns, own_dims(sweep, names))
    values = [variable(sweep, name, (x, columns)) for name in names]
    shown = panels_of(values, columns) if columns else [None]
    panels = len(shown)
    rows = -(-panels // PANELS_MAX)
    across = -(-panels // rows)
    width = max(3.4 * across, 7)
    with plt.rc_context(RC):
        figure, axes = plt.subplots(rows, across, squeeze=False, sharex=rows > 1, sharey=True,
                                    layout="constrained",
                                    figsize=(width, 4.4 if rows == 1 else 3.2 * rows))
        for panel in axes.flat[panels:]:
            panel.set_axis_off()
        if are_wide(values):
            axes[0, 0].set_yscale("log")
        for number, (j, panel) in enumerate(zip(shown, axes.flat)):
            for index, value in enumerate(values):
                at = {columns: j} if columns and columns in value.dims else {}
                draw(panel, sweep, x, value.isel(at), colour_index(names, index))
            label(panel, sweep, x)
            if number + across < panels:
                panel.set_xlabel("")
            else:
                panel.tick_params(labelbottom=True)
            if columns:
                panel.set_title(panel_title(sweep, columns, j, (width - LEGEND_INCHES) / across),
                                fontsize=9.5, fontweight="normal", loc="center")
        axes[0, -1].legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0,
                           title=reading(sweep, axes.flat), title_fontsize=8.5, alignment="left")
        write_title(figure, sweep.attrs.get("title", "curves"),
                    describe(sweep, single_coordinates(sweep)))
    return figure


def are_wide(values):
    """Whether all numbers to be drawn are above 0, over more than three decades; an accuracy is read from 0
    to 1 all the same."""
    if any(str(value.name).endswith("accuracy") for value in values):
        return False
    numbers = np.concatenate([value.values.ravel() for value in values])
    numbers = numbers[np.isfinite(numbers)]
    return numbers.size > 0 and numbers.min() > 0 and numbers.max() > 1e3 * numbers.min()


def panels_of(values, columns):
    """The places on the axis of the panels at which there is something to draw."""
    filled = [value.notnull().any([dim for dim in value.dims if dim != columns]).values
              for value in values if columns in value.dims]
    return np.flatnonzero(np.any(filled, axis=0)) if filled else [0]


def colour_index(names, index):
    """Theory has the colour of what it is the theory of."""
    of = names[index].removeprefix(THEORY)
    return names.index(of) if of in names else index


def own_dims(sweep, names):
    """Dimensions of these variables beside the axes of the grid."""
    return {str(dim) for name in names for dim in sweep[name].dims} - {*grid_axes(sweep), "seed"}


def choose(sweep, x, columns, own):
    """The sweep without axes of one value, and the axis to draw over."""
    single = [dim for dim in [*grid_axes(sweep), *own]
              if dim in sweep.dims and sweep.sizes[dim] == 1 and dim not in (x, columns, "step")]
    sweep = sweep.isel({dim: 0 for dim in single})
    own = own - set(single)
    left = [dim for dim in grid_axes(sweep) if dim != columns]
    x = x or (left[0] if len(left) == 1 else "step" if not left else None)
    if columns and columns not in (*grid_axes(sweep), *own):
        raise SweepError(f"'{columns}' is no axis that is left; these are: "
                         f"{', '.join([*grid_axes(sweep), *sorted(own)]) or 'none'}")
    if x not in left and x not in own:
        raise SweepError("name the axis to draw over; left are: "
                         f"{', '.join([*left, *sorted(own)])}")
    others = [dim for dim in left if dim != x]
    if others:
        raise SweepError("choose one value each: " + "; ".join(
            f"{dim} = {', '.join(str(value) for value in sweep[dim].values)}" for dim in others))
    return sweep, x


def names_of(sweep, show):
    """The variables asked for, of which the file has all."""
    shown = show or ["test_accuracy"]
    for name in shown:
        if name not in sweep:
            numbers = sorted(str(known) for known in sweep.data_vars
                             if sweep[known].dtype.kind == "f")
            raise SweepError(f"'{name}' is no variable of this file; numbers are: "
                             f"{', '.join(numbers)}")
    return shown


def variable(sweep, name, drawn):
    """One variable without dimensions but the grid's and those drawn; steps that were never reached
    are NaN."""
    value = sweep[name].astype(float)
    if name.startswith("steps_to"):
        value = value.where(value >= 0)
    if "step" in value.dims and "step" not in drawn:
        value = value.isel(step=-1)
    left = [dim for dim in value.dims if dim not in (*grid_axes(sweep), "seed", *drawn)]
    if left or ("step" in drawn and "step" not in value.dims):
        raise SweepError(f"'{name}' is over {', '.join(map(str, value.dims)) or 'nothing'}, which "
                         "this picture cannot show")
    return value


def place(coordinate):
    """True values; 0, 1, 2, ... of names."""
    values = coordinate.values
    return values.astype(float) if values.dtype.kind in "iuf" else np.arange(len(values))


def draw(axes, sweep, x, value, index):
    """Mean line and the range over seeds; of one value per cell a line of dashes: theory."""
    colour = COLOURS[index % len(COLOURS)]
    position = place(sweep[x])
    if x not in value.dims:
        axes.axhline(float(value.mean()), color=colour, linestyle="--", label=value.name)
        return
    rows = value.transpose(x, ...).values.reshape(len(position), -1)
    rows = np.where(np.isfinite(rows), rows, np.nan)
    some = ~np.all(np.isnan(rows), axis=1)
    position, rows = position[some], rows[some]
    if not some.any():
        return
    low, high = np.nanmin(rows, axis=1), np.nanmax(rows, axis=1)
    some_differ = np.isfinite(rows).sum(axis=1).max() > 1
    is_theory = "theory" in str(value.name) or some_differ and np.allclose(low, high)
    few = len(position) <= 24
    axes.plot(position, np.nanmean(rows, axis=1), "--" if is_theory else "-", color=colour,
              marker=MARKERS[index % len(MARKERS)] if few and not is_theory else None,
              markersize=4.5, linewidth=1.5, label=value.name)
    if not is_theory:
        axes.fill_between(position, low, high, color=colour, alpha=0.15, linewidth=0)


def spans_decades(position):
    """Whether the values want a logarithmic scale: 1, 3, 10, 30, ... stand as evenly as rates get."""
    scale = spacing(position)
    return scale == "log" or (scale == "index" and position.min() > 0
                              and position.max() / position.min() >= 99)


def label(axes, sweep, x):
    """Scale and ticks of the axis across."""
    position = place(sweep[x])
    if x == "step" and spacing(position) == "index":  # from 0 on, ever wider apart
        axes.set_xscale("symlog", linthresh=max(1.0, position[position > 0].min(initial=np.inf)))
    elif x != "step":
        if spans_decades(position):
            axes.set_xscale("log")
        if len(position) <= 7 and not (spans_decades(position) and spacing(position) == "index"):
            axes.set_xticks(position, tick_labels(sweep, x, "\n"))
            axes.set_xticks([], minor=True)
    else:
        axes.locator_params(axis="x", nbins=4)
    if x in ("layer", "pair"):
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel(axis_label(sweep, x))
    axes.grid(color=MUTED, alpha=0.15)


def reading(sweep, panels):
    """What lines and bands are."""
    seeds = sweep.sizes.get("seed", 1)
    dashes = any(line.get_linestyle() == "--" for panel in panels for line in panel.lines)
    if seeds == 1:
        return None
    return f"mean and range of {seeds} seeds" + (";\ndashes: theory or data" if dashes else "")
