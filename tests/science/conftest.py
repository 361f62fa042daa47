# SPDX-License-Identifier: MIT
"""The modules of this folder import each other by name, and the package of the tools."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parents[2] / "tools"))
