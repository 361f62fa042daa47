# SPDX-License-Identifier: MIT
"""Adds up the tests of all suites and prints what failed, what was skipped and why, and one line.

    tally.py FOLDER [SUITE...]

reads FOLDER/*.json (meson's test logs), FOLDER/*.xml (pytest's, JUnit form) and FOLDER/checks.txt
(lines "passed|failed|skipped NAME: REASON", and "ended STEM: CODE" for the command that had to write
FOLDER/STEM.*). A cmocka or pytest program counts one for each of its tests (pytest's with -rs, for
the reasons), any other program one. Whatever is missing has failed: a SUITE of which no test was
found, and a command that ended badly although none of its tests did. A suite is one of meson's, or
the stem of pytest's file. The exit code is 0 when something passed and nothing failed.
"""

import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

PYTEST_END = re.compile(r"^=* ?((?:\d+ \w+,? )+)in [\d.]+s", re.MULTILINE)
PYTEST_BAD = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
PYTEST_SKIPPED = re.compile(r"^SKIPPED \[(\d+)\] (.*)$", re.MULTILINE)
CMOCKA = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] (\S+)$", re.MULTILINE)
OUTCOMES = {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}
MESON = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


def last_line(text):
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def skip_reason(output, name):
    """What a cmocka test printed before it skipped itself."""
    inside = re.search(rf"^\[ RUN +\] {re.escape(name)}$(.*?)^\[ +SKIPPED", output,
                       re.MULTILINE | re.DOTALL)
    return last_line(inside.group(1)) if inside else "no reason given"


def cmocka_tests(program, output):
    """(outcome, name, reason) for each test that a cmocka program reports."""
    found = {name: OUTCOMES[outcome] for outcome, name in CMOCKA.findall(output)}
    for name, outcome in found.items():
        reason = skip_reason(output, name) if outcome == "skipped" else ""
        yield outcome, f"{program}/{name}", reason


def pytest_output_tests(program, output):
    """(outcome, name, reason) for each test that pytest reports on its output."""
    end = PYTEST_END.search(output)
    passed = re.search(r"(\d+) passed", end.group(1)) if end else None
    yield from [("passed", program, "")] * int(passed.group(1) if passed else 0)
    for name in PYTEST_BAD.findall(output):
        yield "failed", f"{program}/{name}", ""
    for count, reason in PYTEST_SKIPPED.findall(output):
        yield from [("skipped", program, reason)] * int(count)


def program_tests(record):
    """(outcome, name, reason) for each test of one program of meson's log."""
    program, output = record["name"], record.get("stdout", "") + "\n" + record.get("stderr", "")
    whole = MESON.get(record["result"], "failed")
    found = [*cmocka_tests(program, output), *pytest_output_tests(program, output)]
    yield from found
    if not found:
        yield whole, program, last_line(output) if whole == "skipped" else record["result"].lower()
    elif whole == "failed" and all(outcome != "failed" for outcome, _, _ in found):
        yield "failed", program, f"its tests passed, but it ended with {record['result'].lower()}"


def meson_tests(path):
    """(suites, outcome, name, reason); meson names a test "PROJECT:SUITE+SUITE / NAME"."""
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        suites = set(record["name"].partition(" / ")[0].partition(":")[2].split("+"))
        for test in program_tests(record):
            yield suites, *test


def junit_cases(path):
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            yield "failed", name, ""
        elif skipped is not None:
            yield "skipped", name, skipped.get("message") or "no reason given"
        else:
            yield "passed", name, ""


def pytest_tests(path):
    for test in junit_cases(path):
        yield {path.stem}, *test


def check_lines(folder):
    """(what, name, reason) of each line of checks.txt."""
    path = folder / "checks.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for line in lines:
        what, text = line.split(" ", 1)
        name, _, reason = text.partition(": ")
        yield what, name, reason


READERS = {".json": meson_tests, ".xml": pytest_tests}


def collect(folder, suites):
    """(outcome, name, reason) for every test, and for everything that should have been one."""
    found = {path.stem: list(READERS[path.suffix](path)) for path in sorted(folder.iterdir())
             if path.suffix in READERS}
    for tests in found.values():
        yield from (test[1:] for test in tests)
    known = set().union(*(test[0] for tests in found.values() for test in tests))
    for what, name, reason in check_lines(folder):
        if what != "ended":
            known.add(name)
            yield what, name, reason
        elif reason != "0" and not any(test[1] == "failed" for test in found.get(name, [])):
            yield "failed", name, f"ended with exit code {reason}, but none of its tests failed"
    for suite in suites:
        if suite not in known:
            yield "failed", suite, "produced no results"


def main(folder, *suites):
    counts = {outcome: 0 for outcome in ("passed", "failed", "skipped")}
    for outcome, name, reason in collect(Path(folder), suites):
        counts[outcome] += 1
        if outcome != "passed":
            print(f"{outcome}: {name}" + (f" ({reason})" if reason else ""))
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return 0 if counts["passed"] and not counts["failed"] else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
