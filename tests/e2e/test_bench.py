# SPDX-License-Identifier: MIT
"""phasegrid bench: what it prints and what it refuses. How fast it was is nobody's test."""

import pytest

import command

QUICK = ("--rounds", 1, "--seconds", "1e-4")
KEYS = {"workload", "kernel", "layout", "width", "steps_per_cpu_s", "gflops", "peak_gflops"}
SAMPLES = 44  # of W1's data


def supported_kernels():
    return [row["name"] for row in command.listing("list", "kernels")
            if row["state"] != "not on this CPU"]


def useful_operations(width):
    """6 for each weight and sample of 1 -> width -> width -> 30."""
    return 6 * SAMPLES * (width + width * width + width * 30)


def test_json_has_a_row_for_every_kernel_and_layout():
    rows = command.listing("bench", "--workload", "W1", *QUICK)
    assert all(set(row) == KEYS for row in rows)
    assert {(row["kernel"], row["layout"]) for row in rows} == {
        (kernel, layout) for kernel in supported_kernels() for layout in ("samples", "runs")}
    assert len(rows) == 2 * len(supported_kernels())
    for row in rows:
        assert (row["workload"], row["width"]) == ("W1", 200)
        operations = row["gflops"] * 1e9 / row["steps_per_cpu_s"]
        assert operations == pytest.approx(useful_operations(200))
        assert row["peak_gflops"] > 0


def test_widths_are_the_asked_ones():
    rows = command.listing("bench", "--width", 8, "--width", 24, "--layout", "runs", *QUICK)
    assert [row["width"] for row in rows] == [w for w in (8, 24) for _ in supported_kernels()]
    for row in rows:
        assert (row["workload"], row["layout"]) == ("widths", "runs")
        operations = row["gflops"] * 1e9 / row["steps_per_cpu_s"]
        assert operations == pytest.approx(useful_operations(row["width"]))


def test_one_kernel_by_option_or_environment():
    for arguments, changes in ((("--kernel", "scalar"), {}), ((), {"PHASEGRID_KERNEL": "scalar"})):
        rows = command.listing("bench", "--width", 8, *arguments, *QUICK, **changes)
        assert [row["kernel"] for row in rows] == ["scalar"] * 2


def test_whole_runs_beside_the_bare_loop():
    """The last table has the share that evaluation leaves."""
    kernel = supported_kernels()[-1]
    result = command.phasegrid("bench", "--workload", "W1", "--workload", "W1-run", "--kernel",
                               kernel, "--layout", "samples", *QUICK)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["workload", "width", "kernel", "layout", "steps/s", "GFLOP/s", "%",
                                "of", "peak"]
    assert [line.split()[:4] for line in lines[1:3]] == [
        ["W1", "200", kernel, "samples"], ["W1-run", "200", kernel, "samples"]]
    assert lines[-2].split() == ["kernel", "layout", "W1-run", "/", "W1"]
    found, layout, share = lines[-1].split()
    assert (found, layout) == (kernel, "samples") and float(share) > 0


def test_packs_beside_one_at_a_time():
    """The second table has measured and expected gain of every width; nothing where one layout was
    asked for."""
    kernel = supported_kernels()[-1]
    widths = ("--width", 8, "--width", 400, "--kernel", kernel)
    lines = command.phasegrid("bench", *widths, *QUICK).stdout.splitlines()
    assert lines[-3].split() == ["workload", "width", "kernel", "runs", "/", "samples", "expected"]
    for line, width in zip(lines[-2:], ("8", "400")):
        name, found_width, found_kernel, measured, expected = line.split()
        assert (name, found_width, found_kernel) == ("widths", width, kernel)
        assert float(measured) > 0 and float(expected) > 0
    one_layout = command.phasegrid("bench", *widths, "--layout", "runs", *QUICK)
    assert "expected" not in one_layout.stdout


def test_modular_addition_is_measured():
    kernel = supported_kernels()[-1]
    row, = command.listing("bench", "--workload", "W2", "--kernel", kernel, "--layout", "samples",
                           *QUICK)
    assert (row["workload"], row["width"]) == ("W2", 256)
    operations = row["gflops"] * 1e9 / row["steps_per_cpu_s"]
    # The first layer once for each of the 59 symbols, the second for each of the 1,740 samples.
    assert operations == pytest.approx(6 * (59 * 64 * 256 + 1740 * 256 * 59))


@pytest.mark.parametrize("arguments, words", [
    (["--workload", "w1"], ["'w1'", "W1, W1-run, W2, W4, widths"]),
    (["--kernel", "sse9"], ["--kernel", "'sse9'", "scalar"]),
    (["--layout", "rows"], ["'rows'", "samples, runs"]),
    (["--width", "8", "--workload", "W1"], ["--width", "widths", "W1"]),
    (["--width", "0"], ["--width", "'0'", "1 to 4096"]),
    (["--rounds", "0"], ["--rounds", "'0'", "1 to 101"]),
    (["--rounds", "3.5"], ["--rounds", "'3.5'"]),
    (["--seconds", "0"], ["--seconds", "'0'", "0.0001 to 60"]),
    (["--seconds", "nan"], ["--seconds", "'nan'"]),
    (["--seconds", "1s"], ["--seconds", "'1s'"]),
    (["W1"], ["Too many arguments"])])
def test_wrong_use_says_what_is_allowed(arguments, words):
    result = command.phasegrid("bench", *arguments)
    assert result.returncode == 1 and result.stdout == ""
    for word in words:
        assert word in result.stderr


def test_wrong_kernel_in_the_environment():
    result = command.phasegrid("bench", "--width", 8, *QUICK, PHASEGRID_KERNEL="sse9")
    assert result.returncode == 1
    assert "PHASEGRID_KERNEL" in result.stderr and "scalar" in result.stderr
