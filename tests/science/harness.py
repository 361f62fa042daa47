# SPDX-License-Identifier: MIT
"""Runs jobs with the program that was built. PHASEGRID names it, or PHASEGRID_BUILD the build
folder that holds it."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
JOBS = Path(__file__).resolve().parent / "jobs"


def program():
    built = Path(os.environ.get("PHASEGRID_BUILD", ROOT / "build")) / "src" / "cli" / "phasegrid"
    return os.environ.get("PHASEGRID", str(built))


def call(*words):
    """What the program says; it must end well."""
    done = subprocess.run([program(), *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run(job, output, **settings):
    """Runs the job file into `output`, or goes on with what is there; returns `output`."""
    output.parent.mkdir(parents=True, exist_ok=True)
    overrides = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    call("run", job, "-o", output, *overrides)
    return output


def published(name, folder):
    """The job jobs/NAME.yaml, run into the folder; or into the one that PHASEGRID_SCIENCE_DIR names,
    where files of an earlier run are gone on with: finished ones are judged as they are."""
    folder = Path(os.environ.get("PHASEGRID_SCIENCE_DIR", folder))
    return run(ROOT / "jobs" / f"{name}.yaml", folder / f"{name}.h5")
