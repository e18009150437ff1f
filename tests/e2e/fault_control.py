"""A server under fault_shim: which of its system calls goes wrong, and how."""
import errno
import mmap
import struct

FAIL, HALF, KILL_BEFORE, KILL_AFTER, FULL = range(5)
KINDS = [("EIO", FAIL, errno.EIO), ("ENOSPC", FAIL, errno.ENOSPC), ("EINTR", FAIL, errno.EINTR), ("half", HALF, 0),
         ("killed before", KILL_BEFORE, 0), ("killed after", KILL_AFTER, 0)]
LAYOUT = struct.Struct("6i40s")  # armed, target, mode, error, count, hit, name: as fault_shim.cc has it


class Faults:
    def __init__(self, shim, path):
        with open(path, "wb") as file:
            file.write(bytes(4096))
        self._file = open(path, "r+b")
        self._map = mmap.mmap(self._file.fileno(), 4096)
        self.environment = {"LD_PRELOAD": shim, "JETON_FAULTS": path}

    def arm(self, target, mode, error):
        self._map[:LAYOUT.size] = LAYOUT.pack(0, target, mode, error, 0, 0, b"")
        self._map[:4] = struct.pack("i", 1)

    def disarm(self):
        """(how many calls there were, the name of the one that went wrong or None)"""
        self._map[:4] = struct.pack("i", 0)
        _, _, _, _, count, hit, name = LAYOUT.unpack(self._map[:LAYOUT.size])
        return count, name.rstrip(b"\0").decode() if hit else None

    def close(self):
        self._map.close()
        self._file.close()
