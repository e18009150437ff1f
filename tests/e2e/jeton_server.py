"""A `jeton serve` process under test, and a plain client for it."""
import base64
import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.parse

EMAIL, PASSWORD = "dev@example.com", "correct horse battery"
START_SECONDS_MAX = 60


class Server:
    def __init__(self, binary, *arguments, data=None, listen="127.0.0.1:0", env=None):
        command = [binary, "serve", "--listen", listen, *arguments]
        if data is not None:
            command += ["--data", data]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, **(env or {})})
        self.log = []
        self._drain = threading.Thread(target=self._read_log, daemon=True)
        self._drain.start()
        self.line = self.process.stdout.readline()
        found = re.search(r"serves http://127\.0\.0\.1:(\d+) ", self.line)
        self.port = int(found.group(1)) if found else None
        if self.port:
            self.wait_until_ready()

    def _read_log(self):
        for line in self.process.stderr:
            self.log.append(line)

    def wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                if Client(self.port).get("/healthz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.01)
        raise AssertionError("not ready: " + self.errors())

    def wait_for_log(self, text):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if any(text in line for line in self.log):
                return
            time.sleep(0.01)
        raise AssertionError(f"{text!r} is not in the log: " + self.errors())

    def metric(self, name):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()
        for line in lines:
            if line.startswith(name + " "):
                return int(line.split()[1])
        raise AssertionError(f"there is no metric {name}")

    def errors(self):
        return "".join(self.log)

    def wait(self):
        code = self.process.wait(START_SECONDS_MAX)
        self._drain.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def kill(self):
        return self.stop(signal.SIGKILL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()


class Client:
    """One connection, made again when it was lost."""

    def __init__(self, port, seconds_max=60):
        self.port = port
        self.seconds_max = seconds_max
        self.connection = None

    def request(self, method, path, body=None, headers=None, text=None):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.seconds_max)
        try:
            every = {}
            if body is not None:
                text, every = json.dumps(body), {"Content-Type": "application/json"}
            self.connection.request(method, path, text, {**every, **(headers or {})})
            answer = self.connection.getresponse()
            content = answer.read()
            if answer.will_close:
                self.close()
        except TimeoutError:  # a server that is there and says nothing is another matter than one that is gone
            self.close()
            raise
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise OSError(str(error)) from error
        return answer.status, json.loads(content) if content else None

    def form(self, path, fields, authorization):
        """As OAuth has it: fields in, an object out."""
        return self.request("POST", path, None, {"Content-Type": "application/x-www-form-urlencoded",
                                                 "Authorization": authorization}, urllib.parse.urlencode(fields))

    def request_whole(self, method, path, headers):
        """Status, headers by lower-case name, and the body as it came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, None, headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def get(self, path, headers=None):
        return self.request("GET", path, None, headers)

    def register(self, email=EMAIL, password=PASSWORD):
        return self.request("POST", "/api/auth/register", {"email": email, "password": password})

    def login(self, email=EMAIL, password=PASSWORD):
        return self.request("POST", "/api/auth/login", {"email": email, "password": password})

    def refresh(self, token, key=None):
        headers = {"Idempotency-Key": key} if key else None
        return self.request("POST", "/api/auth/refresh", {"refreshToken": token}, headers)

    def logout(self, token):
        return self.request("POST", "/api/auth/logout", {"refreshToken": token})

    def me(self, access):
        return self.get("/api/auth/me", {"Authorization": "Bearer " + access})


def generation_of(refresh_token):
    """The number in the token, as its layout has it. A client never looks."""
    text = refresh_token.removeprefix("jrt1.")
    return int.from_bytes(base64.urlsafe_b64decode(text + "==")[20:24], "big")
