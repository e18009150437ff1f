#!/usr/bin/env python3
"""run.py BUILD_DIRECTORY VERSION COMPILER…: installs the library into an empty prefix, moves that, and builds and runs
a stranger's projects against it, by find_package and by pkg-config, with each compiler."""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent



def run(*command, **more):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    output = done.stdout.decode()
    if done.returncode != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}\n{output}")
    return output


def check_installed(prefix):
    """The public headers and nothing private; no trace of the directory it was built in."""
    headers = {path.name for path in (prefix / "include").rglob("*") if path.is_file()}
    public = {path.name for path in (HERE.parents[1] / "include" / "jeton").glob("*.h")}
    assert headers == public, f"installed headers differ: {headers ^ public}"
    top = str(HERE.parents[1])
    for path in prefix.rglob("*"):
        if path.suffix in (".cmake", ".pc", ".h"):
            assert top not in path.read_text(), f"{path} names the source directory"


def check_consumer(program, version):
    said = run(program)
    assert said == f"pro {version}\n", f"the stranger's program said {said!r}"


def check_agent(program, work):
    said = run(program, work / "keys.jwks")
    assert said == "pro, kept fresh\n", f"the stranger's service said {said!r}"


def by_find_package(prefix, work, compiler, version):
    build = work / f"find_package-{Path(compiler).name}"
    run("cmake", "-S", HERE / "by_find_package", "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DCMAKE_CXX_COMPILER={compiler}")
    run("cmake", "--build", build)
    check_consumer(build / "consumer", version)
    if any(prefix.rglob("libjeton_agent.a")):
        check_agent(build / "agent_consumer", build)


def by_pkg_config(prefix, work, compiler, version):
    pc = next(prefix.rglob("jeton.pc")).parent
    environment = {**os.environ, "PKG_CONFIG_PATH": str(pc)}
    flags = run("pkg-config", "--static", "--cflags", "--libs", "jeton", env=environment).split()
    program = work / f"pkg-config-{Path(compiler).name}"
    run(compiler, "-std=c++23", HERE / "consumer.cc", "-o", program, *flags)
    check_consumer(program, version)
    assert run("pkg-config", "--modversion", "jeton", env=environment).strip() == version
    if not (pc / "jeton-agent.pc").exists():
        return
    flags = run("pkg-config", "--static", "--cflags", "--libs", "jeton-agent", env=environment).split()
    program = work / f"pkg-config-agent-{Path(compiler).name}"
    run(compiler, "-std=c++23", HERE / "agent_consumer.cc", "-o", program, *flags)
    check_agent(program, work)


def main():
    build, version, *compilers = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        installed = work / "first"
        run("cmake", "--install", build, "--prefix", installed)
        check_installed(installed)
        prefix = work / "moved"  # a prefix may be moved: nothing installed remembers where it was put first
        shutil.move(installed, prefix)
        for compiler in compilers:
            by_find_package(prefix, work, compiler, version)
            by_pkg_config(prefix, work, compiler, version)


if __name__ == "__main__":
    main()
