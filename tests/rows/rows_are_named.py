#!/usr/bin/env python3
"""Each row that the issuer has to show is named by a comment right before a test, or at the head of a file of tests:
`F07` and `X03` of the hostile rows, `mission row 3` of what was asked for."""
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

# What is done, and with which files it is shown: at least these name the row.
HOSTILE = {
    "F01": ("a hundred refreshes of one token at once", ["tests/e2e/tabs_test.py"]),
    "F06": ("another client's refresh token; a user logged out, disabled, with a new password",
            ["src/issuer/oauth/token_test.cc", "src/issuer/accounts/change_password_test.cc"]),
    "F07": ("the token before the last, within the grace", ["src/store/conformance/rotation_conformance.cc"]),
    "F12": ("attributes of the cookie", ["src/http/cookies_test.cc", "src/issuer/browser/browser_test.cc"]),
    "F13": ("fixation", ["src/issuer/browser/browser_test.cc"]),
    "F15": ("guessing, and locking out by guessing", ["src/issuer/limits/login_limits_test.cc"]),
    "F16": ("two hundred logins at once in 1 GiB", ["tests/e2e/memory_test.py"]),
    "F17": ("passwords that are long, cut short or strange", ["src/issuer/accounts/change_password_test.cc"]),
    "F20": ("private_key_jwt", ["src/issuer/oauth/token_test.cc"]),
    "X01": ("killed at every system call", ["tests/e2e/fault_test.py"]),
    "X03": ("no room, no quota, no disk", ["tests/e2e/fault_test.py"]),
    "X07": ("clocks that jump", ["src/store/conformance/clock_conformance.cc", "tests/e2e/clock_test.py"]),
    "X10": ("everybody at once", ["src/store/sqlite/faults_test.cc"]),
    "X11": ("no memory", ["tests/e2e/alloc_test.py"]),
    "X12": ("stops and reloads under load", ["tests/e2e/tabs_test.py"]),
}
MISSION = [3, 7, 8, 11, 13, 14, 19, 20]

TEST = re.compile(r"^\s*(?:TEST(?:_F|_P)?\(|def test_)", re.M)
COMMENTS = re.compile(r"((?:^\s*(?://|#).*\n)+)\s*(?:TEST(?:_F|_P)?\(|def test_)", re.M)
HEAD = re.compile(r'\A(?:"""(.*?)"""|((?:(?://|#).*\n)+))', re.S)


def claims(text):
    """What the comments before tests, and the one at the head of the file, say."""
    if not TEST.search(text):
        return ""
    head = HEAD.match(text)
    said = [match.group(1) for match in COMMENTS.finditer(text)]
    return re.sub(r"\s*(?://|#|\n)\s*", " ", "\n".join([head.group(0) if head else "", *said]))


def main():
    said = {}
    for folder in ("src", "tests"):
        for pattern in ("*_test.cc", "*_conformance.cc", "*_test.py"):
            for path in (TOP / folder).rglob(pattern):
                said[str(path.relative_to(TOP))] = claims(path.read_text())
    missing = [f"{row} ({what}): not named in {name}" for row, (what, names) in HOSTILE.items() for name in names
               if not re.search(rf"\b{row}\b", said.get(name, ""))]
    missing += [f"mission row {row}: no test names it" for row in MISSION
                if not any(re.search(rf"\bmission row {row}\b", text) for text in said.values())]
    if missing:
        sys.exit("\n".join(missing))
    print(f"{len(HOSTILE)} hostile rows and {len(MISSION)} rows of the mission, each named by a test")


if __name__ == "__main__":
    main()
