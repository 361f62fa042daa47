# SPDX-License-Identifier: MIT
"""Which terms of the effective theory of van Rossem and Saxe (2024) a run needs: the theory and four wrong
equations, each fitted anew to the distances of two points."""

import matplotlib.pyplot as plt
import numpy as np

from .curve import COLOURS
from .reader import SweepError
from .style import MUTED, RC, describe, single_coordinates, write_title
from .trajectory import last_step, one_run

CURVES = ("h", "y", "w")
NEEDED = (*CURVES, "encoder_rate", "decoder_rate", "pair_input", "pair_target")
DOTS = 40


def plot_ablation(sweep):
    """Draws the one run and layer that `sweep` has been narrowed to and returns the figure: recorded h, y
    and w of the two points, and a panel for each equation with its curves at the rates that fit best."""
    from . import two_point_theory  # noqa: PLC0415  scipy takes a second, and no other picture needs it
    steps, states, first, x2, y2 = states_of(sweep)
    found = two_point_theory.compare(steps, states, first, x2, y2)
    with plt.rc_context(RC):
        figure, axes = plt.subplots(2, 3, sharex=True, sharey=True, layout="constrained", figsize=(10, 6))
        for panel, (name, (rates, squares)) in zip(axes.flat, found.items()):
            curves = two_point_theory.curves(steps, states[0], rates, x2, y2,
                                             two_point_theory.EQUATIONS[name])
            draw(panel, steps, states, curves)
            panel.set_title(name if name == "theory" else f"{name}\n{squares:.2g} times its squares",
                            fontsize=9.5, fontweight="normal", loc="center")
        explain(axes.flat[-1], *axes.flat[0].get_legend_handles_labels())
        axes.flat[2].tick_params(labelbottom=True)
        for panel in axes.flat[2:5]:
            panel.set_xlabel("step")
        write_title(figure, "The effective theory and four wrong ones",
                    describe(sweep, single_coordinates(sweep)))
    return figure


def states_of(sweep):
    """Steps, states (step, 3), the program's rates, |dx|^2, |dy*|^2 of the run, up to its end."""
    missing = [name for name in NEEDED if name not in sweep]
    if missing:
        raise SweepError(f"the file has no {missing[0]}: expected one of the experiment two_point")
    run = one_run(sweep)
    if "pair" in run["h"].dims and run.sizes["pair"] > 1:
        raise SweepError(f"the theory is of two points, this file has {run.sizes['pair']} pairs; expected "
                         "task two_point (its pair of a file that has others as well: --select pair=0)")
    if "layer" in run["h"].dims and run.sizes["layer"] > 1:
        raise SweepError(f"choose one value: layer = {', '.join(map(str, run['layer'].values))}")
    run = run.squeeze([dim for dim in ("pair", "layer") if dim in run["h"].dims])
    first = [float(run[f"{name}_rate"]) for name in ("encoder", "decoder")]
    if not np.all(np.isfinite(first)):
        raise SweepError(f"no rates were fitted at layer {run['layer'].item()} of this run; expected task "
                         "two_point with fit yes, and a layer that the network has")
    run = run.isel(step=run["step"].values <= last_step(run))
    states = np.stack([run[name].values.astype(float) for name in CURVES], axis=1)
    return (run["step"].values.astype(float), states, first, float(run["pair_input"]) ** 2,
            float(run["pair_target"]) ** 2)


def draw(axes, steps, states, curves):
    """Dots: the run; lines: the equation."""
    some = np.unique(np.linspace(0, len(steps) - 1, DOTS).astype(int))
    for index, name in enumerate(CURVES):
        axes.plot(steps[some], states[some, index], "o", color=COLOURS[index], markersize=3, label=name)
        if curves is not None:
            axes.plot(steps, curves[:, index], color=COLOURS[index], linewidth=1.3)
    low, high = states.min(), states.max()
    axes.set_ylim(low - 0.08 * (high - low), high + 0.15 * (high - low))
    axes.grid(color=MUTED, alpha=0.15)
    axes.locator_params(axis="x", nbins=4)


def explain(axes, handles, labels):
    """The legend, where there is no panel."""
    axes.set_axis_off()
    axes.legend(handles, labels, loc="center", title="dots: the run; lines: the equation,\nwith rates of its own",
                title_fontsize=9, alignment="left")
