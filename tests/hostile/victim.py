"""A real lab to be attacked: its control plane as clients and as the kernel see it."""

import contextlib
import http.client
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labctl import names
from tests.command import Labctl
from tests.hostile.requests import Request


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("lab", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@dataclass(frozen=True)
class Answer:
    code: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Victim:
    """Asked as root, with a connection for each question."""

    def __init__(self, labctl: Labctl) -> None:
        self.labctl = labctl
        self.lab = labctl.lab
        self._processes = self.processes()

    def connection(self) -> UnixConnection:
        return UnixConnection(names.api_socket(self.lab))

    def ask(self, request: Request) -> Answer:
        """The answer; of a watch only its code, since it may go on."""
        with contextlib.closing(self.connection()) as connection:
            connection.putrequest(request.method, request.target, skip_accept_encoding=True)
            for name, value in request.headers.items():
                connection.putheader(name, value.encode("latin-1"))
            if request.body is not None:
                connection.putheader("Content-Length", str(len(request.body)))
            with contextlib.suppress(BrokenPipeError):  # it was refused by its head
                connection.endheaders(request.body)
            with contextlib.closing(connection.getresponse()) as response:
                return Answer(response.status, b"" if request.watches else response.read())

    def processes(self) -> dict[str, tuple[int, int]]:
        """Pid and number of restarts of each process of the lab, by its name."""
        told = self.labctl("status", "-o", "json").json["processes"]
        return {one["name"]: (one["pid"], one["restarts"]) for one in told}

    @property
    def control_plane(self) -> int:
        return self._processes["control-plane"][0]

    def cpu_seconds(self) -> float:
        """That the control plane's own thread has worked so far."""
        pid = self.control_plane
        return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9

    def resident_megabytes(self) -> float:
        pages = int(Path(f"/proc/{self.control_plane}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def check_unhurt(self) -> None:
        """Nobody died, and nobody met with what they did not expect."""
        assert self.processes() == self._processes
        for log in names.log_dir(self.lab).iterdir():
            text = log.read_text()
            assert "Traceback" not in text, text[text.index("Traceback") - 300 :][:5000]
