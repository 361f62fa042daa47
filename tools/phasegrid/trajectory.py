# SPDX-License-Identifier: MIT
"""One run over its steps: losses above, accuracies and RQI below, its crossings marked."""

import matplotlib.pyplot as plt
import numpy as np

from .reader import SweepError, setting
from .style import MUTED, ORDER, RC, TEST, TRAIN, describe, single_coordinates, write_title

LOSSES = (("train_loss", TRAIN, "-", "train loss"), ("test_loss", TEST, "--", "test loss"),
          ("effective_loss", ORDER, ":", "effective loss"))
SHARES = (("train_accuracy", TRAIN, "-", "train accuracy"),
          ("test_accuracy", TEST, "--", "test accuracy"), ("rqi", ORDER, "-.", "RQI"))
CROSSINGS = (("steps_to_train", TRAIN, "-", "train"), ("steps_to_test", TEST, "--", "test"),
             ("steps_to_rqi", ORDER, "-.", "RQI"))


def one_run(sweep):
    """The sweep when every axis has been chosen; says what is missing otherwise."""
    left = [dim for dim in sweep["status"].dims if sweep.sizes[dim] > 1]
    if left:
        raise SweepError("a run is one cell and one seed; choose " + ", ".join(left)
                         + " too, or the run by its number")
    run = sweep.isel({dim: 0 for dim in sweep["status"].dims})
    if not bool(run["finished"]):
        raise SweepError("this run is not finished")
    return run


def plot_run(sweep):
    """Draws the trajectory of the one run that `sweep` has been narrowed to; returns the figure."""
    run = one_run(sweep)
    with plt.rc_context(RC):
        figure, (losses, shares) = plt.subplots(2, 1, sharex=True, figsize=(8, 6),
                                                layout="constrained")
        draw_lines(losses, run, LOSSES)
        draw_lines(shares, run, SHARES)
        losses.set_yscale("log")
        losses.set_ylabel("loss")
        shares.set_ylim(-0.03, 1.05)
        shares.set_ylabel("share")
        threshold = setting(run, "phase_accuracy")
        if threshold is not None:
            shares.axhline(threshold, color=MUTED, linewidth=0.6, linestyle=(0, (1, 3)))
        mark_crossings((losses, shares), run)
        step_axis(shares, run)
        title_run(figure, run)
    return figure


def measured(run, name):
    """(steps, values) up to where the run ended: recorded points behind the end hold what was
    measured there."""
    steps, end = run["step"].values, last_step(run)
    count = int(np.searchsorted(steps, end)) + 1
    return np.minimum(steps[:count], end), run[name].transpose("step", ...).values[:count]


def draw_lines(axes, run, lines):
    """The lines that the file has, up to where the run ended, with a legend."""
    for name, colour, style, label in lines:
        if name in run:
            axes.plot(*measured(run, name), style, color=colour, linewidth=1.8, label=label)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    if last_step(run) < run["step"][-1]:
        axes.axvspan(last_step(run), float(run["step"][-1]), color="#f2f2f2", zorder=0)


def last_step(run):
    """The step at which the run ended."""
    return int(run["last_step"]) if "last_step" in run else int(run["step"][-1])


def mark_crossings(panels, run):
    """A line where each measure first crosses, with the step above the top panel."""
    found = [(int(run[name]), colour, style, label) for name, colour, style, label in CROSSINGS
             if name in run and int(run[name]) >= 0]
    for rank, (step, colour, style, label) in enumerate(sorted(found)):
        for axes in panels:
            axes.axvline(step, color=colour, linestyle=style, linewidth=0.8, alpha=0.8)
        panels[0].annotate(f"{label} {step:,}", (step, 1), xycoords=("data", "axes fraction"),
                           xytext=(0, 3 + 11 * (len(found) - 1 - rank)), textcoords="offset points",
                           color=colour, fontsize=8.5, ha="right" if rank == 0 else "left")


def step_axis(axes, run):
    """Log steps with step 0 at the left."""
    axes.set_xscale("symlog", linthresh=1, linscale=0.4)
    axes.set_xlim(0, float(run["step"][-1]))
    decades = 10 ** np.arange(0, int(np.log10(float(run["step"][-1]))) + 1)
    axes.set_xticks([0, *decades], ["0", *(f"$10^{{{k}}}$" for k in range(len(decades)))])
    axes.set_xticks([m * d for d in decades for m in range(2, 10)
                     if m * d <= float(run["step"][-1])], minor=True)
    axes.set_xlabel("step")


def title_run(figure, run):
    """Phase, the cell and the seed, and where the run ended when that was early."""
    number = run.attrs.get("run_number")
    head = str(run["phase_name"].item()).replace("_", " ") if "phase_name" in run else "run"
    detail = describe(run, single_coordinates(run))
    if last_step(run) < int(run["step"][-1]):
        detail += f";  ended at step {last_step(run):,}"
    write_title(figure, head if number is None else f"run {number}: {head}", detail)
