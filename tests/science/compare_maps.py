#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Judges finished cubes of the jobs of Liu et al. (2022) and sets them beside the paper.

    tests/science/compare_maps.py FILE... [--table docs/science-maps.md]
    tests/science/compare_maps.py --good-seeds FILE...

Each FILE is a results file of jobs/liu2022-fig6a.yaml, -fig6b or -fig6c, or of a job of
tests/science/jobs/; files that differ in their seeds alone count as one. Runs that have not ended
are left out, so it can be asked at any moment. Prints the figures, and writes them with maps,
commit and date as Markdown. Exit code 1 when a figure is outside its tolerance.
"""

import argparse
import datetime
import sys
from pathlib import Path

import h5py
import numpy as np

import liu2022
from cube import Cube

HEAD = """# What the papers found, and what phasegrid finds

Written by `tests/science/compare_maps.py`; the definitions are in `tests/science/liu2022.py`. Maps are majorities over good
seeds: seeds whose split lets the ideal test accuracy reach 0.9 (the jobs redraw others) and whose default run (learning
rates 1e-3 and 1e-4, no weight decay) reaches RQI > 0.95 within 10,000 steps. C comprehension, G grokking, M memorization,
F confusion.
"""


def groups(paths):
    """Lists of the files whose jobs differ in their seeds alone, in the order given."""
    found = {}
    for path in paths:
        job = dict(Cube([path]).job)
        job.pop("seeds", None)
        found.setdefault(str(job), []).append(path)
    return list(found.values())


def launches(paths):
    """(commits, last end as a date) of the launches that wrote the files."""
    commits, ends = set(), []
    for path in paths:
        with h5py.File(path, "r") as file:
            table = file["provenance"]
            used = table["number"][...] >= 0
            commits |= {b"".join(row).rstrip(b"\0 ").decode() for row in table["commit"][...][used]}
            ends.extend(end for end in table["ended"][...][used] if np.isfinite(end))
    last = datetime.datetime.fromtimestamp(max(ends), datetime.timezone.utc) if ends else None
    return sorted(commits), f"{last:%Y-%m-%d}" if last else "not ended"


def title_of(cube):
    found = liu2022.map_of(cube)
    if found is not None:
        return f"Figure {found[0]}"
    if set(cube.axes) == {"train_count", "seed"}:
        return "Figure 4a" if cube.setting("steps") == 1 else "Figure 3"
    return f"Default run, {cube.setting('train_count')} of 55 pairs"


def table(figures):
    lines = ["| id | figure | asked | paper | found | |", "|---|---|---|---|---|---|"]
    for figure in figures:
        verdict = "yes" if figure.passed else "**no**"
        lines.append(f"| {figure.id} | {figure.what} | {figure.asked} | {figure.paper} | "
                     f"{figure.found} | {verdict} |")
    return lines


def picture(name, found):
    """The map as letters, beside the authors' where they published theirs."""
    lines = ["```", f"rows: decoder_lr; columns: {found.columns[0]:g} .. {found.columns[-1]:g}"]
    theirs = liu2022.reference_map()[2] if name == "6b" else None
    for row, rate in enumerate(found.rows):
        line = f"{rate:8.2e}  " + "".join(found.majority[row])
        lines.append(line if theirs is None else f"{line}   authors {''.join(theirs[row])}")
    return lines + ["```"]


def section(paths):
    """(figures, Markdown lines) of one cube."""
    cube = Cube(paths)
    commits, date = launches(paths)
    figures = liu2022.figures_of(cube)
    ended = f"{cube.finished.sum():,} of {cube.finished.size:,} runs of " \
            f"{cube.setting('steps'):,} steps"
    lines = ["", f"## {title_of(cube)}", "",
             f"Commit {', '.join(commits)}, {date}; {ended}.", "", *table(figures)]
    found = liu2022.map_of(cube)
    if found is not None:
        seeds = ", ".join(map(str, found[1].seeds))
        lines += ["", f"Majority over the good seeds {seeds}:", "", *picture(*found)]
    return figures, lines


def main():
    parser = argparse.ArgumentParser(description="sets finished cubes beside Liu et al. (2022)")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--table", type=Path, help="writes the Markdown table there")
    parser.add_argument("--good-seeds", action="store_true", help="prints the good seeds and ends")
    arguments = parser.parse_args()
    if arguments.good_seeds:
        cube = Cube(arguments.files)
        print(*cube.axes["seed"][liu2022.good_seed_mask(cube)])
        return 0
    figures, lines = [], [HEAD.rstrip()]
    for paths in groups(arguments.files):
        found, text = section(paths)
        figures += found
        lines += text
    page = "\n".join(lines) + "\n"
    print(page)
    if arguments.table:
        arguments.table.write_text(page, encoding="utf-8")
    return 0 if all(figure.passed for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
