# SPDX-License-Identifier: MIT
"""Adds up the tests of all suites and prints what failed, what was skipped and why, and one line.

    tally.py FOLDER

reads FOLDER/*.json (meson's test logs), FOLDER/*.xml (pytest's, JUnit form) and FOLDER/checks.txt
(lines "passed|failed|skipped NAME: REASON"). A cmocka or pytest program counts one for each of its
tests (pytest's with -rs, for the reasons), any other program one. The exit code is 0 when something passed and nothing failed.
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
    for line in path.read_text(encoding="utf-8").splitlines():
        yield from program_tests(json.loads(line))


def pytest_tests(path):
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            yield "failed", name, ""
        elif skipped is not None:
            yield "skipped", name, skipped.get("message") or "no reason given"
        else:
            yield "passed", name, ""


def check_tests(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        outcome, text = line.split(" ", 1)
        name, _, reason = text.partition(": ")
        yield outcome, name, reason


READERS = {".json": meson_tests, ".xml": pytest_tests, ".txt": check_tests}


def main(folder):
    tests = [test for path in sorted(Path(folder).iterdir()) if path.suffix in READERS
             for test in READERS[path.suffix](path)]
    counts = {outcome: 0 for outcome in ("passed", "failed", "skipped")}
    for outcome, name, reason in tests:
        counts[outcome] += 1
        if outcome != "passed":
            print(f"{outcome}: {name}" + (f" ({reason})" if reason else ""))
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return 0 if counts["passed"] and not counts["failed"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
