# SPDX-License-Identifier: MIT
"""tools/lib/tally.py counts every test once, names what failed or was skipped, and its exit code."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "tools" / "lib" / "tally.py"

CMOCKA = """[==========] Running 4 test(s).
[ RUN      ] adds
[       OK ] adds
[ RUN      ] halves
[  ERROR   ] --- 1 != 2
[  FAILED  ] halves
[ RUN      ] avx512
no AVX-512 here
[  SKIPPED ] avx512
[ RUN      ] doubles
[       OK ] doubles
[==========] 4 test(s) run.
[  PASSED  ] 2 test(s).
[  SKIPPED ] 1 test(s), listed below:
[  SKIPPED ] avx512
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] halves
"""
PYTEST = """..s.F
FAILED tests/science/test_maps.py::test_corner - assert 1 == 2
SKIPPED [1] tests/science/test_maps.py:9: no torch
1 failed, 3 passed, 1 skipped in 0.12s
"""
JUNIT = """<testsuites><testsuite><testcase classname="a" name="b"/>
<testcase classname="a" name="c"><skipped message="no ncdump"/></testcase>
<testcase classname="a" name="d"><failure message="no"/></testcase></testsuite></testsuites>"""


def tally(folder, programs=(), junit=None, checks="", suites=()):
    lines = [json.dumps(dict(zip(("name", "result", "stdout"), program))) for program in programs]
    (folder / "meson.json").write_text("\n".join(lines))
    (folder / "checks.txt").write_text(checks)
    if junit:
        (folder / "e2e.xml").write_text(junit)
    return subprocess.run([sys.executable, SCRIPT, folder, *suites], capture_output=True,
                          text=True)


def test_all_kinds_are_added_up(tmp_path):
    result = tally(tmp_path, [("store", "FAIL", CMOCKA), ("maps", "FAIL", PYTEST),
                              ("layers", "OK", "fine"), ("ranks", "SKIP", "only one core\n")],
                   JUNIT, "passed build\nfailed format: x.c\nskipped long: takes hours\n")
    assert result.stdout.splitlines()[-1] == "8 passed, 4 failed, 5 skipped"
    assert result.returncode == 1
    for line in ("failed: store/halves", "skipped: store/avx512 (no AVX-512 here)",
                 "failed: maps/tests/science/test_maps.py::test_corner",
                 "skipped: maps (tests/science/test_maps.py:9: no torch)",
                 "skipped: ranks (only one core)", "skipped: a::c (no ncdump)", "failed: a::d",
                 "failed: format (x.c)", "skipped: long (takes hours)"):
        assert line in result.stdout.splitlines()


def test_all_passed_is_success(tmp_path):
    result = tally(tmp_path, [("layers", "OK", "fine")])
    assert (result.stdout, result.returncode) == ("1 passed, 0 failed, 0 skipped\n", 0)


def test_a_program_that_crashes_after_its_tests_has_failed(tmp_path):
    result = tally(tmp_path, [("plan", "TIMEOUT", "[       OK ] adds\n")])
    assert result.stdout.splitlines()[-1] == "1 passed, 1 failed, 0 skipped"


def test_no_tests_at_all_is_no_success(tmp_path):
    result = tally(tmp_path)
    assert (result.stdout, result.returncode) == ("0 passed, 0 failed, 0 skipped\n", 1)


SUITES = ("unit", "mpi", "science", "e2e")


def test_suites_without_results_have_failed(tmp_path):
    result = tally(tmp_path, [("phasegrid:unit / layers", "OK", "")],
                   checks="passed build\n", suites=SUITES)
    assert result.stdout.splitlines() == [
        "failed: mpi (produced no results)", "failed: science (produced no results)",
        "failed: e2e (produced no results)", "2 passed, 3 failed, 0 skipped"]
    assert result.returncode == 1


def test_a_build_alone_is_no_success(tmp_path):
    (tmp_path / "checks.txt").write_text("passed gcc build\n")
    result = subprocess.run([sys.executable, SCRIPT, tmp_path, *SUITES], capture_output=True,
                            text=True)
    assert result.stdout.splitlines()[-1] == "1 passed, 4 failed, 0 skipped"
    assert result.returncode == 1


def test_each_suite_is_found_where_it_is_counted(tmp_path):
    result = tally(tmp_path, [("phasegrid:unit / layers", "OK", ""),
                              ("phasegrid:mpi / sweeps", "SKIP", "no h5py\n")],
                   '<testsuite><testcase classname="a" name="b"/></testsuite>',
                   "skipped science: no pytest\nended meson: 0\nended e2e: 0\n", SUITES)
    assert result.stdout.splitlines() == [
        "skipped: phasegrid:mpi / sweeps (no h5py)", "skipped: science (no pytest)",
        "2 passed, 0 failed, 2 skipped"]
    assert result.returncode == 0


def test_a_command_that_ended_badly_has_failed_somewhere(tmp_path):
    passed = [("phasegrid:unit / layers", "OK", "")]
    result = tally(tmp_path, passed, checks="ended meson: 137\n")
    assert result.stdout.splitlines() == [
        "failed: meson (ended with exit code 137, but none of its tests failed)",
        "1 passed, 1 failed, 0 skipped"]
    failed = [*passed, ("phasegrid:unit / plan", "FAIL", "")]
    result = tally(tmp_path, failed, checks="ended meson: 1\n")
    assert result.stdout.splitlines() == ["failed: phasegrid:unit / plan (fail)",
                                          "1 passed, 1 failed, 0 skipped"]
