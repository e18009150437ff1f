#!/usr/bin/env python3
"""run.py COMPILER JETON: what README.md shows works: its C++ compiles, its command lines end well when pasted."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


def blocks(heading, language):
    section = (TOP / "README.md").read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(rf"^```{language}\n(.*?)^```", section, re.M | re.S)
    assert found, f"README.md has no {language} under {heading}"
    return found


def check_cpp(compiler):
    library, guard = blocks("Quick start: the library", "cpp")
    includes = "".join(re.findall(r"^#include .*\n", library, re.M))
    source = (includes + "#include <jeton/guard.h>\n"
              "void log(const std::string&);\n"
              "void use(std::string_view, const jeton::Result<std::string>&);\n"
              "void readme(const jeton::RequestFacts& facts) {\n" + library.replace(includes, "") + guard + "}\n")
    done = subprocess.run([compiler, "-std=c++23", "-fsyntax-only", f"-I{TOP}/include", "-x", "c++", "-"],
                          input=source.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, source + done.stdout.decode()


def check_commands(jeton):
    [commands] = blocks("Quick start: the command line", "sh")
    with tempfile.TemporaryDirectory() as directory:
        os.symlink(Path(jeton).resolve(), Path(directory) / "jeton")
        environment = {"PATH": f"{directory}:/usr/bin:/bin", "LANG": "C.UTF-8"}
        done = subprocess.run(["bash", "-euc", commands], cwd=directory, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        said = done.stdout.decode()
        assert done.returncode == 0, said
        assert '"sub":"dev_12847"' in said, said


if __name__ == "__main__":
    check_cpp(sys.argv[1])
    check_commands(sys.argv[2])
