# SPDX-License-Identifier: MIT
"""Results files as the science tests see them: plain h5py, several files of one job joined over
their seeds."""

import json

import h5py
import numpy as np

DONE, DIVERGED = 1, 2


class Cube:
    """Runs of one or more files that differ in their seeds alone.

    axes: {name: coordinate values} of the grid in job order, "seed" last. `cube["rqi"]` is the
    variable over the grid and its own dimensions; `cube.done` is true where a run trained to its
    end, `cube.finished` where it did so or diverged.
    """

    def __init__(self, paths):
        files = [h5py.File(path, "r") for path in paths]
        first = files[0]
        self.job = json.loads(text(first.attrs["job"]))
        self.experiment = self.job["experiment"]
        grid = dimension_names(first["status"])
        self.axes = {name: coordinate(first, name) for name in grid}
        for file in files[1:]:
            self.check_same_axes(file, grid)
        seeds = np.concatenate([coordinate(file, "seed") for file in files])
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"the files {[f.filename for f in files]} repeat seeds: {seeds}")
        self.axes["seed"] = seeds
        self.files = files
        self.seed_axis = grid.index("seed")
        self.done = self["status"] == DONE
        self.finished = self.done | (self["status"] == DIVERGED)

    def check_same_axes(self, file, grid):
        for name in grid:
            if name != "seed" and not np.array_equal(coordinate(file, name), self.axes[name]):
                raise ValueError(f"{file.filename} has another axis {name} than "
                                 f"{self.axes[name]}: {coordinate(file, name)}")

    def __getitem__(self, name):
        return np.concatenate([file[name][...] for file in self.files], axis=self.seed_axis)

    def of_cells(self, name):
        """A variable over the grid without seeds, and its own dimensions."""
        return self.files[0][name][...]

    def coordinate(self, name):
        return coordinate(self.files[0], name)

    def setting(self, name):
        """A setting that is the same for all runs."""
        return self.job["settings"][name]

    def value(self, name, cell):
        """A setting's value in the cell, a tuple of indices over the axes without the seed."""
        if name not in self.files[0]:
            return self.setting(name)
        axis = dimension_names(self.files[0][name])[0]  # another name than the setting's: a zip
        return coordinate(self.files[0], name)[cell[list(self.axes).index(axis)]]

    def where(self, **values):
        """Indices over the axes without the seed of the one cell with these values."""
        cell = []
        for name in list(self.axes)[:-1]:
            found = np.flatnonzero(np.isclose(self.axes[name], values[name], rtol=1e-6, atol=0))
            if len(found) != 1:
                raise LookupError(f"axis {name} does not hold {values[name]}: {self.axes[name]}")
            cell.append(found[0])
        return tuple(cell)

    def phase_letters(self):
        """C, G, M, F; X for another phase, "-" for a run that has not ended."""
        stored = self.files[0]["phase"]
        names = text(stored.attrs["flag_meanings"]).split()
        letters = {"comprehension": "C", "grokking": "G", "memorization": "M", "confusion": "F"}
        code = {int(value): letters.get(name, "X")
                for value, name in zip(stored.attrs["flag_values"], names)}
        found = np.vectorize(code.get, otypes=["U1"])(self["phase"])
        return np.where(self.finished, found, "-")


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def dimension_names(dataset):
    """Names of the dataset's dimensions, from the dimension scales."""
    if h5py.h5ds.is_scale(dataset.id):
        return [dataset.name.rsplit("/", 1)[-1]]
    return [dataset.dims[axis][0].name.rsplit("/", 1)[-1] for axis in range(dataset.ndim)]


def coordinate(file, name):
    values = file[name][...]
    return np.array([text(value) for value in values]) if values.dtype == object else values
