# SPDX-License-Identifier: MIT
"""What stands in a results file at a moment, read with h5py and judged by docs/file-format.md."""

import itertools
import os
import zlib

import h5py
import numpy as np

TODO, DONE, DIVERGED, FAILED = range(4)


def text_of(value):
    """Text in either form that h5py gives."""
    return value.decode() if isinstance(value, bytes) else str(value)


def payload_names(file):
    """Names of the variables that row_crc covers, in the order of the file."""
    names = []
    file.id.links.iterate(lambda name: names.append(name.decode()),
                          idx_type=h5py.h5.INDEX_CRT_ORDER)
    return [name for name in names if name not in ("status", "row_crc")
            and isinstance(file[name], h5py.Dataset)
            and text_of(file[name].attrs.get("scope", "")) == "run"]


def as_rows(values, rows):
    """(rows, bytes of a row) of a variable over runs."""
    values = np.ascontiguousarray(values)
    return values.reshape(rows, -1).view(np.uint8).reshape(rows, -1)


def torn_rows(statuses, crcs, columns):
    """Numbers of the rows that are marked finished, and whose CRC is not that of their bytes."""
    torn = []
    for row in np.flatnonzero(statuses):
        crc = 0
        for column in columns:
            crc = zlib.crc32(column[row].tobytes(), crc)
        if crc != crcs[row]:
            torn.append(int(row))
    return torn


def identity(path):
    """Of the file behind a path; another one when it was replaced by one that has grown."""
    about = os.stat(path)
    return f"{path} {about.st_ino} {about.st_size}"


class Cube:
    """The finished rows of a file: by the coordinates of the run, so that they can be found again
    in a file that has grown. The statuses are read first: a row may become finished meanwhile,
    but what was finished stays so."""

    def __init__(self, path):
        with h5py.File(path, "r") as file:
            self.statuses = file["status"][...].ravel()
            rows = self.statuses.size
            self.names = payload_names(file)
            columns = [as_rows(file[name][...], rows) for name in self.names]
            stable = [column for name, column in zip(self.names, columns)
                      if not file[name].attrs.get("volatile", 0)]
            self.torn = torn_rows(self.statuses, file["row_crc"][...].ravel(), columns)
            grid = text_of(file.attrs["grid_dims"]).split()
            keys = itertools.product(*[[text_of(value) for value in file[name][...]]
                                       for name in grid])
        self.row_count = rows
        self.whole = {}  # key: all bytes of a finished row, status included
        self.stable = {}  # the same without what may differ between two sweeps of a job
        for row, key in enumerate(keys):
            if self.statuses[row] != TODO:
                head = bytes([self.statuses[row]])
                self.whole[key] = head + b"".join(column[row].tobytes() for column in columns)
                self.stable[key] = head + b"".join(column[row].tobytes() for column in stable)

    def finished(self):
        """How many rows are done or diverged."""
        return int(np.isin(self.statuses, (DONE, DIVERGED)).sum())

    def is_complete(self):
        """Whether nothing is left to do."""
        return self.finished() == self.row_count
