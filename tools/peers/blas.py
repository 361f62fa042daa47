# SPDX-License-Identifier: MIT
"""Which BLAS this process has loaded: numpy's speed is mostly its."""

import ctypes
from pathlib import Path

# OpenBLAS by itself, as numpy's wheels rename it, and with 64-bit indices.
CORE_NAMES = ["openblas_get_corename", "scipy_openblas_get_corename64_",
              "scipy_openblas_get_corename", "openblas_get_corename64_"]


def loaded_libraries():
    """Paths of the mapped libraries with "blas" in their name."""
    lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    paths = {line.split(maxsplit=5)[5] for line in lines if len(line.split(maxsplit=5)) == 6}
    return sorted(path for path in paths if "blas" in Path(path).name and ".so" in path)


def core_name(path):
    """The kernels that OpenBLAS has chosen for this CPU, or None for another BLAS."""
    library = ctypes.CDLL(path)
    for name in CORE_NAMES:
        if hasattr(library, name):
            function = getattr(library, name)
            function.restype = ctypes.c_char_p
            return function().decode()
    return None


def description():
    """"OpenBLAS SkylakeX", a file's name, or "unknown BLAS"."""
    libraries = loaded_libraries()
    for path in libraries:
        core = core_name(path)
        if core:
            return f"OpenBLAS {core}"
    return Path(libraries[0]).name if libraries else "unknown BLAS"
