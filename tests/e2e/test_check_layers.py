# SPDX-License-Identifier: MIT
"""tools/check-layers passes a tree that keeps the order and names every include that does not."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "check-layers"


def check(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return subprocess.run([SCRIPT, root], capture_output=True, text=True)


GOOD = {
    "include/phasegrid/error.h": "",
    "include/phasegrid/sweep.h": '#include <mpi.h>\n#include "phasegrid/error.h"\n',
    "src/base/error.c": '#include "phasegrid/error.h"\n',
    "src/store/file.h": "#include <hdf5.h>\n",
    "src/store/file.c": '#include "file.h"\n#include "phasegrid/error.h"\n',
    "src/cli/main.c": '#include "phasegrid/sweep.h"\n#include <mpi.h>\n',
}


def test_a_tree_in_order_passes(tmp_path):
    result = check(tmp_path, GOOD)
    assert result.returncode == 0, result.stdout
    assert "6 files, 0 includes" in result.stdout


@pytest.mark.parametrize("name, text, expected", [
    ("src/base/bad.c", '#include "phasegrid/sweep.h"\n',
     "src/base/bad.c: layer 'base' includes \"phasegrid/sweep.h\" of layer 'sweep'"),
    ("src/job/bad.c", '#  include "../store/file.h"\n',
     "src/job/bad.c: layer 'job' includes \"../store/file.h\" of layer 'store'"),
    ("src/job/bad.c", '#include "store/file.h"\n',
     "src/job/bad.c: layer 'job' includes \"store/file.h\" of layer 'store'"),
    ("src/kernel/bad.c", "#include <mpi.h>\n",
     "src/kernel/bad.c: layer 'kernel' includes <mpi.h>, which only store, sweep, cli may"),
    ("src/sweep/bad.c", "#include <hdf5.h>\n",
     "src/sweep/bad.c: layer 'sweep' includes <hdf5.h>, which only store may"),
    ("include/phasegrid/error.h", '#include "phasegrid/sweep.h"\n',
     "include/phasegrid/error.h: layer 'base' includes"),
    ("include/phasegrid/stray.h", "", "include/phasegrid/stray.h: belongs to no layer"),
    ("src/stray.c", "", "src/stray.c: belongs to no layer"),
])
def test_what_points_upward_is_named(tmp_path, name, text, expected):
    result = check(tmp_path, {**GOOD, name: text})
    assert result.returncode == 1
    assert expected in result.stdout
    assert "1 includes that point upward" in result.stdout


def test_a_folder_without_sources_fails(tmp_path):
    assert check(tmp_path, {}).returncode == 1
