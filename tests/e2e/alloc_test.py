"""X11: each time that a request asks the heap for memory there is none, once. The server goes on, nobody is let in
who should not be, what was acknowledged stays, and asking again goes on. Where passwords are hashed: in the tests each
fifth time, in tools/soak faults each."""
import shutil
import sys
import tempfile
import unittest

from fault_control import FAIL, Faults
from jeton_server import PASSWORD, Client, Server, generation_of

BINARY, SHIM = sys.argv[1:3]
STRIDE_OF_PASSWORDS = int(sys.argv[3]) if len(sys.argv) > 3 else 5
CALLS_MAX = 2000
CLIENTS_AT_ONCE = 4
GROWTH_MEGABYTES_MAX = 16


def resident_megabytes(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(next(line for line in file if line.startswith("VmRSS")).split()[1]) // 1024


class Memory(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        config = self.folder + "/jeton.toml"
        with open(config, "w") as file:
            file.write("[accounts]\n" + "".join(f'tries_{where} = "10000/10m"\n' for where in
                                                ("per_account", "per_device", "per_block", "in_all")))
        self.faults = Faults(SHIM, self.folder + "/faults")
        self.addCleanup(self.faults.close)
        self.server = Server(BINARY, "--config", config, data=self.folder + "/data", env=self.faults.environment)
        self.addCleanup(self.server.__exit__)
        client = Client(self.server.port)
        self.assertEqual(client.register()[0], 201)
        self.token = client.login()[1]["refreshToken"]
        client.close()

    def ask(self, deed):
        client = Client(self.server.port, 20)
        try:
            return deed(client)
        except TimeoutError:
            self.fail("no answer: " + self.server.errors()[-2000:])
        except OSError:
            return None
        finally:
            client.close()

    def each_time(self, step, stride=1):
        """`step` with the memory gone at the first, the second, … time, until there was enough for all of it."""
        for target in range(1, CALLS_MAX, stride):
            self.calls = 0
            step(target)
            self.assertIsNone(self.server.process.poll(), f"{target}: " + self.server.errors()[-2000:])
            if self.calls < target:
                return target - 1  # or up to a stride less
        self.fail("it never had enough")

    def without_memory(self, target, deed):
        """On a connection that is there already."""
        def armed(client):
            client.get("/healthz")
            self.faults.arm(target, FAIL, 0)
            return deed(client)

        answer = self.ask(armed)
        self.calls = max(self.calls, self.faults.disarm()[0])
        return answer

    def refresh_once(self, target):
        key, before = f"request-{target}-{generation_of(self.token)}", self.token
        answer = self.without_memory(target, lambda client: client.refresh(before, key))
        if answer is None or answer[0] != 200:
            self.assertTrue(answer is None or answer[0] >= 500, f"{target}: {answer}")
            answer = self.ask(lambda client: client.refresh(before, key))
            self.assertEqual(answer[0], 200, f"{target}: {answer}")
        self.token = answer[1]["refreshToken"]
        self.assertEqual(generation_of(self.token), generation_of(before) + 1, target)

    def test_a_refresh_goes_on_and_leaves_nothing_behind(self):
        self.each_time(self.refresh_once)
        before = resident_megabytes(self.server.process.pid)
        times = self.each_time(self.refresh_once)
        self.assertLess(resident_megabytes(self.server.process.pid) - before, GROWTH_MEGABYTES_MAX)
        self.assertGreater(times, 50)
        print(f"a refresh asks for memory {times} times")
        self.assertEqual(self.server.stop(), 0)

    def test_what_ends_while_a_connection_is_accepted_ends_nothing_else(self):
        """Several clients come at once, so that every event loop accepts one; then as many more are all answered."""
        def connect(target):
            self.faults.arm(target, FAIL, 0)
            waiting = [Client(self.server.port, 20) for _ in range(CLIENTS_AT_ONCE)]
            for client in waiting:
                try:
                    client.get("/healthz")
                except TimeoutError:
                    self.fail(f"{target}: no answer: " + self.server.errors()[-2000:])
                except OSError:
                    pass  # the one for which there was no memory
                finally:
                    client.close()
            self.calls = self.faults.disarm()[0]
            for _ in range(CLIENTS_AT_ONCE):
                answer = self.ask(lambda client: client.get("/healthz"))
                self.assertIsNotNone(answer, target)
                self.assertEqual(answer[0], 200, f"{target}: {answer}")

        times = self.each_time(connect)
        self.assertGreater(times, 20)
        print(f"connections ask for memory {times} times")
        self.assertEqual(self.server.stop(), 0)

    def test_nobody_is_let_in(self):
        forged = self.token[:-4] + ("AAAA" if not self.token.endswith("AAAA") else "BBBB")

        def refused(target):
            for deed, right in ((lambda client: client.refresh(forged), 401),
                                (lambda client: client.me("x" + self.token), 403),
                                (lambda client: client.login(password="wrong password"), 401)):
                answer = self.without_memory(target, deed)
                self.assertTrue(answer is None or answer[0] == right or answer[0] >= 500, f"{target}: {answer}")

        times = self.each_time(refused, STRIDE_OF_PASSWORDS)
        self.assertEqual(self.ask(lambda client: client.login(password=PASSWORD))[0], 200)
        print(f"a wrong password asks for memory {times} times")

    def test_a_login_and_a_logout_are_whole_or_not_at_all(self):
        def once(target):
            answer = self.without_memory(target, lambda client: client.login())
            if answer is None or answer[0] != 200:
                # A hash for which there is no memory is no wrong password.
                self.assertTrue(answer is None or answer[0] >= 500, f"{target}: {answer}")
                answer = self.ask(lambda client: client.login())
            token = answer[1]["refreshToken"]
            answer = self.without_memory(target, lambda client: client.logout(token))
            if answer is None or answer[0] != 204:
                self.assertTrue(answer is None or answer[0] >= 500, f"{target}: {answer}")
                self.assertEqual(self.ask(lambda client: client.logout(token))[0], 204, target)
            self.assertEqual(self.ask(lambda client: client.refresh(token))[0], 401, f"{target}: undone")

        times = self.each_time(once, STRIDE_OF_PASSWORDS)
        print(f"a login or a logout asks for memory {times} times")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2, warnings="ignore")
