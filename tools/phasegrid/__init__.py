# SPDX-License-Identifier: MIT
"""Reads and draws phasegrid's results files.

    from phasegrid import open_sweep, plot_phase_map
    sweep = open_sweep("wd.h5")
    sweep.phase_name.sel(seed=0)
    plot_phase_map(sweep, "decoder_lr", "weight_decay")
"""

from .ablation import plot_ablation
from .curve import plot_curve
from .embeddings import plot_embeddings
from .mds import plot_mds
from .phase_map import majority, plot_phase_map
from .reader import SweepError, crossing_steps, grid_axes, locate_run, open_sweep, select, setting
from .steps import plot_steps
from .trajectory import plot_run

__all__ = ["SweepError", "crossing_steps", "grid_axes", "locate_run", "majority", "open_sweep",
           "plot_ablation", "plot_curve", "plot_embeddings", "plot_mds", "plot_phase_map", "plot_run",
           "plot_steps", "select", "setting"]
