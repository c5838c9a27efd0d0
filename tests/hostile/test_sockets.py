"""The Unix sockets of supervisor and runtime: whatever comes, they go on, and only root gets in."""

import os
import socket
from contextlib import closing
from functools import partial
from pathlib import Path

from labctl import names
from tests.hostile.stranger import connect, is_refused
from tests.hostile.victim import Victim
from tests.hostile.wires import Said, talk

_DEEP = b"[" * 100_000 + b"\n"
LINES = (
    *(b"\n", b"hello\n", b"\x00\xff\n", b"7\n", b"[1]\n", b"{}\n", _DEEP, b'{"command":%s' % _DEEP),
    *(b'{"command":7}\n', b'{"command":["stop"]}\n', b'{"command":"x"}\n', b'{"command":"\\ud800"}\n'),
    *(b'{"command":"kill-agent"}\n', b'{"command":"kill-agent","node":["node1"]}\n'),
    *(b'{"command":"stop-agent","node":"../x"}\n', b'{"command":"start-agent","node":{}}\n'),
    *(b'{"command":"reload"}\n', b'{"command":"reload","crew":7}\n', b'{"command":"reload","crew":[7]}\n'),
    *(b'{"id":1,"method":"X","params":{}}\n', b'{"id":"x","method":"Status","params":{}}\n'),
    *(b'{"id":1,"method":"Exec","params":{}}\n', b'{"id":1,"method":"RunPodSandbox","params":7}\n'),
    *(b'{"id":1,"method":"RemovePodSandbox","params":{"id":"../../x"}}\n',),
    b'{"id":1,"method":"StopContainer","params":{"id":"x","timeout_seconds":1e308}}\n',
    b'{"id":1,"method":"ListContainers","params":%s' % _DEEP,
    *(os.urandom(5000) + b"\n", b'{"command":"status"', b'{"id":1,'),
)  # fmt: skip


def sockets(lab: str) -> tuple[Path, Path]:
    return names.supervisor_socket(lab), names.runtime_socket(lab)


def tell(path: Path, data: bytes, seconds: float = 0.05) -> Said:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as wire:
        wire.connect(str(path))
        return talk(wire, data, seconds)


def test_no_line_ends_them(victim: Victim) -> None:
    for path in sockets(victim.lab):
        for line in LINES:
            said = tell(path, line)
            assert said.data.count(b"\n") <= line.count(b"\n") + 1
        tell(path, b"".join(LINES))


def test_a_line_without_an_end_is_cut_off(victim: Victim) -> None:
    for path in sockets(victim.lab):
        assert tell(path, b"x" * 40_000_000, seconds=20).closed


def test_clients_that_hang_are_no_hindrance(victim: Victim) -> None:
    hanging = []
    for path in sockets(victim.lab):
        for _ in range(200):
            wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            wire.connect(str(path))
            wire.sendall(b'{"')
            hanging.append(wire)
    victim.check_unhurt()
    for wire in hanging:
        wire.close()


def test_only_root_gets_in(victim: Victim) -> None:
    """By the directory's mode, and by the socket's own where somebody opened the directory."""
    for path in (*sockets(victim.lab), names.api_socket(victim.lab)):
        assert is_refused(partial(connect, path))
        mode = path.parent.stat().st_mode
        path.parent.chmod(0o755)
        try:
            assert is_refused(partial(connect, path))
        finally:
            path.parent.chmod(mode)
