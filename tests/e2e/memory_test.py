"""F16: two hundred logins at once, with Argon2id at 64 MiB, in an address space of 1 GiB, and in a control group with
as much memory: those for which there is no room are told to come back, nothing runs out, and sessions are refreshed
meanwhile, by threads that go before those that hash."""
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import jeton_server
from jeton_server import Client, Server

BINARY = sys.argv.pop()
LOGINS = 200
BYTES_MAX = 1 << 30


class Limited(subprocess.Popen):
    def __init__(self, *arguments, **options):
        limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (BYTES_MAX, BYTES_MAX))  # noqa: E731
        super().__init__(*arguments, preexec_fn=limit, **options)


class ControlGroup:
    """Of version 2 or 1, with BYTES_MAX of memory."""

    FILES = {"v2": ("memory.max", "memory.events"), "v1": ("memory.limit_in_bytes", "memory.oom_control")}

    def __init__(self, parent, version):
        self.folder = f"{parent}/jeton-memory-test-{os.getpid()}"
        self.limit, self.events = (f"{self.folder}/{name}" for name in self.FILES[version])
        os.mkdir(self.folder)
        try:
            self.killed()
            self.write(self.limit, BYTES_MAX)
        except (OSError, StopIteration):
            self.remove()
            raise

    @classmethod
    def made(cls):
        for parent, version in (("/sys/fs/cgroup", "v2"), ("/sys/fs/cgroup/memory", "v1")):
            try:
                return cls(parent, version)
            except (OSError, StopIteration):
                continue
        return None

    @staticmethod
    def write(path, value):
        with open(path, "r+") as file:  # one that is there: not every folder here is a control group
            file.write(str(value))

    def take(self, pid):
        self.write(self.folder + "/cgroup.procs", pid)

    def killed(self):
        with open(self.events) as file:
            return next(int(line.split()[1]) for line in file if line.startswith("oom_kill "))

    def remove(self):
        os.rmdir(self.folder)


class Memory(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self):
        config = self.folder + "/jeton.toml"
        with open(config, "w") as file:
            file.write('[accounts]\nargon2_memory = "64MiB"\nargon2_queue = 16\ntries_per_account = "600000/10m"\n'
                       'tries_per_block = "600000/10m"\n')
        original, jeton_server.subprocess.Popen = jeton_server.subprocess.Popen, Limited
        try:
            return Server(BINARY, "--config", config, data=self.folder + "/data")
        finally:
            jeton_server.subprocess.Popen = original

    def hashing_threads(self, pid):
        """Those with the policy for work that nobody waits for at once; the others are event loops and the store."""
        threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
        return [thread for thread in threads if os.sched_getscheduler(thread) == os.SCHED_BATCH]

    def refresh_times(self, client, token, count):
        times = []
        for _ in range(count):
            begin = time.monotonic()
            status, body = client.refresh(token)
            times.append(time.monotonic() - begin)
            self.assertEqual(status, 200)
            token = body["refreshToken"]
        return token, sorted(times)

    def test_logins_beyond_the_memory_are_told_to_come_back(self):
        with self.start() as server:
            self.stand(server)

    def test_a_control_group_that_is_full_kills_nobody(self):
        group = ControlGroup.made()
        if group is None:
            self.skipTest("no control group with a memory limit may be made here")
        try:
            with self.start() as server:
                group.take(server.process.pid)
                self.stand(server)
                self.assertEqual(group.killed(), 0)
        finally:
            group.remove()

    def stand(self, server):
        hashing = self.hashing_threads(server.process.pid)
        self.assertEqual(len(hashing), 2, "argon2_threads")
        client = Client(server.port)
        client.register()
        token = client.login()[1]["refreshToken"]
        token, idle = self.refresh_times(client, token, 100)
        statuses = []

        def log_in():
            statuses.append(Client(server.port, 300).login(password="wrong password")[0])

        threads = [threading.Thread(target=log_in) for _ in range(LOGINS)]
        for thread in threads:
            thread.start()
        token, loaded = self.refresh_times(client, token, 100)
        for thread in threads:
            thread.join()
        self.assertEqual(len(statuses), LOGINS)
        self.assertEqual(set(statuses), {401, 503}, statuses)
        self.assertEqual(client.login()[0], 200)
        with open(f"/proc/{server.process.pid}/status") as file:
            peak = next(line for line in file if line.startswith("VmHWM")).split()[1]
        print(f"{statuses.count(401)} hashed, {statuses.count(503)} told to come back,"
              f" peak {int(peak) // 1024} MiB,"
              f" refresh p99 {idle[98] * 1e3:.1f} ms idle, {loaded[98] * 1e3:.1f} ms meanwhile")
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
