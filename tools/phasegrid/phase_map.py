# SPDX-License-Identifier: MIT
"""The phase map: two axes, one cell each, the majority over seeds and how large it is.

Cells stand evenly, in axis order; log-spaced values then make a log axis. A cell is coloured and
lettered by the phase that most of its finished seeds have (ties: the lower code, marked "="). Where
the seeds disagree, k/n gives the majority and a strip at the cell's foot shows all seeds.
"""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.patches import Patch, Rectangle

from .reader import SweepError, code_meanings, grid_axes
from .style import (MUTED, RC, axis_label, describe, format_value, ink_on, label_stride,
                    phase_styles, single_coordinates, spacing, tick_labels, write_title)

STRIP = 0.14  # height of the strip at a cell's foot, in cells
UNWRITTEN = "not_run"


def phase_counts(sweep, over="seed"):
    """(phase, axes...): how many runs along dimension `over` have each phase (not_run: unfinished).
    Without that dimension each run counts for itself."""
    meanings = code_meanings(sweep["phase"])
    phase = sweep["phase"].load()
    tables = [(phase == code).astype(int) for code in meanings]
    if over in phase.dims:
        tables = [table.sum(over) for table in tables]
    return xr.concat(tables, xr.DataArray(list(meanings.values()), dims="phase_name",
                                          name="phase_name")).rename("count")


def majority(sweep, over="seed"):
    """Dataset over the remaining axes: `phase_name` that most finished runs have ("not_run": none is
    finished), its `share` of them (NaN: none), how many are `finished`, and `tie` (bool)."""
    counts = phase_counts(sweep, over)
    known = counts.sel(phase_name=[n for n in counts["phase_name"].values if n != UNWRITTEN])
    finished, most = known.sum("phase_name"), known.max("phase_name")
    names = known["phase_name"].values[known.argmax("phase_name").values]
    return xr.Dataset({
        "phase_name": (most.dims, np.where(finished > 0, names, UNWRITTEN)),
        "share": most / finished.where(finished > 0),
        "most": most,
        "finished": finished,
        "tie": ((known == most).sum("phase_name") > 1) & (finished > 0),
    })


def plot_phase_map(sweep, x=None, y=None, columns=None, rows=None, line=None):
    """Draws the map over grid axes x and y (or "seed") and returns the figure. `columns` and `rows`
    spread two more axes over panels; every other axis must have been chosen (see select()). `line`
    names a variable that is a value of y: a boundary that theory has."""
    sweep, x, y = choose_axes(sweep, x, y, columns, rows)
    counts = phase_counts(sweep, over=None if "seed" in (x, y, columns, rows) else "seed")
    summary = majority(sweep, over=None if "seed" in (x, y, columns, rows) else "seed")
    styles = phase_styles(list(counts["phase_name"].values))
    panels_x = sweep[columns].values if columns else [None]
    panels_y = sweep[rows].values if rows else [None]
    with plt.rc_context(RC):
        figure, axes = new_figure(sweep.sizes[x], sweep.sizes[y], len(panels_x), len(panels_y))
        for i in range(len(panels_y)):
            for j in range(len(panels_x)):
                at = {**({rows: i} if rows else {}), **({columns: j} if columns else {})}
                draw_panel(axes[i, j], summary.isel(at).transpose(y, x),
                           counts.isel(at).transpose("phase_name", y, x), styles)
                if line:
                    draw_line(axes[i, j], sweep, x, y, line, at)
                label_panel(axes[i, j], sweep, x, y)
                title_panel(axes[i, j], sweep, columns, rows, (i, j))
        finish(figure, axes[0, -1], sweep, counts, summary)
    return figure


