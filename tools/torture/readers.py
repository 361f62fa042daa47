# SPDX-License-Identifier: MIT
"""Readers beside a sweep that is being killed: h5py and xarray with both engines open the file in
turn, and every row that is marked finished must have the bytes of its CRC.

    readers.py POINTER

opens whatever file the text file POINTER names, again and again, and writes a line of JSON for each
opening: {"path", "file", "engine", "finished": rows, "torn": rows, "error": text or null}; "file" is
null when it was replaced meanwhile, since rows may have other numbers then. It ends when POINTER is
gone.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import h5py
import numpy as np
import xarray

from cube import as_rows, identity, payload_names, text_of, torn_rows

ENGINES = ("h5py", "h5netcdf", "netcdf4")


def finished_rows(statuses):
    return np.flatnonzero(statuses).tolist()


def read_h5py(path):
    """(finished rows, torn rows)"""
    with h5py.File(path, "r") as file:
        statuses = file["status"][...].ravel()
        columns = [as_rows(file[name][...], statuses.size) for name in payload_names(file)]
        return finished_rows(statuses), torn_rows(statuses, file["row_crc"][...].ravel(), columns)


def read_xarray(path, engine):
    """The same; xarray keeps the order of the file."""
    with xarray.open_dataset(path, engine=engine, decode_cf=False, cache=False) as cube:
        statuses = cube["status"].values.ravel()
        names = [name for name in cube.variables
                 if text_of(cube[name].attrs.get("scope", "")) == "run"
                 and name not in ("status", "row_crc")]
        columns = [as_rows(cube[name].values, statuses.size) for name in names]
        return finished_rows(statuses), torn_rows(statuses, cube["row_crc"].values.ravel(), columns)


def open_once(path, engine):
    """One opening, as a record."""
    record = {"path": path, "file": identity(path), "engine": engine, "finished": [],
              "torn": [], "error": None}
    try:
        read = read_h5py(path) if engine == "h5py" else read_xarray(path, engine)
        record["finished"], record["torn"] = read
        if identity(path) != record["file"]:
            record["file"] = None
    except Exception as error:  # whatever a library makes of it is a failure of the file
        record["error"] = f"{type(error).__name__}: {error}"
    return record


def main(pointer):
    """Until the pointer is gone."""
    warnings.simplefilter("ignore")
    turn = 0
    while pointer.exists():
        path = Path(pointer.read_text())
        if not path.name or not path.exists():
            time.sleep(0.002)
            continue
        record = open_once(str(path), ENGINES[turn % len(ENGINES)])
        if record["error"] is None or path.exists():
            print(json.dumps(record), flush=True)
            turn += 1
        time.sleep(0.01)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
