#!/usr/bin/env python3
"""alone.py INCLUDE_DIR HEADER COMPILER…: a public header compiles alone, and brings in standard C++ only.

For the header a file is made that includes it twice and nothing else, and refuses to compile if a name of a library
behind Jeton came along. What the compiler read is listed as well, so that a forgotten name does not matter.
"""
import os
import subprocess
import sys

LEAKS = ["OPENSSL_VERSION_TEXT", "OPENSSL_VERSION_NUMBER", "SIMDJSON_VERSION", "SODIUM_VERSION_STRING", "sodium_H",
         "BOOST_VERSION", "FMT_VERSION", "SPDLOG_VER_MAJOR", "SQLITE_VERSION"]
FOREIGN = ("openssl/", "sodium", "simdjson", "boost/", "fmt/", "spdlog/", "sqlite3", "toml++/", "CLI/")


def source_for(header):
    lines = [f"#include <jeton/{header}>", f"#include <jeton/{header}>"]
    for name in LEAKS:
        lines += [f"#ifdef {name}", f'#error "{name} leaked into a public header"', "#endif"]
    return "\n".join(lines) + "\n"


def main():
    include, header, *compilers = sys.argv[1:]
    for compiler in compilers:
        command = [compiler, "-std=c++23", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-H",
                   f"-I{include}", "-x", "c++", "-"]
        done = subprocess.run(command, input=source_for(header).encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"})
        output = done.stderr.decode()
        if done.returncode != 0:
            sys.exit(f"{header} does not compile alone with {compiler}:\n" +
                     "\n".join(line for line in output.splitlines() if not line.startswith(".")))
        read = [line.lstrip(". ") for line in output.splitlines() if line.startswith(".")]
        leaked = [path for path in read if any("/include/" + name in path for name in FOREIGN)]
        if leaked:
            sys.exit(f"{header} brings in {leaked[0]}")
        if not any(path.endswith("jeton/" + header) for path in read):
            sys.exit(f"{compiler} did not list {header} among what it read; this test would prove nothing")


if __name__ == "__main__":
    main()
