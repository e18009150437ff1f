#!/usr/bin/env python3
"""Every proof that docs/attacks.md names exists: a GoogleTest case in the sources, or a file."""
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
CASE = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")


def cases():
    for folder in ("src", "tests", "fuzz"):
        for path in (TOP / folder).rglob("*.cc"):
            yield from (f"{suite}.{name}" for suite, name in CASE.findall(path.read_text()))


def main():
    known = set(cases())
    page = (TOP / "docs" / "attacks.md").read_text()
    missing, proofs = [], 0
    sections = re.split(r"^### ", page, flags=re.M)[1:]
    for section in sections:
        title, proved = section.splitlines()[0], section.partition("Proved by:")[2].split("\n## ")[0]
        named = re.findall(r"`([^`]+)`", proved)
        proofs += len(named)
        if not named:
            missing.append(f"{title}: no proof is named")
        missing += [f"{title}: {name} does not exist" for name in named
                    if name not in known and not ("/" in name and (TOP / name).is_file())]
    if missing:
        sys.exit("\n".join(missing))
    if not proofs:
        sys.exit("no proofs found; this test would prove nothing")
    print(f"{len(sections)} attacks, {proofs} proofs")


if __name__ == "__main__":
    main()
