"""X07 at the server: its wall clock jumps ahead and back, stands still, passes 2038 and a leap second. A session goes
on wherever it has not really ended, and nobody is taken for a thief."""
import calendar
import mmap
import shutil
import struct
import sys
import tempfile
import time
import unittest

from jeton_server import Client, Server, generation_of

BINARY, SHIM = sys.argv[1:3]
SECOND, HOUR, YEAR = 10**9, 3600 * 10**9, 365 * 86400 * 10**9


class Clock(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        path = self.folder + "/clock"
        with open(path, "wb") as file:
            file.write(bytes(4096))
        file = open(path, "r+b")
        self.addCleanup(file.close)
        self.told = mmap.mmap(file.fileno(), 4096)
        self.addCleanup(self.told.close)
        self.server = Server(BINARY, data=self.folder + "/data", env={"LD_PRELOAD": SHIM, "JETON_CLOCK": path})
        self.addCleanup(self.server.__exit__)
        self.client = Client(self.server.port)
        self.assertEqual(self.client.register()[0], 201)
        self.login()

    def login(self):
        status, body = self.client.login()
        self.assertEqual(status, 200)
        self.access, self.token = body["accessToken"], body["refreshToken"]

    def be(self, ahead=0, stands_at=0):
        self.told[:16] = struct.pack("qq", ahead, stands_at)

    def goes_on(self):
        before = generation_of(self.token)
        status, body = self.client.refresh(self.token)
        self.assertEqual(status, 200, body)
        self.access, self.token = body["accessToken"], body["refreshToken"]
        self.assertEqual(generation_of(self.token), before + 1)
        self.assertNotIn("reused", self.server.errors())

    def test_an_hour_ahead_ends_access_tokens_alone(self):
        self.be(ahead=HOUR)
        self.assertEqual(self.client.me(self.access), (401, {"error": "Token expired"}))
        self.goes_on()
        self.assertEqual(self.client.me(self.access)[0], 200)

    def test_an_hour_back_ends_nothing(self):
        self.goes_on()
        old = self.token
        self.goes_on()
        self.be(ahead=-HOUR)
        status, body = self.client.refresh(old)
        self.assertEqual((status, body["refreshToken"]), (200, self.token), "a negative age is none: the same again")
        self.goes_on()

    def test_ten_years_ahead_ends_the_session_and_back_again_it_goes_on(self):
        self.be(ahead=10 * YEAR)
        self.assertEqual(self.client.refresh(self.token), (401, {"error": "Invalid refresh token"}))
        self.be()
        self.goes_on()

    def test_a_clock_that_stands_still_rotates_all_the_same(self):
        self.be(stands_at=time.time_ns())
        for _ in range(5):
            self.goes_on()

    def test_a_second_back_changes_nothing(self):
        self.goes_on()
        self.be(ahead=-SECOND)
        self.goes_on()
        self.assertEqual(self.client.me(self.access)[0], 200)

    def test_the_nineteenth_of_january_2038_is_a_day_like_others(self):
        last = (2**31 - 2) * SECOND
        self.be(ahead=last - time.time_ns())
        self.login()
        self.be(ahead=last + 3 * SECOND - time.time_ns())
        self.assertEqual(self.client.me(self.access)[0], 200)
        self.goes_on()
        self.assertGreater(self.client.me(self.access)[1]["exp"], 2**31)

    def test_a_leap_second_is_a_second_that_comes_twice(self):
        midnight = calendar.timegm((2030, 1, 1, 0, 0, 0)) * SECOND
        self.be(stands_at=midnight - SECOND // 2)
        self.login()
        self.goes_on()
        self.be(stands_at=midnight - SECOND // 2 - SECOND + SECOND // 4)  # 23:59:60 is 23:59:59 again
        self.goes_on()
        self.be(stands_at=midnight)
        self.goes_on()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2, warnings="ignore")