def choose_axes(sweep, x, y, columns, rows):
    """The sweep with axes of one value taken out, and the names of both axes of the map."""
    single = [dim for dim in sweep["status"].dims
              if sweep.sizes[dim] == 1 and dim not in (x, y, columns, rows)]
    sweep = sweep.isel({dim: 0 for dim in single})
    free = [dim for dim in grid_axes(sweep) if dim not in (columns, rows)]
    x = x or next((dim for dim in free if dim != y), None)
    y = y or next((dim for dim in free if dim != x), "seed" if "seed" in sweep.dims else None)
    for name in (x, y, columns, rows):
        if name is not None and name not in sweep["status"].dims:
            raise SweepError(f"'{name}' is no axis that is left; these are: "
                             f"{', '.join(map(str, sweep['status'].dims)) or 'none'}")
    if x is None or y is None or len({x, y, columns, rows} - {None}) < sum(
            name is not None for name in (x, y, columns, rows)):
        raise SweepError("a map needs two different axes; left are: "
                         f"{', '.join(map(str, sweep['status'].dims)) or 'none'}")
    left = [dim for dim in free if dim not in (x, y)]
    if left:
        raise SweepError("more axes than the map has; choose one value each: " + "; ".join(
            f"{dim} = {', '.join(str(value) for value in sweep[dim].values)}" for dim in left))
    return sweep, x, y


def new_figure(across, up, panels_x, panels_y):
    """A figure whose cells are as large as fits a page."""
    cell = min(0.62, 7.5 / (across * panels_x), 6.0 / (up * panels_y) * 1.4)
    width, height = max(cell * across, 1.6), max(min(cell, 5.5 / (up * panels_y)) * up, 1.2)
    return plt.subplots(panels_y, panels_x, squeeze=False, layout="constrained", sharex=True,
                        sharey=True, figsize=(width * panels_x + 3.4, height * panels_y + 1.5))


def draw_panel(axes, summary, counts, styles):
    """One panel: coloured cells, their letters, their shares."""
    up, across = summary["finished"].shape
    axes.set_xlim(-0.5, across - 0.5)
    axes.set_ylim(-0.5, up - 0.5)
    axes.tick_params(which="both", length=3, color=MUTED)
    for side in axes.spines.values():
        side.set_visible(False)
    points = cell_points(axes, across, up)
    for i in range(up):
        for j in range(across):
            draw_cell(axes, j, i, summary.isel({d: k for d, k in zip(summary["most"].dims, (i, j))}),
                      counts.values[:, i, j], styles, points)


def cell_points(axes, across, up):
    """The smaller side of a cell in points."""
    axes.figure.canvas.draw()
    box = axes.get_window_extent()
    return min(box.width / across, box.height / up) * 72 / axes.figure.dpi


def draw_cell(axes, x, y, cell, counts, styles, points):
    """Colour and letter of the majority; share and strip where the runs disagree."""
    name = str(cell["phase_name"].item())
    colour, letter = styles[name]
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white",
                             linewidth=min(1.0, points / 20)))
    if name == UNWRITTEN:
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, hatch="////",
                                 edgecolor="#b0b0b0", linewidth=0))
        return
    most, total = int(cell["most"]), int(cell["finished"])
    unanimous = most == total == counts.sum()
    if points >= 7:
        axes.text(x, y + (0 if unanimous else 0.14), letter + ("=" if cell["tie"] else ""),
                  ha="center", va="center_baseline" if unanimous else "center", color=ink_on(colour),
                  fontsize=min(0.36 * points, 13), fontweight="bold")
    if not unanimous:
        draw_strip(axes, x, y, counts, styles)
        if points >= 18:
            axes.text(x, y - 0.19, f"{most}/{total}", ha="center", va="center",
                      color=ink_on(colour), fontsize=min(0.2 * points, 8))


def draw_strip(axes, x, y, counts, styles):
    """All seeds of a cell as a bar along its foot."""
    left = x - 0.5
    for (colour, _), count in zip(styles.values(), counts / counts.sum()):
        if count > 0:
            axes.add_patch(Rectangle((left, y - 0.5), count, STRIP, facecolor=colour,
                                     edgecolor="white", linewidth=0.5))
        left += count


def draw_line(axes, sweep, x, y, name, at):
    """A variable's mean at each x as a height among the values of y."""
    if name not in sweep:
        raise SweepError(f"'{name}' is no variable of this file")
    value = sweep[name].isel({dim: k for dim, k in at.items() if dim in sweep[name].dims})
    heights = value.mean([dim for dim in value.dims if dim != x]).values
    values = sweep[y].values.astype(float)
    if spacing(values) == "log":
        heights, values = np.log(heights), np.log(values)
    order = np.argsort(values)
    places = np.interp(heights, values[order], order, left=np.nan, right=np.nan)
    axes.plot(np.arange(len(places)), places, "--", color="black", linewidth=1.8, zorder=5)


