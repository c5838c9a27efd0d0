"""The table of descriptors of a process of its own."""

import subprocess
import sys

import pytest

_PROGRAM = """
import os, resource, sys
from labctl.descriptors import make_room

def size():
    (found,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("FDSize"))
    return int(found)

resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]),) * 2)
before, opened = size(), os.listdir("/proc/self/fd")
make_room(1024)
assert os.listdir("/proc/self/fd") == opened
print(size() > before)
"""


@pytest.mark.parametrize(("limit", "grows"), [("2048", "True"), ("64", "False")])
def test_it_grows_at_once_and_nothing_stays_open(limit: str, grows: str) -> None:
    command = [sys.executable, "-c", _PROGRAM, limit]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == grows
