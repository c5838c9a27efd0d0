"""A pause is killed while a verify, an exec and a connection to its pod's stand-in are open.

Each is seen to be open: the connection and the exec say so, and verify is halted when it has a
capture in the sandbox, and goes on when pause is dead.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE
from typing import Self

from labctl import names
from labctl.api.objects import Obj
from tests.command import PROGRAM, SECONDS, Labctl
from tests.waiting import until

_CONNECTS = """\
import socket, sys
with socket.create_connection((sys.argv[1], 80), 30) as connection:
    connection.settimeout(300)
    print("open", flush=True)
    try:
        while connection.recv(4096):  # it greets who says nothing
            pass
        print("end")
    except ConnectionResetError:
        print("reset")
    except TimeoutError:
        print("kept")
"""
_KNOCKS = """\
import socket, sys
try:
    socket.create_connection((sys.argv[1], 80), 1)
    print("open")
except OSError as error:
    print(error)
"""
_TRIES = 10
_GLANCE_SECONDS = 0.005
_WENT = "it went away while verify ran"


def interrupt(labctl: Labctl, pod: str) -> None:
    """Kills the pause of `pod`, a stand-in and programs; asserts how all that was open ended."""
    found = labctl("ps", "-o", "json").json["items"]
    (sandbox,) = (one for one in found if (one["pod"], one["state"]) == (pod, "ready"))
    address = labctl.ok("get", "pod", pod, "-o", "jsonpath={.status.podIP}")
    outside = str(names.netns_path(names.node_netns(labctl.lab, sandbox["node"])))
    program = ["nsenter", f"--net={outside}", sys.executable, "-c"]
    execute = [str(PROGRAM), "--lab", labctl.lab, "exec", pod, "-c", "one", "--"]
    with (
        subprocess.Popen([*program, _CONNECTS, address], stdout=PIPE, text=True) as connection,
        subprocess.Popen(
            [*execute, "sh", "-c", "echo begun; exec sleep 1000"], stdout=PIPE, text=True
        ) as executing,
    ):
        assert connection.stdout
        assert executing.stdout
        try:
            assert connection.stdout.readline() == "open\n"
            assert executing.stdout.readline() == "begun\n"
            report = _die_under_verify(labctl.lab, connection, executing, sandbox["pid"])
            assert dishonest(report, pod) == []
            said, _ = connection.communicate(timeout=SECONDS)
            assert said in ("end\n", "reset\n"), said
            assert executing.wait(SECONDS) == 137
        finally:
            connection.kill()
            executing.kill()
    knock = subprocess.run([*program, _KNOCKS, address], stdout=PIPE, text=True, check=True)
    assert knock.stdout != "open\n", f"{address} of a dead sandbox still answers"


def _die_under_verify(
    lab: str, connection: "subprocess.Popen[str]", executing: "subprocess.Popen[str]", pause: int
) -> Obj:
    """Kills pause when verify looks into its sandbox and the others are there; returns the report."""
    for _ in range(_TRIES):
        with _Verify(lab) as verify:
            if verify.halts_in(pause):
                assert (connection.poll(), executing.poll()) == (None, None)
                os.kill(pause, signal.SIGKILL)
                until(lambda: not Path(f"/proc/{pause}/ns/net").exists())
                return verify.report()
    raise AssertionError("verify was done each time before it was seen")


class _Verify:
    """A verify of a lab; its report goes to a file, since nobody reads it while it runs."""

    def __init__(self, lab: str) -> None:
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 (it is closed at the exit)
        command = [str(PROGRAM), "--lab", lab, "verify", "-o", "json"]
        self._process = subprocess.Popen(command, stdout=self._said)

    def halts_in(self, pause: int) -> bool:
        """Whether it stands still now with a capture in the namespace of `pause`; or it is over."""
        while self._process.poll() is None:
            if _captures(self._process.pid, pause):
                self._process.send_signal(signal.SIGSTOP)
                until(self._stands)
                if _captures(self._process.pid, pause):
                    return True
                self._process.send_signal(signal.SIGCONT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_GLANCE_SECONDS)
        return False

    def _stands(self) -> bool:
        return " T " in Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2]

    def report(self) -> Obj:
        """Lets it go on; asserts that it ends, and finds nothing wrong."""
        self._process.send_signal(signal.SIGCONT)
        code = self._process.wait(SECONDS)
        self._said.seek(0)
        said = self._said.read()
        assert code == 0, said
        report: Obj = json.loads(said)
        return report

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._said.close()


def _captures(verify: int, pause: int) -> bool:
    """Whether it has a packet socket there (proc_net(5): the last field is its inode)."""
    lines = Path(f"/proc/{pause}/net/packet").read_text().splitlines()[1:]
    inodes = {f"socket:[{line.split()[-1]}]" for line in lines}
    return any(target in inodes for target in _open_files(verify))


def _open_files(pid: int) -> Iterator[str]:
    """Of a process that goes on opening and closing some, and ends."""
    with suppress(OSError):
        for one in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                yield os.readlink(one)


def dishonest(report: Obj, pod: str) -> list[str]:
    """What a report must not say, or fails to say, when the pod's sandbox died under verify."""
    left = [one["reason"] for one in report["leftOut"] if one["name"] == pod]
    found = [f"{pod} is left out for {left}"] if left != [_WENT] else []
    for check in report["checks"]:
        ends = [check[end]["name"] for end in ("source", "destination")]
        if not check["passed"] or pod in ends:
            found.append(f"{' > '.join(ends)}: {check['reason'] or 'passed'}")
    return found
