# SPDX-License-Identifier: MIT
"""A results file taken apart by h5py and the page of the file format, for tests that damage it."""

import zlib

import h5py
import numpy as np


def place_of(path, name):
    """Where the raw data of a dataset begin, its size in bytes, and the bytes of a run in it."""
    with h5py.File(path) as file:
        stored = file[name]
        size = stored.size * stored.dtype.itemsize
        return stored.id.get_offset(), size, size // file["status"].size


def flip(path, offset, bit):
    """Turns one bit of the file over."""
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1 << bit]))


def payload(file):
    """Names of an open file's variables over runs, but for status and row_crc, in the order of
    creation, which is that of the CRC."""
    names = []
    file.id.links.iterate(lambda name: names.append(name.decode()),
                          idx_type=h5py.h5.INDEX_CRT_ORDER)
    return [name for name in names if name not in ("status", "row_crc")
            and file[name].attrs.get("scope") == "run"]


def fix_crc(path, run):
    """Gives a run the CRC of the data that it has now."""
    with h5py.File(path, "r+") as file:
        index = np.unravel_index(run, file["status"].shape)
        crc = 0
        for name in payload(file):
            crc = zlib.crc32(np.ascontiguousarray(file[name][index]).tobytes(), crc)
        file["row_crc"][index] = crc


def change(path, run, **values):
    """Gives single values of a run, and the CRC that fits; `status` goes last, as in a sweep."""
    with h5py.File(path, "r+") as file:
        index = np.unravel_index(run, file["status"].shape)
        for name, value in values.items():
            file[name][index] = value
    fix_crc(path, run)
