#!/usr/bin/env python3
"""The fuzz campaign that adds up over days; tools/soak fuzz builds the fuzzers and runs this.

  fuzz_campaign.py HOURS [--jobs N] [--only TARGET,…]
                                      works for so long, in rounds of some minutes, always at the target that has the
                                      least CPU time so far (of those named, if any are)
  fuzz_campaign.py --seconds N        each target once for N seconds; the repository keeps nothing of it
  fuzz_campaign.py --status           what has been done, without building or running anything

Two things are kept in the repository, so that a campaign begins where the last one ended:

fuzz/ledger.jsonl   CPU seconds, runs and edges of each target, a line for each day, commit, machine and state of its
                    parts. CPU seconds are what the kernel counted for the fuzzer's process, user and system.
fuzz/learned/       inputs, as few and as small as reach what the campaigns reached, one a line in base64url, and at
                    most LEARNED_BYTES_MAX for a target. The replay test runs them too.

What counts: a target names its parts, the files that it is there to try, in lines `// Parts: jose/json` at its top
(src/jose/json.h and .cc; a folder ends in /; without such a line, all of src/). The ledger holds a fingerprint of these
and of the target itself, without comments and layout. Seconds count while the fingerprint is that of today's sources: a
part that changed in substance starts its targets from nothing. A change elsewhere, in what the parts call, does not.

A crash, a hang or too much memory: the input goes to fuzz/corpus/TARGET/, where the replay test fails on it from now
on; the target's seconds start from nothing and the campaign leaves it alone. A round that was interrupted counts.
"""
import base64
import datetime
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROUND_SECONDS = 180
SECONDS_WANTED = 3600
LEARNED_BYTES_MAX = 64 * 1024  # of a target's file, as it stands in the repository
INPUT_BYTES_MAX = 2048  # of an input that is kept
INTERRUPTED = 72  # how libFuzzer ends when it is asked to end
# A second of ours may be many of the clock's on a busy machine.
HANG_CPU_SECONDS = 10
FUZZER = ["-timeout=60", "-report_slow_units=60", "-rss_limit_mb=2048", "-print_final_stats=1"]


# --- which sources a target tries ------------------------------------------------------------------------------------

COMMENT_OR_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^\s()\\]{0,16})\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"', re.S)


def in_substance(text):
    """C++ without its comments and layout."""
    code = COMMENT_OR_LITERAL.sub(lambda m: " " if m[0].startswith(("//", "/*")) else m[0], text)
    return " ".join(code.split())


def parts_of(root, target):
    """The files that decide whether a target's seconds count."""
    source = root / "fuzz" / f"{target}.cc"
    text = source.read_text()
    files = {source} | {root / "fuzz" / name for name in re.findall(r'^#include "(\w+\.h)"', text, re.M)}
    names = " ".join(re.findall(r"^// Parts:(.*)$", text, re.M)).split() or [""]
    for name in names:
        stem = root / "src" / name
        if name and not name.endswith("/"):
            found = {path for end in (".h", ".cc") if (path := stem.with_name(stem.name + end)).is_file()}
        else:
            found = {path for path in stem.rglob("*") if path.suffix in (".h", ".cc")}
            found = {path for path in found if not path.name.endswith("_test.cc")}
        if not found:
            raise ValueError(f"fuzz/{target}.cc names a part that is not there: {name}")
        files |= found
    return sorted(files)


def fingerprint(root, target):
    digest = hashlib.sha256()
    for path in parts_of(root, target):
        digest.update(f"{path.relative_to(root)}\n{in_substance(path.read_text())}\n".encode())
    return digest.hexdigest()[:12]


def all_targets(root):
    """Every target but the canary, which is there to fail."""
    listed = sorted(path.stem for path in (root / "fuzz").glob("*.cc")
                    if re.search(r"^JETON_FUZZ_TARGET\(", path.read_text(), re.M))
    return [target for target in listed if target != "canary"]


# --- the ledger ------------------------------------------------------------------------------------------------------

SAME_LINE = ("target", "parts", "commit", "date", "machine")


