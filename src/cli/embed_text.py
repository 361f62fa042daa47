#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""embed_text.py OUTPUT FILE...: a C header with each file's text, as `pg_text_<name up to the dot>`."""

import pathlib
import sys


def literal(line):
    return '    "' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"'


def definition(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return f"static const char pg_text_{path.stem}[] =\n" + "\n".join(map(literal, lines)) + ";\n"


def main():
    output, *paths = map(pathlib.Path, sys.argv[1:])
    output.write_text("\n".join(map(definition, paths)), encoding="utf-8")


main()
