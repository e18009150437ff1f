#!/usr/bin/env python3
"""twins.py COMPILER INCLUDE_DIR CASE.cc: the case compiles without its forbidden line and not with it.

The twin that compiles matters as much: without it a case could be refused for a missing header and nobody would see.
The refusal must also be the expected one: the case says it in its line `// refused: REGEX`.
"""
import os
import re
import subprocess
import sys


def compile_case(compiler, include, case, forbidden):
    command = [compiler, "-std=c++23", "-fsyntax-only", f"-I{include}", f"-DMUST_NOT_COMPILE={forbidden}", case]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "LC_ALL": "C"})
    return done.returncode, done.stdout.decode()


def main():
    compiler, include, case = sys.argv[1:]
    text = open(case, encoding="utf-8").read()
    if "#if MUST_NOT_COMPILE" not in text:
        sys.exit(f"{case}: no #if MUST_NOT_COMPILE")
    expected = re.search(r"^// refused: (.+)$", text, re.M)
    if not expected:
        sys.exit(f"{case}: no line `// refused: REGEX`")
    code, output = compile_case(compiler, include, case, 0)
    if code != 0:
        sys.exit(f"{case}: the twin without the forbidden line must compile:\n{output}")
    code, output = compile_case(compiler, include, case, 1)
    if code == 0:
        sys.exit(f"{case}: the forbidden line compiled")
    errors = [line for line in output.splitlines() if " error: " in line]
    if not re.search(expected[1], "\n".join(errors[:1])):
        sys.exit(f"{case}: refused, but not first by {expected[1]!r}:\n" + "\n".join(errors[:5]))


if __name__ == "__main__":
    main()