def label_panel(axes, sweep, x, y):
    """Axis names and true values; set_outer() then hides those of inner panels."""
    box = axes.get_window_extent()
    points = 72 / axes.figure.dpi
    set_ticks(axes.xaxis, sweep[x], tick_labels(sweep, x, "\n"), box.width * points)
    set_ticks(axes.yaxis, sweep[y], tick_labels(sweep, y, ", "), box.height * points)
    axes.set_xlabel(axis_label(sweep, x))
    axes.set_ylabel(axis_label(sweep, y))
    axes.label_outer()


def set_ticks(axis, coordinate, labels, room):
    """Every value when there is room; decades on a longer log axis; else every n-th value."""
    values = coordinate.values
    stride = label_stride(labels, room, upright=axis.axis_name == "y")
    log = spacing(values) == "log" and max(values[0] / values[-1], values[-1] / values[0]) >= 99
    if log and (stride > 1 or len(values) > 9):
        set_decades(axis, values)
        return
    axis.set_ticks(range(0, len(values), stride), labels[::stride])
    axis.set_ticks(range(len(values)), minor=True)


def set_decades(axis, values):
    """Ticks of a log axis whose values stand at 0, 1, 2, ..."""
    low, high = np.log10(float(values[0])), np.log10(float(values[-1]))

    def position(value):
        return (np.log10(value) - low) / (high - low) * (len(values) - 1)

    decades = np.arange(np.ceil(min(low, high) - 1e-9), np.floor(max(low, high) + 1e-9) + 1)
    axis.set_ticks([position(10.0 ** d) for d in decades],
                   [format_value(10.0 ** d, powers=True) for d in decades])
    minor = [position(m * 10.0 ** d) for d in np.append(decades[0] - 1, decades)
             for m in range(2, 10)]
    axis.set_ticks([p for p in minor if -0.5 <= p <= len(values) - 0.5], minor=True)


def title_panel(axes, sweep, columns, rows, place):
    """The value of the column over the top panels, that of the row before the left ones."""
    i, j = place
    if columns and i == 0:
        axes.set_title(describe(sweep.isel({columns: j}), [columns]), fontsize=9.5,
                       fontweight="normal", loc="center")
    if rows and j == 0:
        axes.set_ylabel(describe(sweep.isel({rows: i}), [rows]) + "\n\n" + axes.get_ylabel())


def finish(figure, corner, sweep, counts, summary):
    """Legend beside the corner panel with the number of cells, title, how to read the shares."""
    styles = phase_styles(list(counts["phase_name"].values))
    present = [name for name in styles if int(counts.sel(phase_name=name).sum()) > 0]
    cells = {name: int((summary["phase_name"] == name).sum()) for name in present}
    handles = [Patch(facecolor=styles[name][0], edgecolor="#999999", linewidth=0.6,
                     hatch="////" if name == UNWRITTEN else None) for name in present]
    labels = [f"{styles[name][1] or ' '}  {name.replace('_', ' ')}, {cells[name]} "
              f"cell{'' if cells[name] == 1 else 's'}" for name in present]
    corner.legend(handles, labels, loc="upper left", bbox_to_anchor=(1.03, 1.0),
                  title=reading(counts, summary), alignment="left", title_fontsize=8.5, handlelength=1.3,
                  handleheight=1.3, borderaxespad=0)
    write_title(figure, sweep.attrs.get("title", "phase map"),
                describe(sweep, single_coordinates(sweep)))


def reading(counts, summary):
    """What a cell shows."""
    seeds = int(counts.sum("phase_name").max())
    if seeds == 1:
        return "one run a cell"
    tie = "\n=  a tie, its first phase" if bool(summary["tie"].any()) else ""
    return f"majority over {seeds} seeds;\nk/n and strip where they differ{tie}"
