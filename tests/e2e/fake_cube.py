# SPDX-License-Identifier: MIT
"""A small results file written with h5py alone, by the page of the file format: the independent
other side of the reader's tests. Its numbers are simple functions of the place in the cube."""

import h5py
import numpy as np

PHASES = ["comprehension", "grokking", "memorization", "confusion", "generalization_only",
          "diverged"]
NOT_RUN, NEVER, NOT_WRITTEN = 255, -1, -2
TODO, DONE, DIVERGED = 0, 1, 2
BUDGET = 10000


class FakeCube:
    """axes: {name: values}, in job order, with "seed" last; every run is finished at first."""

    def __init__(self, path, axes, symbols=4, embedding=1):
        self.file = h5py.File(path, "w", track_order=True, libver=("v108", "v108"))
        self.grid = list(axes)
        self.shape = tuple(len(values) for values in axes.values())
        for name, values in axes.items():
            self.dimension(name, values)
        steps = np.unique(np.round(np.logspace(0, np.log10(BUDGET), 40)).astype(np.int64))
        self.dimension("step", np.concatenate([[0], steps]), units="steps")
        self.dimension("symbol", np.arange(symbols))
        self.dimension("embedding", np.arange(embedding))
        self.file.attrs["title"] = "A sweep made up for tests"
        self.variable("status", np.full(self.shape, DONE, np.uint8), fill=0)

    def dimension(self, name, values, units=None):
        """A coordinate variable that is a dimension scale."""
        values = np.asarray(values)
        text = values.dtype.kind == "U"
        stored = self.file.create_dataset(name, data=values.astype(object) if text else values,
                                          dtype=h5py.string_dtype() if text else None)
        stored.make_scale(name)
        if units:
            stored.attrs["units"] = units

    def variable(self, name, values, own=(), fill=np.nan, grid=None, **attributes):
        """A variable over the grid (or `grid`) and then its own dimensions."""
        values = np.asarray(values)
        stored = self.file.create_dataset(name, data=values, fillvalue=fill)
        for axis, dim in enumerate([*(self.grid if grid is None else grid), *own]):
            stored.dims[axis].attach_scale(self.file[dim])
        for key, value in attributes.items():
            stored.attrs[key] = value
        return stored

    def phases(self, codes):
        """The variable `phase`."""
        self.variable("phase", np.asarray(codes, np.uint8), fill=NOT_RUN,
                      long_name="phase of learning",
                      flag_values=np.array([*range(len(PHASES)), NOT_RUN], np.uint8),
                      flag_meanings=" ".join([*PHASES, "not_run"]))

    def steps(self, name, values):
        """A variable of crossings."""
        self.variable(name, np.asarray(values, np.int64), fill=NOT_WRITTEN, units="steps")

    def trajectory(self, name, function):
        """A float32 variable over steps: function(run number, step)."""
        runs = np.arange(np.prod(self.shape)).reshape(*self.shape, 1)
        values = function(runs, self.file["step"][...].astype(float))
        self.variable(name, np.broadcast_to(values, self.shape + self.file["step"].shape)
                      .astype(np.float32), own=["step"])

    def close(self):
        self.file.close()
