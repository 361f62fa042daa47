# SPDX-License-Identifier: MIT
"""A results file as a labelled xarray Dataset.

Rows that are not finished are masked by `status`, never by their content: a run that is being
written now may have some of its numbers on disk. Floating numbers of such rows are NaN, integers
have the code that the file reserves for "not yet written" (phase 255 "not_run", steps_to_* -2).

Run variables are read when they are used, with the file opened for that moment only, so that a
sweep may go on writing. What is finished is decided once, by open_sweep().
"""

import json
import os

import h5py
import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

STATUS_DONE, STATUS_DIVERGED = 1, 2
NEVER = -1
GENERALISING = ("comprehension", "grokking")


class SweepError(Exception):
    """What was asked for cannot be had; the text is for the user."""


class MaskedRows(BackendArray):
    """A run variable on disk, (grid..., own...), with unfinished rows put back to its fill."""

    def __init__(self, path, name, finished):
        self.path, self.name, self.finished = path, name, finished
        with h5py.File(path, "r") as file:
            stored = file[name]
            self.shape, self.dtype, self.fill = stored.shape, stored.dtype, stored.fillvalue

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read)

    def _read(self, key):
        with h5py.File(self.path, "r") as file:
            values = np.asarray(file[self.name][key])
        finished = np.asarray(self.finished[key[:self.finished.ndim]])
        finished = finished.reshape(finished.shape + (1,) * (values.ndim - finished.ndim))
        return np.where(finished, values, self.fill)


def open_sweep(path):
    """The Dataset of a results file, finished or still being written.

    Coordinates carry the axis values. Beside the file's variables it has `finished` (bool, done or
    diverged), `phase_name` (text, "not_run" for unfinished runs) and, where phases are those of
    generalisation, `generalising_share` of the seeds.
    """
    path = os.path.abspath(os.fspath(path))
    check_file(path)
    with xr.open_dataset(path, engine="h5netcdf", decode_times=False) as stored:
        grid = stored["status"].dims
        rows = [name for name, variable in stored.data_vars.items()
                if name != "status" and variable.dims[:len(grid)] == grid]
        sweep = stored.drop_vars(rows).load()
        finished = np.isin(sweep["status"].values, (STATUS_DONE, STATUS_DIVERGED))
        for name in rows:
            lazy = indexing.LazilyIndexedArray(MaskedRows(path, name, finished))
            sweep[name] = xr.Variable(stored[name].dims, lazy, stored[name].attrs)
    sweep["finished"] = (grid, finished, {"long_name": "run is finished (done or diverged)"})
    if "phase" in sweep:
        sweep["phase_name"] = code_names(sweep["phase"])
        if {*GENERALISING} <= set(code_meanings(sweep["phase"]).values()):
            sweep["generalising_share"] = generalising_share(sweep)
    sweep.attrs["path"] = path
    return sweep


def check_file(path):
    """Refuses what is not a results file."""
    if not os.path.isfile(path):
        raise SweepError(f"{path}: no such file")
    if not h5py.is_hdf5(path):
        raise SweepError(f"{path}: not an HDF5 file")
    with h5py.File(path, "r") as file:
        if "status" not in file:
            raise SweepError(f"{path}: not a results file of phasegrid (no variable 'status')")


def code_meanings(codes):
    """{code: name} of a variable with CF flags."""
    values = np.atleast_1d(codes.attrs["flag_values"])
    return dict(zip((int(value) for value in values), codes.attrs["flag_meanings"].split()))


def code_names(codes):
    """The variable's codes as text."""
    meanings = code_meanings(codes)
    unique, inverse = np.unique(codes.values, return_inverse=True)
    names = np.array([meanings.get(int(code), f"code_{code}") for code in unique], dtype=str)
    text = names[inverse].reshape(codes.shape)
    return codes.dims, text, {"long_name": codes.attrs.get("long_name", codes.name) + " (name)"}


def generalising_share(sweep):
    """The share of a cell's finished runs that generalise, at once or late; NaN where none is
    finished."""
    good = sweep["phase_name"].isin(GENERALISING).astype(float)
    return good.where(sweep["finished"]).mean("seed").assign_attrs(
        long_name="share of seeds that generalise (comprehension or grokking)", units="1")


def crossing_steps(sweep, name):
    """steps_to_* as floating numbers: NaN for unfinished runs, infinity for never.

    Medians and other quantiles over seeds then hold with runs that never cross.
    """
    steps = sweep[name].astype(float)
    steps = steps.where(steps != NEVER, np.inf)
    return steps.where(sweep["finished"])


def setting(sweep, name):
    """A setting of the job that is the same for all cells, or the coordinate that moves it; None
    when the file has neither."""
    if name in sweep.coords:
        return sweep[name].values.tolist()
    return json.loads(sweep.attrs.get("job", "{}")).get("settings", {}).get(name)


def grid_axes(sweep):
    """The names of the grid's dimensions in job order, without the seed."""
    return [dim for dim in sweep["status"].dims if dim != "seed"]


def locate_run(sweep, number):
    """{dimension: index} of run `number`, its row-major index in the cube."""
    status = sweep["status"]
    if not 0 <= number < status.size:
        raise SweepError(f"run {number}: the file has runs 0 to {status.size - 1}")
    return dict(zip(status.dims, (int(i) for i in np.unravel_index(number, status.shape))))


def select(sweep, wanted):
    """The part of the sweep with {name: value}, names being axes, zipped settings, seed, or a dimension
    of variables (layer, pair).

    Values are numbers or text as in the job file; each must be one of the axis's own.
    """
    for name, value in wanted.items():
        dim, position = find_value(sweep, name, value)
        sweep = sweep.isel({dim: position})
    return sweep


def find_value(sweep, name, value):
    """(dimension, index) of the value on an axis."""
    grid = sweep["status"].dims
    if name not in sweep.coords or sweep[name].ndim != 1 or (
            sweep[name].dims[0] not in grid and name in ("step", "snapshot", "llc_step")):
        raise SweepError(f"'{name}' is not an axis; the axes are {', '.join(grid)}")
    values = sweep[name].values
    matches = np.flatnonzero(equal_values(values, value))
    if matches.size == 0:
        known = ", ".join(str(known) for known in values)
        raise SweepError(f"{name} has no value {value}; its values are {known}")
    if matches.size > 1:
        raise SweepError(f"{name} = {value} stands {matches.size} times on the axis; "
                         f"choose by '{sweep[name].dims[0]}' instead")
    return sweep[name].dims[0], int(matches[0])


def equal_values(values, value):
    """Which of an axis's values are the one asked for; numbers to 9 digits."""
    if values.dtype.kind in "OUS":
        return np.array([str(known) == str(value) for known in values])
    try:
        return np.isclose(values.astype(float), float(value), rtol=1e-9, atol=0)
    except ValueError:
        return np.zeros(values.shape, dtype=bool)
