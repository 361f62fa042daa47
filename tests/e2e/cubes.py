# SPDX-License-Identifier: MIT
"""What the tests of growing and merging ask of results files."""

import zlib

import h5py
import numpy as np

from command import phasegrid


def digest(path, cwd):
    """What `verify` says of the results: the same digest, the same cube."""
    result = phasegrid("verify", path, cwd=cwd)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()[0]


def trained(job, path, cwd, *options):
    """Runs a job file, or the text of one, to its end; the digest of its results."""
    if "\n" in job:
        (cwd / f"{path}.yaml").write_text(job)
        job = f"{path}.yaml"
    result = phasegrid("run", job, "-o", path, "--ranks", 1, *options, cwd=cwd)
    assert result.returncode == 0, result.stderr
    return digest(path, cwd)


def payload(file):
    """The variables that a row's CRC runs over, in its order: that of creation."""
    names = []
    file.id.links.iterate(lambda name: names.append(name.decode()),
                          idx_type=h5py.h5.INDEX_CRT_ORDER)
    return [name for name in names
            if isinstance(file[name], h5py.Dataset) and file[name].attrs.get("scope") == "run"
            and name not in ("status", "row_crc")]


def rows_of(path, runs):
    """Every variable of these runs as bytes, costs and dates too, by name."""
    with h5py.File(path) as file:
        grid = len(file.attrs["grid_dims"].split())
        found = {}
        for name in ["status", *payload(file)]:
            rows = file[name][...]
            found[name] = rows.reshape(-1, *rows.shape[grid:])[runs].tobytes()
    return found


def forge(path, run, name, value):
    """Gives a run another value, and the CRC that fits it."""
    with h5py.File(path, "r+") as file:
        grid = len(file.attrs["grid_dims"].split())
        place = np.unravel_index(run, file["status"].shape)
        rows = file[name][...]
        rows.reshape(-1, *rows.shape[grid:])[run].flat[0] = value
        file[name][...] = rows
        crc = 0
        for variable in payload(file):
            crc = zlib.crc32(np.ascontiguousarray(file[variable][place]).tobytes(), crc)
        file["row_crc"][place] = crc