def read_ledger(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def write_ledger(path, records):
    """Sorted by target, so that two branches that add to it seldom touch the same lines."""
    lines = [json.dumps(record, ensure_ascii=False) for record in sorted(records, key=lambda one: one["target"])]
    whole = path.with_suffix(".new")
    whole.write_text("".join(line + "\n" for line in lines))
    whole.replace(path)


def add(records, new):
    """Adds a round to the last line of its target, or as a line of its own."""
    earlier = [one for one in records if one["target"] == new["target"]]
    last = earlier[-1] if earlier else {}
    if "crash" in last or "crash" in new or any(last.get(key) != new[key] for key in SAME_LINE):
        records.append(dict(new))
        return
    last["seconds"] = round(last["seconds"] + new["seconds"], 1)
    last["runs"] += new["runs"]
    last["rounds"] += new["rounds"]
    last["edges"] = max(last["edges"], new["edges"])


def counted(records, target, parts):
    """What stands for a target since its parts are as they are and nothing was found in them."""
    total = {"seconds": 0.0, "runs": 0, "rounds": 0, "edges": 0, "date": "", "crash": ""}
    for record in records:
        if record["target"] != target or record["parts"] != parts:
            continue
        if "crash" in record:
            total |= {"seconds": 0.0, "runs": 0, "rounds": 0, "crash": record["crash"]}
            continue
        for key in ("seconds", "runs", "rounds"):
            total[key] += record[key]
        total["edges"] = max(total["edges"], record["edges"])
        total["date"] = max(total["date"], record["date"])
    return total


def least_tried(records, parts, busy=()):
    """The target with the least CPU time that counts, of those in `parts` (target: fingerprint) but the busy ones."""
    free = [target for target in parts if target not in busy]
    return min(free, key=lambda target: (counted(records, target, parts[target])["seconds"], target), default=None)


def status_lines(records, parts):
    yield f"{'target':16} {'CPU s':>8} {'runs':>13} {'edges':>7} {'rounds':>7}  {'last':10}  before it changed"
    whole = 0
    for target, print_of in parts.items():
        now = counted(records, target, print_of)
        every = sum(record["seconds"] for record in records if record["target"] == target)
        whole += now["seconds"] >= SECONDS_WANTED
        found = f"  found: {now['crash']}" if now["crash"] else ""
        yield (f"{target:16} {now['seconds']:8.0f} {now['runs']:13,} {now['edges']:7} {now['rounds']:7}  "
               f"{now['date']:10}  {every - now['seconds']:.0f} s{found}")
    yield f"{whole} of {len(parts)} targets have {SECONDS_WANTED} s"


# --- what was learned ------------------------------------------------------------------------------------------------


def pack(inputs, bytes_max=LEARNED_BYTES_MAX):
    """The inputs as text, the small ones first while there is room."""
    lines, size = [], 0
    for one in sorted(set(inputs), key=lambda data: (len(data), data)):
        line = base64.urlsafe_b64encode(one).decode().rstrip("=") + "\n"
        if not one or len(one) > INPUT_BYTES_MAX:
            continue
        if size + len(line) > bytes_max:
            break
        lines.append(line)
        size += len(line)
    return "".join(lines)


def unpack(text):
    return [base64.urlsafe_b64decode(line + "=" * (-len(line) % 4)) for line in text.splitlines()]


def learned_file(target):
    return ROOT / "fuzz" / "learned" / f"{target}.base64url"


def spread(target, directory):
    """Puts what earlier campaigns learned beside what this machine still has of them."""
    directory.mkdir(parents=True, exist_ok=True)
    if not learned_file(target).exists():
        return
    for data in unpack(learned_file(target).read_text()):
        (directory / hashlib.sha1(data).hexdigest()).write_bytes(data)  # the name that libFuzzer gives it


# --- running ---------------------------------------------------------------------------------------------------------


class Fuzzing:
    def __init__(self, jobs, keeps, only=()):
        self.jobs, self.keeps = jobs, keeps
        self.ledger = ROOT / "fuzz" / "ledger.jsonl"
        self.records = read_ledger(self.ledger)
        self.parts = {target: fingerprint(ROOT, target) for target in only or all_targets(ROOT)}
        self.commit = git("rev-parse", "--short", "HEAD")
        self.machine = machine()
        self.lock, self.busy, self.failed, self.done = threading.Lock(), set(), set(), set()
        self.children, self.stopping = set(), False

    def stop(self, *_):
        self.stopping = True
        for child in list(self.children):
            child.terminate()

    def run(self, command, log):
        """Runs a fuzzer; its exit code and the CPU seconds it used."""
        with open(log, "w") as out:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT)
            self.children.add(child)
            if self.stopping:
                child.terminate()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            self.children.discard(child)
        return child.returncode, usage.ru_utime + usage.ru_stime

    def round_of(self, target, seconds):
        program = ROOT / "build" / "fuzz" / "fuzz" / f"fuzz_{target}"
        working = ROOT / "build" / "fuzz-learned" / f"fuzz_{target}"
        finds = ROOT / "build" / "fuzz-finds" / f"fuzz_{target}"
        log = finds.with_suffix(".log")
        spread(target, working)
        finds.mkdir(parents=True, exist_ok=True)
        for old in finds.iterdir():
            old.unlink()
        corpus = ROOT / "fuzz" / "corpus" / target
        status, used = self.run([program, *FUZZER, f"-max_total_time={seconds}", f"-artifact_prefix={finds}/", working,
                                 *([corpus] if corpus.is_dir() else [])], log)
        said = log.read_text(errors="replace")
        if status not in (0, INTERRUPTED) and self.was_only_kept_waiting(program, finds):
            print(f"{target:16} was kept waiting by the machine; its inputs are quick", flush=True)
            status = INTERRUPTED
        record = {"target": target, "seconds": round(used, 1), "runs": runs_said(said), "rounds": 1,
                  "edges": last_number(said, r"^#.* cov: (\d+) "), "parts": self.parts[target], "commit": self.commit,
                  "date": datetime.date.today().isoformat(), "machine": self.machine}
        fine = status in (0, INTERRUPTED)
        print(f"{target:16} {used:6.0f} s {record['runs']:10,} runs {record['edges']:6} edges"
              f"{'' if fine else f'  FOUND SOMETHING (exit {status})'}", flush=True)
        if not fine:
            print("\n".join(said.splitlines()[-40:]))
            record["crash"] = self.keep_find(target, finds)
        elif self.keeps and not self.stopping:
            self.learn(target, program, working, corpus)
        return fine, record

    def was_only_kept_waiting(self, program, finds):
        """A fuzzer judges a hang by the clock, which goes on while the machine gives it nothing to run on. An input
        that hangs takes CPU time when it is run alone."""
        inputs = sorted(path for path in finds.iterdir() if not path.name.startswith("slow-unit"))
        if not inputs or not all(path.name.startswith("timeout-") for path in inputs):
            return False
        for path in inputs:
            status, used = self.run([program, *FUZZER, path], finds.with_suffix(".again.log"))
            if status != 0 or used > HANG_CPU_SECONDS:
                return False
        return True

    def keep_find(self, target, finds):
        found = sorted(path for path in finds.iterdir() if not path.name.startswith("slow-unit"))
        if not found:
            return "no input was left"
        kept = ROOT / "fuzz" / "corpus" / target / f"found-{found[0].name[-8:]}"
        if self.keeps:
            shutil.copyfile(found[0], kept)
            return str(kept.relative_to(ROOT))
        return str(found[0].relative_to(ROOT))

    def learn(self, target, program, working, corpus):
        """Keeps of the working inputs only what is needed to reach what they reach beyond the corpus."""
        merged = working.with_name(f"{working.name}.merged")
        shutil.rmtree(merged, ignore_errors=True)
        merged.mkdir()
        if corpus.is_dir():  # what it reaches need not be learned again
            for path in corpus.iterdir():
                shutil.copyfile(path, merged / f"corpus-{path.name}")
        status, _ = self.run([program, *FUZZER, "-merge=1", merged, working], working.with_suffix(".merge.log"))
        if status != 0:
            return  # interrupted; the working inputs stay as they are
        for path in merged.glob("corpus-*"):
            path.unlink()
        with self.lock:
            shutil.rmtree(working)
            merged.rename(working)
            learned_file(target).parent.mkdir(exist_ok=True)
            learned_file(target).write_text(pack(path.read_bytes() for path in working.iterdir()))

    def choose(self, until):
        with self.lock:
            if self.stopping or time.monotonic() >= until:
                return None
            tried = self.busy | self.failed | (set() if self.keeps else self.done)
            target = least_tried(self.records, self.parts, tried)
            if target:
                self.busy.add(target)
            return target

    def work(self, until, seconds):
        while target := self.choose(until):
            limit = seconds if not self.keeps else max(10, min(seconds, int(until - time.monotonic())))
            fine, record = self.round_of(target, limit)
            with self.lock:
                self.busy.discard(target)
                self.done.add(target)
                if not fine:
                    self.failed.add(target)
                if self.keeps:
                    add(self.records, record)
                    write_ledger(self.ledger, self.records)

    def campaign(self, hours_seconds, seconds):
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        until = time.monotonic() + hours_seconds
        workers = [threading.Thread(target=self.work, args=(until, seconds)) for _ in range(self.jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            while worker.is_alive():
                worker.join(1)
        noted = ROOT / "build" / "results" / "fuzz"
        noted.mkdir(parents=True, exist_ok=True)
        with open(noted / "noted.tsv", "a") as out:
            for target in sorted(self.done):
                out.write(f"{target}\t{'failed' if target in self.failed else 'passed'}\n")
        return 1 if self.failed or not self.done else 0


def last_number(text, pattern):
    found = re.findall(pattern, text, re.M)
    return int(found[-1]) if found else 0


def runs_said(text):
    """An interrupted fuzzer prints no statistics; its last line of progress is near enough, and never too much."""
    return last_number(text, r"^stat::number_of_executed_units: *(\d+)") or last_number(text, r"^#(\d+)\s")


def git(*arguments):
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def machine():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return f"{' '.join(line.partition(':')[2].split())}, {os.cpu_count()} cores"
    return f"{os.uname().machine}, {os.cpu_count()} cores"


def usage():
    print("usage: tools/soak fuzz [HOURS [--jobs N] [--only TARGET,…] | --seconds N | --status]", file=sys.stderr)
    return 2


def take(arguments, option):
    """The option's value, which may be missing; both are gone from the arguments."""
    at = arguments.index(option)
    value = "".join(arguments[at + 1:at + 2])
    del arguments[at:at + 2]
    return value


def main(arguments):
    jobs, only = os.cpu_count() or 1, []
    if "--jobs" in arguments:
        if not re.fullmatch(r"[1-9]\d*", value := take(arguments, "--jobs")):
            return usage()
        jobs = int(value)
    if "--only" in arguments:
        only = take(arguments, "--only").split(",")
        if unknown := [target for target in only if target not in all_targets(ROOT)]:
            print(f"no fuzzer is called {unknown[0]!r}; there are: {' '.join(all_targets(ROOT))}", file=sys.stderr)
            return 2
    if arguments == ["--status"]:
        parts = {target: fingerprint(ROOT, target) for target in all_targets(ROOT)}
        print(*status_lines(read_ledger(ROOT / "fuzz" / "ledger.jsonl"), parts), sep="\n")
        return 0
    if len(arguments) == 2 and arguments[0] == "--seconds" and re.fullmatch(r"[1-9]\d*", arguments[1]):
        return Fuzzing(jobs, keeps=False).campaign(float("inf"), int(arguments[1]))
    if len(arguments) == 1 and re.fullmatch(r"\d+(\.\d+)?", arguments[0]) and float(arguments[0]) > 0:
        return Fuzzing(jobs, keeps=True, only=only).campaign(float(arguments[0]) * 3600, ROUND_SECONDS)
    return usage()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
