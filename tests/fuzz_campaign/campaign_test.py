#!/usr/bin/env python3
"""Seconds of a fuzzer add up while they are true, and start from nothing when they are not."""
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import fuzz_campaign as campaign  # noqa: E402


def a_round(target="json", seconds=60.0, **others):
    return {"target": target, "seconds": seconds, "runs": 1000, "rounds": 1, "edges": 50, "parts": "now",
            "commit": "c1", "date": "2026-11-25", "machine": "m", **others}


def ledger_of(*rounds):
    records = []
    for one in rounds:
        campaign.add(records, one)
    return records


def script(folder, text):
    path = Path(folder) / "fuzzer"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


class Hangs(unittest.TestCase):
    def judged(self, names, text):
        with tempfile.TemporaryDirectory() as folder:
            finds = Path(folder) / "finds"
            finds.mkdir()
            for name in names:
                (finds / name).touch()
            return campaign.Fuzzing(1, keeps=False).was_only_kept_waiting(script(folder, text), finds)

    def test_an_input_that_is_quick_alone_was_kept_waiting(self):
        self.assertTrue(self.judged(["timeout-1", "slow-unit-2"], "exit 0"))

    def test_an_input_that_hangs_or_fails_alone_is_a_find_and_so_is_a_crash(self):
        self.assertFalse(self.judged(["timeout-1"], "exit 70"))
        self.assertFalse(self.judged(["crash-1", "timeout-2"], "exit 0"))
        self.assertFalse(self.judged([], "exit 0"))
        campaign.HANG_CPU_SECONDS, before = 0.1, campaign.HANG_CPU_SECONDS
        try:
            self.assertFalse(self.judged(["timeout-1"], "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done"))
        finally:
            campaign.HANG_CPU_SECONDS = before


class Ledger(unittest.TestCase):
    def test_rounds_of_one_day_commit_and_machine_are_one_line(self):
        records = ledger_of(a_round(seconds=60.04), a_round(seconds=30, edges=70), a_round(edges=60))
        self.assertEqual(len(records), 1)
        total = campaign.counted(records, "json", "now")
        self.assertAlmostEqual(total["seconds"], 150)
        self.assertEqual((total["runs"], total["rounds"], total["edges"]), (3000, 3, 70))

    def test_another_day_commit_or_machine_is_another_line_and_counts_too(self):
        records = ledger_of(a_round(), a_round(date="2026-11-26"), a_round(date="2026-11-26", commit="c2"),
                            a_round(date="2026-11-26", commit="c2", machine="n"))
        self.assertEqual(len(records), 4)
        self.assertEqual(campaign.counted(records, "json", "now")["seconds"], 240)
        self.assertEqual(campaign.counted(records, "json", "now")["date"], "2026-11-26")

    def test_a_round_of_another_target_is_not_counted(self):
        records = ledger_of(a_round(), a_round("url"), a_round())
        self.assertEqual(campaign.counted(records, "json", "now")["seconds"], 120)
        self.assertEqual(campaign.counted(records, "url", "now")["seconds"], 60)

    def test_seconds_from_before_the_parts_changed_do_not_count(self):
        records = ledger_of(a_round(parts="before"), a_round())
        self.assertEqual(campaign.counted(records, "json", "now")["seconds"], 60)
        self.assertEqual(campaign.counted(records, "json", "later")["seconds"], 0)

    def test_they_count_again_when_the_parts_are_as_they_were(self):
        records = ledger_of(a_round(), a_round(parts="tried"), a_round())
        self.assertEqual(campaign.counted(records, "json", "now")["seconds"], 120)

    def test_a_crash_starts_the_count_from_nothing_and_is_told(self):
        records = ledger_of(a_round(), a_round(crash="fuzz/corpus/json/found-1"))
        total = campaign.counted(records, "json", "now")
        self.assertEqual((total["seconds"], total["crash"]), (0, "fuzz/corpus/json/found-1"))
        campaign.add(records, a_round(seconds=5))
        self.assertEqual(campaign.counted(records, "json", "now")["seconds"], 5)

    def test_the_target_with_the_least_seconds_that_count_is_next(self):
        parts = {"json": "now", "pem": "now", "url": "now"}
        records = ledger_of(a_round(seconds=500, parts="before"), a_round("pem", 100), a_round("url", 50))
        self.assertEqual(campaign.least_tried(records, parts), "json")
        self.assertEqual(campaign.least_tried(records, parts, {"json"}), "url")
        self.assertIsNone(campaign.least_tried(records, parts, set(parts)))

    def test_it_reads_back_as_it_was_written(self):
        records = ledger_of(a_round("url"), a_round(), a_round(date="2026-11-26"))
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "ledger.jsonl"
            self.assertEqual(campaign.read_ledger(path), [])
            campaign.write_ledger(path, records)
            again = campaign.read_ledger(path)
        self.assertEqual([one["target"] for one in again], ["json", "json", "url"])
        for target in ("json", "url"):
            self.assertEqual(campaign.counted(again, target, "now"), campaign.counted(records, target, "now"))

    def test_status_says_how_many_have_an_hour(self):
        records = ledger_of(a_round(seconds=3600), a_round("url", 3599))
        lines = list(campaign.status_lines(records, {"json": "now", "url": "now"}))
        self.assertEqual(lines[-1], "1 of 2 targets have 3600 s")


