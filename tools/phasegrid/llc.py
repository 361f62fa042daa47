# SPDX-License-Identifier: MIT
"""Pictures of the local learning coefficient: along one run beside its loss and accuracy, the traces
of its chains, over two axes, and estimates against their exact values. And of the shares of a
posterior over the number of samples."""

import json

import matplotlib.pyplot as plt
import numpy as np

from .reader import SweepError, grid_axes
from .style import MUTED, ORDER, RC, TEST, TRAIN, describe, single_coordinates, write_title
from .trajectory import draw_lines, one_run, step_axis

LOSSES = (("train_loss", TRAIN, "-", "train loss"), ("test_loss", TEST, "--", "test loss"),
          ("population_loss", MUTED, ":", "population loss"))
SHARES = (("train_accuracy", TRAIN, "-", "train accuracy"),
          ("test_accuracy", TEST, "--", "test accuracy"))


def need(sweep, name, job):
    """Refuses a file that lacks a variable."""
    if name not in sweep:
        raise SweepError(f"the file has no {name}: {job}")


def need_estimates(sweep):
    need(sweep, "llc", "its job has no section llc")


def plot_llc(sweep):
    """Loss, accuracy where there is one, and the LLC with its 95 % band along one run."""
    need_estimates(sweep)
    run = one_run(sweep)
    has_shares = any(name in run for name, *_ in SHARES)
    with plt.rc_context(RC):
        figure, panels = plt.subplots(2 + has_shares, 1, sharex=True, figsize=(8, 6 + has_shares),
                                      layout="constrained")
        draw_lines(panels[0], run, LOSSES)
        panels[0].set_yscale("log")
        panels[0].set_ylabel("loss")
        if has_shares:
            draw_lines(panels[1], run, SHARES)
            panels[1].set_ylabel("accuracy")
        draw_band(panels[-1], run)
        step_axis(panels[-1], run)
        if is_linear(run):
            panels[-1].set_xscale("linear")
        title(figure, run, "local learning coefficient along a run")
    return figure


def is_linear(run):
    """Whether the steps were recorded in equal distances."""
    return json.loads(run.attrs.get("job", "{}")).get("record", {}).get("spacing") == "linear"


def draw_band(axes, run):
    steps, value = run["llc_step"].values, run["llc"].values
    half = np.nan_to_num(run["llc_half_width"].values)
    axes.fill_between(steps, value - half, value + half, color=ORDER, alpha=0.25, linewidth=0)
    axes.plot(steps, value, "o-", color=ORDER, markersize=3.5, linewidth=1.4)
    flagged = run["llc_flag"].values > 0
    axes.plot(steps[flagged], value[flagged], "x", color=TEST, markersize=8,
              label="flagged" if flagged.any() else None)
    if flagged.any():
        axes.legend()
    axes.set_ylabel("LLC, 95 % band of the chains")


def title(figure, run, text):
    write_title(figure, run.attrs.get("title") or text, describe(run, single_coordinates(run)))


def plot_trace(sweep):
    """Losses of the draws of every chain of one estimate, and where w* is."""
    need_estimates(sweep)
    need(sweep, "llc_trace", "set `llc: {traces: 1}` in its job")
    run = one_run(sweep)
    if run.sizes.get("llc_step", 1) > 1:
        raise SweepError("a trace is of one estimate; choose one with --select llc_step=STEP")
    run = run.isel(llc_step=0) if "llc_step" in run.dims else run
    with plt.rc_context(RC):
        figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
        for chain in run["llc_trace"].transpose("chain", "draw").values:
            axes.plot(chain, linewidth=0.5, alpha=0.7)
        axes.axhline(float(run["llc_loss"]), color=MUTED, linestyle=":", label="loss at w*")
        axes.set_xlabel("draw")
        axes.set_ylabel("loss")
        axes.legend()
        title(figure, run, f"LLC {float(run['llc']):.3g}, R-hat {float(run['llc_rhat']):.3f}")
    return figure


