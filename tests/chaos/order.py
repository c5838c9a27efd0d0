"""Whether a lab's machine has exactly what its API asks for: read from /proc, cgroups and `ip`.

It shares no code with what it judges, but for names. Each function yields a sentence for what is not
as it should be.
"""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labctl import names
from labctl.api.objects import Obj, uid
from labctl.lab import cgroup
from tests.chaos.kills import Restarts
from tests.chaos.told import Told, Unanswered, asked, statuses, unrest
from tests.command import Labctl


@dataclass(frozen=True)
class Sight:
    """What the API has of pods and `labctl ps` and `status` say; sandboxes are those that live."""

    lab: str
    nodes: tuple[str, ...]
    pods: dict[str, Obj]
    sandboxes: dict[str, Obj]
    known: tuple[str, ...]  # ids of sandboxes, dead ones too
    containers: tuple[Obj, ...]
    processes: dict[str, int]

    @classmethod
    def of(cls, labctl: Labctl, told: Told) -> "Sight":
        status = asked(labctl, "status")
        found = asked(labctl, "ps")["items"]
        alive = [one for one in found if one["state"] == "ready"]
        return cls(
            labctl.lab,
            tuple(told.nodes),
            told.pods,
            {one["pod"]: one for one in alive},
            tuple(one["id"] for one in found),
            tuple({**c, "sandbox": one["id"]} for one in found for c in one["containers"]),
            {one["name"]: one["pid"] or 0 for one in status["processes"]},
        )


def disorder(labctl: Labctl, restarts: Restarts) -> list[str]:
    """What is wrong with the lab, after its containers were to be started again so often."""
    try:
        told = Told.of(labctl)
        if found := unrest(told, restarts):
            return found
        sight = Sight.of(labctl, told)
    except Unanswered as error:
        return [str(error)]
    # Of a lab that is still at it, and was seen at several moments, there is nothing more to say.
    found = [*_processes(sight), *_sandboxes(sight), *_programs(sight)]
    checks = (_groups, _members, _addresses, _pins, _links)
    return found or [wrong for check in checks for wrong in check(sight)]


def _processes(sight: Sight) -> Iterator[str]:
    yield from (f"{at} does not run" for at, pid in sight.processes.items() if not pid)


def _sandboxes(sight: Sight) -> Iterator[str]:
    yield from (f"sandbox of {at} is amiss" for at in sight.sandboxes.keys() ^ sight.pods.keys())
    for at, one in sight.sandboxes.items():
        if at in sight.pods and not one["id"].startswith(uid(sight.pods[at])):
            yield f"the sandbox of {at} is another pod's"
        yield from _process(sight, one["pid"], f"pause of {at}", ["catatonit", "-P"])


def _programs(sight: Sight) -> Iterator[str]:
    """Each container that the API calls running is one; where it is a program, that program runs."""
    by_id = {one["id"]: one for one in sight.containers}
    for at, pod in sight.pods.items():
        for told in statuses(pod):
            one = by_id.get(told["containerID"].rpartition("/")[2], {})
            what = f"{told['name']} of {at}"
            running, own = "running" in told["state"], sight.sandboxes.get(at, {})
            seen = (one.get("state") == "running", one.get("attempt"))
            if seen != (running, told["restartCount"]):
                yield f"{what} is {told['state']} for the API, {one} for the runtime"
            elif running and one["sandbox"] != own.get("id"):
                yield f"{what} runs in sandbox {one['sandbox']}"
            elif running and not one["standIn"]:
                yield from _process(sight, one["pid"], what, one["command"])
                yield from _placed(sight, one, own["pid"], what)


def _process(sight: Sight, pid: int, what: str, command: list[str]) -> Iterator[str]:
    words = _read(f"/proc/{pid}/cmdline").split("\0")[:-1]
    if words != command:
        yield f"{what}, pid {pid}, is {words}, not {command}"
    runtime = sight.processes["runtime"]
    adopted = _started(pid) < _started(runtime)  # by a runtime after one that was killed
    if not adopted and f"PPid:\t{runtime}\n" not in _read(f"/proc/{pid}/status"):
        yield f"{what}, pid {pid}, is not the runtime's child"


def _placed(sight: Sight, container: Obj, pause: int, what: str) -> Iterator[str]:
    """In its own cgroup, and in the namespaces that pause holds."""
    pid, group = container["pid"], _group(sight, container)
    if f"0::/{group}\n" not in _read(f"/proc/{pid}/cgroup"):
        yield f"{what}, pid {pid}, is not in {group}"
    for kind in ("net", "ipc", "uts"):
        if _link(f"/proc/{pid}/ns/{kind}") != _link(f"/proc/{pause}/ns/{kind}"):
            yield f"{what}, pid {pid}, has another {kind} namespace than its pause"


