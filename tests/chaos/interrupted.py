"""A pause is killed while a verify, an exec and a connection to its pod's stand-in are open.

Each is seen to be open: the connection and the exec say so, and verify is halted when it has a
capture in the sandbox, and goes on when pause is dead.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

from labctl import names
from labctl.api.objects import Obj
from tests.command import PROGRAM, SECONDS, Labctl
from tests.waiting import until

_CONNECTS = """\
import socket, sys
with socket.create_connection((sys.argv[1], 80), 30) as connection:
    print("open", flush=True)
    try:
        while connection.recv(4096):  # it greets who says nothing
            pass
        print("end")
    except ConnectionResetError:
        print("reset")
"""
_KNOCKS = """\
import socket, sys
try:
    socket.create_connection((sys.argv[1], 80), 1)
    print("open")
except OSError as error:
    print(error)
"""
_WENT = "it went away while verify ran"


def interrupt(labctl: Labctl, pod: str) -> None:
    """Kills the pause of `pod`, a stand-in and programs; asserts how all that was open ended."""
    found = labctl("ps", "-o", "json").json["items"]
    (sandbox,) = (one for one in found if (one["pod"], one["state"]) == (pod, "ready"))
    address = labctl.ok("get", "pod", pod, "-o", "jsonpath={.status.podIP}")
    outside = str(names.netns_path(names.node_netns(labctl.lab, sandbox["node"])))
    program = ["nsenter", f"--net={outside}", sys.executable, "-c"]
    execute = [str(PROGRAM), "--lab", labctl.lab, "exec", pod, "-c", "one", "--"]
    verify = [str(PROGRAM), "--lab", labctl.lab, "verify", "-o", "json"]
    with (
        subprocess.Popen([*program, _CONNECTS, address], stdout=PIPE, text=True) as connection,
        subprocess.Popen(
            [*execute, "sh", "-c", "echo begun; exec sleep 1000"],
            stdout=PIPE,
            stderr=PIPE,
            text=True,
        ) as executing,
        subprocess.Popen(verify, stdout=PIPE, stderr=PIPE, text=True) as verifying,
    ):
        assert connection.stdout
        assert executing.stdout
        try:
            assert connection.stdout.readline() == "open\n"
            assert executing.stdout.readline() == "begun\n"
            until(lambda: _is_halted_in(verifying.pid, sandbox["pid"]), SECONDS)
            os.kill(sandbox["pid"], signal.SIGKILL)
            until(lambda: not Path(f"/proc/{sandbox['pid']}/ns/net").exists())
            os.kill(verifying.pid, signal.SIGCONT)
            said, _ = connection.communicate(timeout=SECONDS)
            assert said in ("end\n", "reset\n"), said
            _, reason = executing.communicate(timeout=SECONDS)
            assert executing.returncode == 137, (executing.returncode, reason)
            report, complaint = verifying.communicate(timeout=SECONDS)
            assert verifying.returncode == 0, report or complaint
            assert dishonest(json.loads(report), pod) == []
        finally:
            for one in (connection, executing, verifying):
                one.kill()
    knock = subprocess.run([*program, _KNOCKS, address], stdout=PIPE, text=True, check=True)
    assert knock.stdout != "open\n", f"{address} of a dead sandbox still answers"


def _is_halted_in(verify: int, pause: int) -> bool:
    """Halts verify while it has a packet socket in the namespace of `pause`, or lets it be."""
    if not _captures(verify, pause):
        return False
    os.kill(verify, signal.SIGSTOP)
    until(lambda: " T " in Path(f"/proc/{verify}/stat").read_text().rpartition(")")[2])
    if _captures(verify, pause):
        return True
    os.kill(verify, signal.SIGCONT)
    return False


def _captures(verify: int, pause: int) -> bool:
    lines = Path(f"/proc/{pause}/net/packet").read_text().splitlines()[1:]
    inodes = {f"socket:[{line.split()[-1]}]" for line in lines}
    return bool(inodes) and any(
        _target(one) in inodes for one in Path(f"/proc/{verify}/fd").iterdir()
    )


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:  # closed meanwhile
        return ""


def dishonest(report: Obj, pod: str) -> list[str]:
    """What a report must not say, or fails to say, when the pod's sandbox died under verify."""
    left = [one["reason"] for one in report["leftOut"] if one["name"] == pod]
    found = [f"{pod} is left out for {left}"] if left != [_WENT] else []
    for check in report["checks"]:
        ends = [check[end]["name"] for end in ("source", "destination")]
        if not check["passed"] or pod in ends:
            found.append(f"{' > '.join(ends)}: {check['reason'] or 'passed'}")
    return found