def plot_llc_map(sweep, x=None, y=None):
    """The mean over seeds of the last estimate, over two axes."""
    need_estimates(sweep)
    value = sweep["llc"].isel(llc_step=-1).mean("seed") if "llc_step" in sweep["llc"].dims else \
        sweep["llc"].mean("seed")
    left = [dim for dim in grid_axes(sweep) if sweep.sizes[dim] > 1]
    x = x or (left[0] if left else None)
    y = y or next((dim for dim in left if dim != x), None)
    others = [dim for dim in left if dim not in (x, y)]
    if x not in left or (y is not None and y not in left) or others:
        raise SweepError("an LLC map has one or two axes; left are: " + ", ".join(left))
    with plt.rc_context(RC):
        figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
        if y is None:
            axes.plot(range(value.size), value.values.ravel(), "o-", color=ORDER)
            axes.set_ylabel("LLC, mean over seeds")
        else:
            image = axes.imshow(value.squeeze().transpose(y, x).values, origin="lower",
                                aspect="auto", cmap="viridis")
            figure.colorbar(image, label="LLC, mean over seeds")
            label_axis(axes.yaxis, sweep, y)
            axes.set_ylabel(y)
        label_axis(axes.xaxis, sweep, x)
        axes.set_xlabel(x)
        title(figure, sweep, "local learning coefficient")
    return figure


def names_of(sweep, dim):
    """Texts of an axis's values; of a zip, its settings'."""
    members = [name for name in sweep.coords if sweep[name].dims == (dim,) and name != dim]
    members = members or [dim]
    return ["\n".join(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row)
            for row in zip(*(sweep[name].values.tolist() for name in members))]


def label_axis(axis, sweep, dim):
    names = names_of(sweep, dim)
    axis.set_ticks(range(len(names)), names)


def plot_truth(sweep):
    """Every estimate, with its interval, against its exact value."""
    need_estimates(sweep)
    need(sweep, "llc_truth", "its experiment knows no exact values")
    value, exact, half = (sweep[name].values.ravel() for name in ("llc", "llc_truth",
                                                                  "llc_half_width"))
    shown = np.isfinite(value) & np.isfinite(exact)
    with plt.rc_context(RC):
        figure, axes = plt.subplots(figsize=(6, 6), layout="constrained")
        axes.errorbar(exact[shown], value[shown], np.nan_to_num(half[shown]), fmt="o", color=TRAIN,
                      markersize=3, linewidth=0.8, alpha=0.6)
        ends = [min(exact[shown].min(), value[shown].min()), max(exact[shown].max(),
                                                                value[shown].max())]
        axes.plot(ends, ends, color=MUTED, linewidth=0.8, linestyle="--")
        if ends[0] > 0 and ends[1] > 10 * ends[0]:
            axes.set_xscale("log")
            axes.set_yscale("log")
        axes.set_xlabel("exact value")
        axes.set_ylabel("estimate, 95 % interval of the chains")
        title(figure, sweep, "estimates against exact values")
    return figure


def plot_occupancy(sweep):
    """Shares of the posterior by corners, over the number of samples."""
    need(sweep, "occupancy", "its experiment samples no posterior")
    if "sample_count" not in sweep["occupancy"].dims:
        raise SweepError("shares are drawn over sample_count, which this job does not sweep")
    extra = [dim for dim in grid_axes(sweep) if dim != "sample_count" and sweep.sizes[dim] > 1]
    if extra:
        raise SweepError("choose one value each of: " + ", ".join(extra))
    share = sweep["occupancy"].mean("seed").squeeze()
    with plt.rc_context(RC):
        figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
        for k in share["corners"].values:
            line = share.sel(corners=k)
            if float(line.max()) > 0.005:
                axes.plot(sweep["sample_count"], line, "o-", markersize=4, label=f"{k}-gon")
        axes.set_xscale("log")
        axes.set_xlabel("samples n")
        axes.set_ylabel("share of the posterior")
        axes.legend()
        title(figure, sweep, "phases of the posterior")
    return figure
