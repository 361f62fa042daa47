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


def tally(folder, programs=(), junit=None, checks=""):
    lines = [json.dumps(dict(zip(("name", "result", "stdout"), program))) for program in programs]
    (folder / "meson.json").write_text("\n".join(lines))
    (folder / "checks.txt").write_text(checks)
    if junit:
        (folder / "e2e.xml").write_text(junit)
    return subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True)


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
