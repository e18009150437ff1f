"""F16: two hundred logins at once, with Argon2id at 64 MiB, in an address space of 1 GiB: those for which there is no
room are told to come back, nothing runs out, and sessions are refreshed meanwhile."""
import json
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
            client = Client(server.port)
            client.register()
            token = client.login()[1]["refreshToken"]
            token, idle = self.refresh_times(client, token, 100)
            statuses = []

            def log_in():
                statuses.append(Client(server.port).login(password="wrong password")[0])

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
