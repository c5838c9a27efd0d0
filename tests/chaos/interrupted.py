"""A pause is killed while a verify, an exec and a connection to its pod's stand-in are open."""

import json
import os
import signal
import subprocess
import sys
from subprocess import PIPE

from labctl import names
from labctl.api.objects import Obj
from tests.command import PROGRAM, SECONDS, Labctl

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


def interrupt(labctl: Labctl, pod: str) -> None:
    """Kills the pause of `pod`, a stand-in and programs; asserts how all that was open ended."""
    found = labctl("ps", "-o", "json").json["items"]
    (sandbox,) = (one for one in found if (one["pod"], one["state"]) == (pod, "ready"))
    address = labctl.ok("get", "pod", pod, "-o", "jsonpath={.status.podIP}")
    outside = str(names.netns_path(names.node_netns(labctl.lab, sandbox["node"])))
    connect = ["nsenter", f"--net={outside}", sys.executable, "-c", _CONNECTS, address]
    execute = [str(PROGRAM), "--lab", labctl.lab, "exec", pod, "-c", "one", "--"]
    verify = [str(PROGRAM), "--lab", labctl.lab, "verify", "-o", "json"]
    with (
        subprocess.Popen(connect, stdout=PIPE, text=True) as connection,
        subprocess.Popen([*execute, "sh", "-c", "echo; exec sleep 1000"], stdout=PIPE) as exec_,
        subprocess.Popen(verify, stdout=PIPE, stderr=PIPE, text=True) as verifying,
    ):
        assert connection.stdout
        assert exec_.stdout
        try:
            assert (connection.stdout.readline(), exec_.stdout.readline()) == ("open\n", b"\n")
            os.kill(sandbox["pid"], signal.SIGKILL)
            said, _ = connection.communicate(timeout=SECONDS)
            assert said in ("end\n", "reset\n"), said
            assert exec_.wait(SECONDS) != 0
            report, complaint = verifying.communicate(timeout=SECONDS)
            assert verifying.returncode in (0, 1), complaint
            assert lies(json.loads(report), pod) == [], report
        finally:
            for one in (connection, exec_, verifying):
                one.kill()


def lies(report: Obj, pod: str) -> list[str]:
    """The failed checks that have nothing to do with the pod."""
    return [
        f"{check['source']['name']} > {check['destination']['name']}: {check['reason']}"
        for check in report["checks"]
        if not check["passed"]
        and not any(pod in check[end]["name"] for end in ("source", "destination"))
    ]
