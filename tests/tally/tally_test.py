#!/usr/bin/env python3
"""The closing line counts every case once, and nothing that went wrong as if it had not been there."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TALLY = Path(__file__).resolve().parents[2] / "tools" / "tally"


def lines(**files):
    with tempfile.TemporaryDirectory() as directory:
        for name, text in files.items():
            (Path(directory) / name.replace("__", ".")).write_text(text)
        done = subprocess.run([sys.executable, str(TALLY), directory], stdout=subprocess.PIPE)
        return done.returncode, done.stdout.decode().splitlines()


def tally(**files):
    status, printed = lines(**files)
    return status, printed[-1]


def ctest(*cases):
    return "<testsuite>" + "".join(cases) + "</testsuite>"


def entry(name, status, inside=""):
    return f'<testcase name="{name}" status="{status}">{inside}</testcase>'


def google(passed, failed=0, skipped=0):
    return "<testsuites>" + '<testcase status="run" result="completed"/>' * passed + \
        '<testcase status="run" result="completed"><failure/></testcase>' * failed + \
        '<testcase status="run" result="skipped"><skipped/></testcase>' * skipped + "</testsuites>"


class Tally(unittest.TestCase):
    def test_cases_of_googletest_and_other_tests_add_up(self):
        self.assertEqual(tally(a_test__xml=google(7), ctest__junit=ctest(entry("a_test", "run"), entry("tidy", "run"))),
                         (0, "8 passed, 0 failed"))

    def test_failures_are_counted_once(self):
        files = {"a_test__xml": google(5, failed=2), "ctest__junit": ctest(entry("a_test", "fail", "<failure/>"),
                                                                           entry("tidy", "fail", "<failure/>"))}
        self.assertEqual(tally(**files), (1, "5 passed, 3 failed"))

    def test_failed_case_is_named_with_what_it_said(self):
        case = ('<testcase classname="Door" name="Opens" status="run">'
                '<failure message="door.cc:7&#x0A;Expected: open"/></testcase>')
        printed = lines(a_test__xml=f"<testsuites>{case}</testsuites>")[1]
        self.assertTrue(printed[0].endswith(": a_test: Door.Opens"), printed)
        self.assertEqual(printed[1:], ["    door.cc:7", "    Expected: open", "0 passed, 1 failed"])

    def test_program_that_fails_outside_its_cases_is_one_more(self):
        files = {"a_test__xml": google(5), "ctest__junit": ctest(entry("a_test", "fail", "<failure/>"))}
        self.assertEqual(tally(**files), (1, "5 passed, 1 failed"))

    def test_program_that_crashed_is_a_failure(self):
        self.assertEqual(tally(ctest__junit=ctest(entry("a_test", "fail", "<failure/>"), entry("b", "run"))),
                         (1, "1 passed, 1 failed"))
        files = {"a_test__xml": "<testsuites><testcase", "ctest__junit": ctest(entry("a_test", "fail", "<failure/>"))}
        self.assertEqual(tally(**files), (1, "0 passed, 1 failed"))

    def test_program_that_was_not_built_is_a_failure(self):
        missing = entry("a_test", "notrun", '<skipped message="Unable to find executable"/>')
        self.assertEqual(tally(ctest__junit=ctest(missing, entry("b", "run"))), (1, "1 passed, 1 failed"))

    def test_skipped_ones_are_named(self):
        skipped = entry("c", "notrun", '<skipped message="SKIP_RETURN_CODE=77"/>')
        self.assertEqual(tally(a_test__xml=google(3, skipped=1), ctest__junit=ctest(entry("a_test", "run"), skipped)),
                         (0, "3 passed, 0 failed, 2 skipped"))

    def test_steps_noted_by_hand_count(self):
        self.assertEqual(tally(noted__tsv="fuzz_json\tpassed\nfuzz_pem\tfailed\n"), (1, "1 passed, 1 failed"))

    def test_nothing_run_is_no_success(self):
        self.assertEqual(tally(), (1, "0 passed, 0 failed"))


if __name__ == "__main__":
    unittest.main()
