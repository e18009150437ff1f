"""How `jeton serve` starts, refuses to start, reloads and stops."""
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from jeton_server import EMAIL, PASSWORD, Client, Server

BINARY = sys.argv.pop()


def mode_of(path):
    return os.stat(path).st_mode & 0o777


def digests_of(folder):
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


class Serve(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.data = self.folder + "/data"
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def refused(self, *arguments, listen="127.0.0.1:0", data=None, env=None):
        """The words with which a start ends that must not succeed."""
        server = Server(BINARY, *arguments, listen=listen, data=data, env=env)
        with server:
            self.assertIsNone(server.port, "it serves: " + server.line)
            code = server.wait()
        self.assertIn(code, (1, 2))
        return server.errors()

    def made(self):
        with Server(BINARY, data=self.data) as server:
            self.assertEqual(Client(server.port).register()[0], 201)
            self.assertEqual(server.stop(), 0)

    # mission row 7, mission row 9, mission row 10, mission row 17: the whole loop against the binary, and another
    # process that has nothing but the published keys.
    def test_the_whole_loop(self):
        with Server(BINARY, data=self.data) as server:
            client = Client(server.port)
            status, user = client.register()
            self.assertEqual((status, sorted(user)), (201, ["email", "sub"]))
            status, login = client.login()
            self.assertEqual(status, 200)
            self.assertEqual(sorted(login), ["accessToken", "expiresIn", "refreshToken", "tokenType"])
            self.assertEqual((login["tokenType"], login["expiresIn"]), ("Bearer", 900))
            self.assertEqual(client.get("/api/auth/me"), (401, {"error": "Access token required"}))
            status, claims = client.me(login["accessToken"])
            self.assertEqual((status, claims["sub"], claims["email"]), (200, user["sub"], EMAIL))
            self.assertEqual((claims["roles"], claims["plan"]), (["developer"], "free"))
            stolen = login["accessToken"].split(".")
            stolen[1] = stolen[1][:-2] + ("AA" if stolen[1][-2:] != "AA" else "BB")
            self.assertEqual(client.me(".".join(stolen)), (403, {"error": "Invalid token"}))
            status, fresh = client.refresh(login["refreshToken"])
            self.assertEqual(status, 200)
            self.assertEqual(client.login(password="wrong password"), (401, {"error": "Invalid credentials"}))

            keys = self.folder + "/jwks.json"
            with open(keys, "w") as file:
                json.dump(client.get("/.well-known/jwks.json")[1], file)
            issuer = f"http://127.0.0.1:{server.port}"
            verify = [BINARY, "token", "verify", "--jwks", keys, "--issuer", issuer, "--audience", "api"]
            verified = subprocess.run([*verify, fresh["accessToken"]], capture_output=True, text=True)
            self.assertEqual(verified.returncode, 0, verified.stderr)
            self.assertIn(user["sub"], verified.stdout)
            self.assertEqual(subprocess.run([*verify, ".".join(stolen)], capture_output=True).returncode, 1)

            self.assertEqual(client.logout(fresh["refreshToken"]), (204, None))
            self.assertEqual(client.me(fresh["accessToken"]), (401, {"error": "Token revoked"}))
            self.assertEqual(client.refresh(fresh["refreshToken"]), (401, {"error": "Invalid refresh token"}))

    def test_the_first_start_makes_what_it_needs_for_its_owner_alone(self):
        self.made()
        self.assertEqual(mode_of(self.data), 0o700)
        self.assertEqual(mode_of(self.data + "/jeton.db"), 0o600)
        self.assertEqual(mode_of(self.data + "/master.key"), 0o600)
        with open(self.data + "/master.key") as file:
            self.assertRegex(file.read(), r"\A[A-Za-z0-9_-]{43}\n\Z")

    def test_later_processes_use_what_the_first_settled(self):
        with Server(BINARY, data=self.data) as first, Server(BINARY, data=self.data) as second:
            self.assertIn(f"issuer http://127.0.0.1:{first.port},", second.line)
            Client(first.port).register()
            token = Client(second.port).login()[1]["accessToken"]
            self.assertEqual(Client(first.port).me(token)[1]["iss"], f"http://127.0.0.1:{first.port}")

    def test_several_first_starts_at_once_agree(self):
        servers = [None] * 4

        def start(index):
            servers[index] = Server(BINARY, data=self.data)

        threads = [threading.Thread(target=start, args=(index,)) for index in range(len(servers))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        try:
            self.assertEqual([server.errors() for server in servers if server.port is None], [])
            self.assertEqual(len({re.search(r"issuer (\S+),", server.line).group(1) for server in servers}), 1)
            published = [{key["kid"] for key in Client(server.port).get("/.well-known/jwks.json")[1]["keys"]}
                         for server in servers]
            self.assertEqual(len(set.intersection(*published)), len(min(published, key=len)), "one first key, not four")
        finally:
            for server in servers:
                server.stop()

    def test_a_taken_port_is_named_with_who_has_it(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            text = self.refused(listen=f"127.0.0.1:{port}", data=self.data)
        self.assertIn(f"127.0.0.1:{port} is taken (by python", text)
        self.assertIn(f"pid {os.getpid()}", text)
        self.assertIn("--listen", text)
        self.assertFalse(os.path.exists(self.data), "nothing was made")

    def test_two_jetons_on_one_port(self):
        with Server(BINARY, data=self.data) as first:
            text = self.refused(listen=f"127.0.0.1:{first.port}", data=self.data)
            self.assertIn(f"127.0.0.1:{first.port} is taken", text)
            if os.geteuid() == 0:
                self.assertIn(f"pid {first.process.pid}", text)
            self.assertEqual(Client(first.port).get("/healthz")[0], 200)

    def test_a_missing_master_key_is_named_and_nothing_is_made_in_its_place(self):
        self.made()
        os.remove(self.data + "/master.key")
        before = digests_of(self.data)
        text = self.refused(data=self.data)
        self.assertIn(f"{self.data}/master.key is missing; without it the keys in jeton.db cannot be opened. "
                      "Restore it from your backup.", text)
        self.assertEqual(digests_of(self.data), before)

    def test_a_wrong_damaged_or_open_master_key_is_refused(self):
        self.made()
        path = self.data + "/master.key"
        with open(path) as file:
            right = file.read()
        for open_mode in (0o644, 0o622):
            os.chmod(path, open_mode)
            self.assertIn("chmod 600", self.refused(data=self.data))
        os.chmod(path, 0o600)
        for wrong in ("", "short\n", right[:-2] + "=\n", right + right):
            with open(path, "w") as file:
                file.write(wrong)
            self.assertIn("holds no master key", self.refused(data=self.data))
        with open(path, "w") as file:
            file.write("A" * 43 + "\n")
        self.assertIn("is not the master key with which", self.refused(data=self.data))
        with open(path, "w") as file:
            file.write(right)
        with Server(BINARY, data=self.data) as server:
            self.assertEqual(Client(server.port).login()[0], 200)

    def test_a_pipe_in_place_of_the_master_key_is_refused_and_not_waited_for(self):
        self.made()
        path = self.data + "/master.key"
        os.remove(path)
        os.mkfifo(path, 0o600)
        self.assertIn("is not a regular file", self.refused(data=self.data))

    def test_the_master_key_may_come_from_the_environment_or_a_credential(self):
        key = "c" * 42 + "A"
        with Server(BINARY, data=self.data, env={"JETON_MASTER_KEY": key}) as server:
            self.assertIsNotNone(server.port, server.errors())
            self.assertEqual(server.stop(), 0)
        self.assertFalse(os.path.exists(self.data + "/master.key"))
        self.assertIn("master.key is missing", self.refused(data=self.data))
        for other, text in (("d" * 42 + "A", "JETON_MASTER_KEY is not the master key"),
                            ("short", "JETON_MASTER_KEY holds no master key")):
            self.assertIn(text, self.refused(data=self.data, env={"JETON_MASTER_KEY": other}))
        credentials = self.folder + "/credentials"
        os.mkdir(credentials)
        with open(credentials + "/jeton.master-key", "w") as file:
            file.write(key + "\n")
        with Server(BINARY, data=self.data, env={"CREDENTIALS_DIRECTORY": credentials}) as server:
            self.assertIsNotNone(server.port, server.errors())

    def test_a_corrupt_database_is_refused_untouched(self):
        self.made()
        path = self.data + "/jeton.db"
        with open(path, "rb") as file:
            right = file.read()
        for damage in (b"this is no database " * 500, right[:5000], right[:100] + b"\xff" * 4000 + right[4100:]):
            with open(path, "wb") as file:
                file.write(damage)
            before = digests_of(self.data)
            self.assertIn("jeton.db", self.refused(data=self.data))
            self.assertEqual(digests_of(self.data), before)

    def test_a_newer_database_is_refused_untouched(self):
        self.made()
        base = sqlite3.connect(self.data + "/jeton.db")
        base.execute("PRAGMA user_version = 9999")
        base.close()
        before = digests_of(self.data)
        text = self.refused(data=self.data)
        self.assertIn("newer", text)
        self.assertIn("jeton.db", text)
        self.assertEqual(digests_of(self.data), before)

    def test_a_directory_with_other_things_in_it_is_refused(self):
        os.mkdir(self.data)
        with open(self.data + "/letters.txt", "w") as file:
            file.write("private")
        self.assertIn("letters.txt", self.refused(data=self.data))
        self.assertEqual(os.listdir(self.data), ["letters.txt"])

    def config(self, text):
        path = self.folder + "/jeton.toml"
        with open(path, "w") as file:
            file.write(text)
        return path

    def test_a_wrong_or_half_written_config_starts_nothing(self):
        whole = subprocess.run([BINARY, "serve", "--print-config"], capture_output=True, text=True, check=True).stdout
        path = self.config(whole[:whole.index('"15m"') + 3])
        self.assertIn(path + ":", self.refused("--config", path, data=self.data))
        self.config('[tokens]\naccess_lifetme = "15m"\n')
        self.assertIn(f"{path}:2: [tokens] access_lifetme is not a setting; did you mean access_lifetime?",
                      self.refused("--config", path, data=self.data))
        self.config('[tokens]\naccess_lifetime = "25h"\n')
        self.assertIn(f"{path}:2: [tokens] access_lifetime must be from 1s to 1d",
                      self.refused("--config", path, data=self.data))
        os.remove(path)
        self.assertIn(path, self.refused("--config", path, data=self.data))
        self.assertFalse(os.path.exists(self.data))

    def test_the_printed_config_is_a_config(self):
        whole = subprocess.run([BINARY, "serve", "--print-config"], capture_output=True, text=True, check=True).stdout
        with Server(BINARY, "--config", self.config(whole), data=self.data) as server:
            self.assertIsNotNone(server.port, server.errors())

    def test_sighup_reloads_and_keeps_the_old_config_when_the_new_one_is_wrong(self):
        path = self.config("[accounts]\nregistration = true\n")
        with Server(BINARY, "--config", path, data=self.data) as server:
            client = Client(server.port)
            self.assertEqual(client.register("a@example.com")[0], 201)
            self.config("[accounts]\nregistration = false\n[http]\nthreads = 3\n")
            server.process.send_signal(signal.SIGHUP)
            server.wait_for_log("configuration reloaded")
            server.wait_for_log("[http] threads")
            self.assertEqual(client.register("b@example.com"), (403, {"error": "Registration is closed"}))
            self.config("[accounts]\nregistration = yes\n")
            server.process.send_signal(signal.SIGHUP)
            server.wait_for_log("configuration not reloaded")
            self.assertEqual(client.register("b@example.com")[0], 403)
            self.assertEqual(server.stop(), 0)

    def test_a_stop_finishes_what_is_under_way(self):
        with Server(BINARY, data=self.data) as server:
            Client(server.port).register()
            answers = []

            def log_in():
                answers.append(Client(server.port).login()[0])

            threads = [threading.Thread(target=log_in) for _ in range(6)]
            for thread in threads:
                thread.start()
            # The registration's hash and six more, begun or waiting: then each request has been read.
            while server.metric("jeton_password_hashes_total") + server.metric("jeton_password_queue_waiting") < 7:
                time.sleep(0.01)
            self.assertEqual(server.stop(signal.SIGTERM), 0)
            for thread in threads:
                thread.join()
            self.assertEqual(answers, [200] * 6)
            self.assertTrue(any('"stopped"' in line for line in server.log))

    def test_a_second_signal_stops_at_once(self):
        with Server(BINARY, data=self.data) as server:
            with socket.create_connection(("127.0.0.1", server.port)) as slow:
                slow.sendall(b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                             b"Content-Length: 100\r\n\r\n{")
                time.sleep(0.2)
                server.process.send_signal(signal.SIGINT)
                server.wait_for_log("stopping")
                if server.process.poll() is None:
                    server.process.send_signal(signal.SIGTERM)
                    self.assertIn(server.wait(), (0, 128 + signal.SIGTERM))

    def test_its_memory_cannot_be_dumped(self):
        with Server(BINARY, data=self.data) as server:
            # Of a process that may not be dumped, /proc/PID belongs to root, and no core is written.
            self.assertEqual(os.stat(f"/proc/{server.process.pid}/environ").st_uid, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
