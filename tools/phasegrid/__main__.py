# SPDX-License-Identifier: MIT
"""phasegrid plot FILE: a picture of a results file as PNG (or PDF, SVG by the name's end)."""

import argparse
import os
import sys

import matplotlib

matplotlib.use("Agg")

from .ablation import plot_ablation  # noqa: E402
from .curve import plot_curve  # noqa: E402
from .embeddings import plot_embeddings  # noqa: E402
from .llc import plot_llc, plot_llc_map, plot_occupancy, plot_trace, plot_truth  # noqa: E402
from .mds import plot_mds  # noqa: E402
from .phase_map import plot_phase_map  # noqa: E402
from .reader import SweepError, locate_run, open_sweep, select  # noqa: E402
from .steps import plot_steps  # noqa: E402
from .trajectory import plot_run  # noqa: E402

EXAMPLES = """examples:
  phasegrid plot wd.h5
  phasegrid plot wd.h5 --x decoder_lr --y weight_decay --select data_fraction=0.8
  phasegrid plot wd.h5 --kind run --run 17 -o run17.png
  phasegrid plot relations.h5 --kind curve --x data_fraction --columns relation --show test_accuracy accuracy_bound
  phasegrid plot wd.h5 --kind steps --x data_fraction --select decoder_lr=1e-4
  phasegrid plot blobs.h5 --kind mds --columns regime --select layer=2 seed=0
"""


# What draws each kind of picture of the local learning coefficient; those of one run come first.
LLC_KINDS = {"llc": plot_llc, "trace": plot_trace, "llc-map": plot_llc_map, "truth": plot_truth,
             "occupancy": plot_occupancy}
OF_ONE_RUN = ("run", "embeddings", "ablation", "llc", "trace")


class Parser(argparse.ArgumentParser):
    """Wrong use ends with 1, as everywhere in phasegrid."""

    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(1, f"{self.prog}: {message}\n")


def parser():
    """The command line."""
    top = Parser(prog="phasegrid", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    plot = verbs.add_parser("plot", help="draw a results file", description=__doc__,
                            epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    plot.add_argument("file", metavar="FILE", help="results file, finished or still being written")
    plot.add_argument("--kind", default="map", choices=["map", "run", "steps", "curve", "embeddings", "mds",
                                                        "ablation", *LLC_KINDS],
                      help="phase map over two axes (default); one run's trajectory; steps to "
                           "generalise over an axis; variables over an axis or the step; one run's "
                           "embeddings; points as a hidden layer sees them; the theory of two "
                           "points and wrong ones; the LLC along a run, the traces of its chains, over "
                           "axes, against exact values; shares of a posterior")
    plot.add_argument("--x", metavar="AXIS", help="axis across (map, steps, curve)")
    plot.add_argument("--y", metavar="AXIS", help="axis upward (map)")
    plot.add_argument("--columns", metavar="AXIS", help="one panel a value, side by side (map, curve, mds)")
    plot.add_argument("--rows", metavar="AXIS", help="one panel a value, below each other (map)")
    plot.add_argument("--show", metavar="NAME", nargs="+", action="extend", default=[],
                      help="variables (curve; default: test_accuracy)")
    plot.add_argument("--line", metavar="NAME",
                      help="a variable that is a value of the axis upward: a line of theory (map)")
    plot.add_argument("--select", metavar="NAME=VALUE", nargs="+", action="extend", default=[],
                      help="one value of an axis that the picture does not show")
    plot.add_argument("--run", metavar="N", type=int, help=f"run by its number ({', '.join(OF_ONE_RUN)})")
    plot.add_argument("-o", "--output", metavar="PICTURE", help="default: FILE-KIND.png")
    return top


def wanted(texts):
    """{name: value} of NAME=VALUE texts."""
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise SweepError(f"--select {text}: expected NAME=VALUE")
        pairs[name] = value
    return pairs


def narrow(sweep, options):
    """The sweep with what --select and --run choose."""
    if options.run is not None:
        if options.kind not in OF_ONE_RUN:
            raise SweepError(f"--run goes with --kind {', '.join(OF_ONE_RUN)}, not {options.kind}")
        if options.select:
            raise SweepError("--run and --select both choose a run; give one")
        position = locate_run(sweep, options.run)
        return sweep.isel(position).assign_attrs(run_number=options.run)
    return select(sweep, wanted(options.select))


def draw(sweep, options):
    """The figure."""
    for name in ("x", "y", "columns", "rows", "show", "line"):
        allowed = {"x": ("map", "steps", "curve", "llc-map"), "y": ("map", "llc-map"),
                   "columns": ("map", "curve", "mds"), "show": ("curve",)}.get(name, ("map",))
        if getattr(options, name) and options.kind not in allowed:
            raise SweepError(f"--{name} goes with --kind {' or '.join(allowed)}, not {options.kind}")
    if options.kind == "map":
        return plot_phase_map(sweep, options.x, options.y, options.columns, options.rows,
                              options.line)
    if options.kind == "curve":
        return plot_curve(sweep, options.x, options.show, options.columns)
    if options.kind == "ablation":
        return plot_ablation(sweep)
    if options.kind == "mds":
        return plot_mds(sweep, options.columns)
    if options.kind == "llc-map":
        return plot_llc_map(sweep, options.x, options.y)
    if options.kind in LLC_KINDS:
        return LLC_KINDS[options.kind](sweep)
    if options.kind == "steps":
        return plot_steps(sweep, options.x)
    return plot_run(sweep) if options.kind == "run" else plot_embeddings(sweep)


def main(arguments=None):
    """Returns the exit code: 0, or 1 with one clear line."""
    options = parser().parse_args(arguments)
    output = options.output or f"{os.path.splitext(options.file)[0]}-{options.kind}.png"
    try:
        draw(narrow(open_sweep(options.file), options), options).savefig(output)
    except (SweepError, OSError, ValueError) as error:
        print(f"phasegrid plot: {error}", file=sys.stderr)
        return 1
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