def _group(sight: Sight, container: Obj) -> str:
    return names.container_cgroup(
        sight.lab, container["sandbox"], container["name"], container["attempt"]
    )


def _groups(sight: Sight) -> Iterator[str]:
    """A cgroup for each program that the runtime knows of, dead ones included; and no other."""
    root = cgroup.hierarchy()
    programs = [one for one in sight.containers if not one["standIn"]]
    wanted = {_group(sight, one) for one in programs}
    allowed = {names.pod_cgroup(sight.lab, one) for one in sight.known}
    pods = root / names.pods_cgroup(sight.lab)
    found = {str(one.relative_to(root)) for one in pods.rglob("*") if one.is_dir()}
    yield from (f"a stray cgroup {one}" for one in found - wanted - allowed)
    yield from (f"no cgroup {one}" for one in wanted - found)


def _members(sight: Sight) -> Iterator[str]:
    """Nobody is in the lab's cgroups who has no business there."""
    root = cgroup.path(sight.lab)
    pauses = {one["pid"] for one in sight.sandboxes.values()}
    here = _pids(root / cgroup.SUPERVISOR) | _pids(root / cgroup.PROCESSES)
    known = set(sight.processes.values()) | pauses | _spawners(sight, here)
    yield from (f"a stray process {pid}: {_read(f'/proc/{pid}/cmdline')}" for pid in here - known)
    running = {_group(sight, one) for one in sight.containers if one["pid"]}
    for directory in (root / cgroup.PODS).rglob("*"):
        group = str(directory.relative_to(cgroup.hierarchy()))
        if directory.is_dir() and group not in running and (left := _pids(directory)):
            yield f"{group} still holds {left}"


def _spawners(sight: Sight, pids: set[int]) -> set[int]:
    """The one that the runtime may have for forking."""
    parent = f"PPid:\t{sight.processes['runtime']}\n"
    found = {
        pid
        for pid in pids
        if "/runtime/spawn/__main__.py\0" in _read(f"/proc/{pid}/cmdline")
        and parent in _read(f"/proc/{pid}/status")
    }
    return found if len(found) == 1 else set()


def _addresses(sight: Sight) -> Iterator[str]:
    """What the API says is what the kernel has, and nobody else has it."""
    taken: Counter[str] = Counter()
    for at, sandbox in sight.sandboxes.items():
        pod = sight.pods[at]
        if pod["spec"].get("hostNetwork"):
            continue
        told, has = pod["status"]["podIP"], _ipv4(f"/proc/{sandbox['pid']}/ns/net")
        taken[told] += 1
        if has != {told}:
            yield f"pod {at} has the addresses {has}, not {told}"
    yield from (f"{count} pods have {address}" for address, count in taken.items() if count > 1)


def _pins(sight: Sight) -> Iterator[str]:
    """A name in /run/netns for each node and pod, which leads into its namespace."""
    lab = sight.lab
    wanted = {names.node_netns(lab, node): 0 for node in sight.nodes}
    wanted |= {names.fabric_netns(lab): 0, names.outside_netns(lab): 0}
    wanted |= {names.control_plane_netns(lab): 0}
    for at, one in sight.sandboxes.items():
        wanted[names.pod_netns(lab, one["namespace"], at)] = one["pid"]
    found = {one for one in os.listdir(names.NETNS_DIR) if one.startswith(f"labctl.{lab}.")}
    yield from (f"pin {one} is amiss" for one in found ^ set(wanted))
    for pin, pid in wanted.items():
        if pid and _inode(names.netns_path(pin)) != _inode(Path(f"/proc/{pid}/ns/net")):
            yield f"pin {pin} leads elsewhere"


def _links(sight: Sight) -> Iterator[str]:
    """A port on its node for each pod, and no other."""
    for node in sight.nodes:
        wanted = {
            names.veth_name(uid(sight.pods[at]), one["attempt"])
            for at, one in sight.sandboxes.items()
            if one["node"] == node and not sight.pods[at]["spec"].get("hostNetwork")
        }
        shown = _ip(str(names.netns_path(names.node_netns(sight.lab, node))), "link")
        found = {one["ifname"] for one in shown if one["ifname"].startswith("veth")}
        yield from (f"{node}: {one} is amiss" for one in wanted ^ found)


def _ipv4(netns: str) -> set[str]:
    shown = [one for one in _ip(netns, "-4", "address") if one.get("ifname") != "lo"]
    return {each["local"] for one in shown for each in one["addr_info"]}


def _ip(netns: str, *words: str) -> list[dict[str, Any]]:
    command = ["nsenter", f"--net={netns}", "ip", "-json", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return found


def _pids(directory: Path) -> set[int]:
    return set(map(int, _read(str(directory / "cgroup.procs")).split()))


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _started(pid: int) -> int:
    """In ticks since boot (proc_pid_stat(5)); 0 if there is no such process."""
    words = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(words[19]) if words else 0


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0
