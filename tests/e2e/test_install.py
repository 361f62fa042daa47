# SPDX-License-Identifier: MIT
"""`meson install` into an empty folder: the command runs from there, and a C program builds against
the library through pkg-config alone."""

import os
import shlex
import subprocess

import pytest

from command import PROGRAM, SMALL_JOB, environment

BUILD = PROGRAM.parents[2]

CONSUMER = r"""
#include <phasegrid/experiment.h>
#include <phasegrid/job.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    const struct pg_experiment *addition = pg_experiment_find("addition");
    const struct pg_schema *schemas[] = {addition->schema};
    struct pg_error error = {0};
    struct pg_job *job = NULL;
    const char *text = argc > 1 ? argv[1] : "";
    if (pg_job_parse("text", text, strlen(text), schemas, 1, NULL, 0, &job, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    printf("%llu runs\n", (unsigned long long)pg_job_run_count(job));
    pg_job_destroy(job);
    return 0;
}
"""


def output(*command, cwd=None, **changes):
    result = subprocess.run(command, capture_output=True, text=True, cwd=cwd,
                            env=environment(**changes))
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that stands for /; and the prefix in it."""
    root = tmp_path_factory.mktemp("root")
    output("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root)
    [program] = root.rglob("bin/phasegrid")
    return root, program.parent.parent


def test_the_installed_command_runs_and_finds_the_pictures(installed, tmp_path):
    program = installed[1] / "bin" / "phasegrid"
    (tmp_path / "small.yaml").write_text(SMALL_JOB)
    output(program, "run", "small.yaml", "--ranks", "1", cwd=tmp_path)
    output(program, "plot", "small.h5", "-o", "map.png", cwd=tmp_path)
    assert (tmp_path / "map.png").stat().st_size > 0
    package = installed[1] / "share" / "phasegrid" / "python" / "phasegrid"
    assert (package / "__main__.py").exists()
    (package / "__main__.py").write_text("print('the installed package')\n")
    assert output(program, "plot", "small.h5", cwd=tmp_path) == "the installed package\n"


def test_every_public_header_is_installed(installed):
    names = {path.name for path in (installed[1] / "include" / "phasegrid").iterdir()}
    assert {"job.h", "experiment.h", "store.h", "sweep.h", "error.h"} <= names


def test_a_c_program_builds_with_pkg_config(installed, tmp_path):
    root, prefix = installed
    [description] = prefix.rglob("phasegrid.pc")
    [library] = prefix.rglob("libphasegrid.so")
    source = tmp_path / "consumer.c"
    source.write_text(CONSUMER)
    flags = output("pkg-config", "--define-variable=prefix=" + str(prefix), "--cflags", "--libs",
                   "phasegrid", PKG_CONFIG_PATH=str(description.parent))
    output(os.environ.get("CC", "cc"), "-Wall", "-Wextra", "-Werror", source, "-o", tmp_path / "consumer",
           *shlex.split(flags))
    path = {"LD_LIBRARY_PATH": str(library.parent)}
    assert output(tmp_path / "consumer", SMALL_JOB, **path) == "12 runs\n"
    result = subprocess.run([tmp_path / "consumer", "title: no experiment"], capture_output=True,
                            text=True, env=environment(**path))
    assert result.returncode == 1 and "experiment" in result.stderr