class Parts(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        self.write("fuzz/a.cc", '// Parts: jose/json guard/limits/\n#include "target.h"\nJETON_FUZZ_TARGET(a) {}\n')
        self.write("fuzz/target.h", "int fail();\n")
        self.write("src/jose/json.cc", 'int parse() {\n  return f("// no comment");  // why\n}\n')
        self.write("src/jose/json.h", "int parse();\n")
        self.write("src/guard/limits/rate.cc", "int rate();\n")
        self.write("src/other/room.cc", "int other();\n")

    def write(self, name, text):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def test_a_comment_or_a_line_break_changes_nothing(self):
        before = campaign.fingerprint(self.root, "a")
        self.write("src/jose/json.cc", '// more\nint parse() { return f("// no comment"); }\n')
        self.write("src/other/room.cc", "int another();\n")
        self.write("src/guard/limits/rate_test.cc", "int test();\n")
        self.assertEqual(campaign.fingerprint(self.root, "a"), before)

    def test_a_change_in_substance_does_wherever_it_is(self):
        seen = {campaign.fingerprint(self.root, "a")}
        for name, text in (("src/jose/json.cc", 'int parse() { return f("// a comment"); }\n'),
                           ("src/jose/json.h", "long parse();\n"), ("src/guard/limits/rate.cc", "long rate();\n"),
                           ("src/guard/limits/new.cc", "int x;\n"), ("fuzz/target.h", "void fail();\n")):
            self.write(name, text)
            seen.add(campaign.fingerprint(self.root, "a"))
        self.assertEqual(len(seen), 6)

    def test_a_part_that_is_not_there_is_refused(self):
        self.write("fuzz/a.cc", "// Parts: jose/yaml\nJETON_FUZZ_TARGET(a) {}\n")
        with self.assertRaisesRegex(ValueError, "jose/yaml"):
            campaign.fingerprint(self.root, "a")

    def test_without_parts_all_sources_count(self):
        self.write("fuzz/a.cc", "JETON_FUZZ_TARGET(a) {}\n")
        before = campaign.fingerprint(self.root, "a")
        self.write("src/other/room.cc", "int another();\n")
        self.assertNotEqual(campaign.fingerprint(self.root, "a"), before)

    def test_every_target_of_the_tree_names_parts_that_are_there(self):
        targets = campaign.all_targets(ROOT)
        self.assertGreaterEqual(len(targets), 22)
        self.assertNotIn("canary", targets)
        for target in targets:
            self.assertGreaterEqual(len(campaign.parts_of(ROOT, target)), 2, target)


class Learned(unittest.TestCase):
    def test_it_reads_back_as_it_was_packed(self):
        inputs = [b"\x00\xff\n", b"a", b"{}", b"x" * campaign.INPUT_BYTES_MAX]
        self.assertEqual(sorted(campaign.unpack(campaign.pack(inputs + inputs))), sorted(inputs))

    def test_it_stays_within_its_bound_and_keeps_the_small_ones(self):
        inputs = [bytes([i]) * size for size in (10, 100, 1000) for i in range(50)]
        packed = campaign.pack(inputs, bytes_max=20_000)
        self.assertLessEqual(len(packed), 20_000)
        kept = campaign.unpack(packed)
        self.assertTrue(set(inputs[:100]) <= set(kept))
        self.assertGreater(len(kept), 100)

    def test_an_input_that_is_too_long_is_not_kept(self):
        self.assertEqual(campaign.pack([b"x" * (campaign.INPUT_BYTES_MAX + 1), b""]), "")

    def test_what_the_repository_keeps_is_within_its_bound(self):
        for path in (ROOT / "fuzz" / "learned").glob("*"):
            self.assertLessEqual(path.stat().st_size, campaign.LEARNED_BYTES_MAX, path)
            self.assertIn(path.stem, campaign.all_targets(ROOT))


if __name__ == "__main__":
    unittest.main()
