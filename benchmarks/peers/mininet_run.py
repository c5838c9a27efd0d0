"""mininet_run.py HOSTS PINGALL: run by the Python that has Mininet; prints seconds as JSON."""

import json
import resource
import sys
import time

from mininet.net import Mininet
from mininet.nodelib import LinuxBridge
from mininet.topo import SingleSwitchTopo

_FILES = 16384  # a host needs several; Mininet's own limit


def main(hosts: int, pingall: bool) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))
    Mininet.inited = True  # what it would do first is raise limits of the whole machine
    seconds = {}
    began = time.perf_counter()
    topology = SingleSwitchTopo(k=hosts)
    net = Mininet(topology, switch=LinuxBridge, controller=None, waitConnected=False)
    net.start()
    seconds["up"] = time.perf_counter() - began
    began = time.perf_counter()
    if pingall and net.pingAll() != 0:
        raise SystemExit("Mininet lost pings")
    seconds["pingall"] = time.perf_counter() - began
    began = time.perf_counter()
    net.stop()
    seconds["down"] = time.perf_counter() - began
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] == "1")
