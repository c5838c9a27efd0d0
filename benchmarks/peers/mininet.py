"""Mininet's own API on Linux bridges, one switch, in a network and pid namespace of its own.

Whatever it makes is in there and ends with it, so nothing of anyone else's can be touched, and the
machine's limits, which Mininet raises when it starts, stay as they are.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.floor import settle
from benchmarks.peers.missing import Missing

_PYTHON = "/usr/bin/python3"  # whose packages Debian's are
_ISOLATED = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
_SCRIPT = Path(__file__).with_name("mininet_run.py")


@dataclass(frozen=True)
class Run:
    """Seconds of a network of so many hosts."""

    hosts: int
    up: float
    pingall: float
    down: float


def mininet(hosts: int, *, pingall: bool = False) -> Run:
    """Makes a network, pings all of all if asked to, and takes it away. Raises Missing."""
    if shutil.which("mnexec") is None or shutil.which("brctl") is None:
        raise Missing("Mininet: apt-get install --no-install-recommends mininet bridge-utils")
    words = [*_ISOLATED, _PYTHON, "-I", str(_SCRIPT), str(hosts), str(int(pingall))]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    settle()
    return Run(hosts, **json.loads(done.stdout.splitlines()[-1]))
