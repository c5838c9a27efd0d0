"""Which process is which: a pid together with the time at which it started.

A pid alone is soon someone else's. The supervisor records what it forks in
/run/labctl/LAB/processes.json, so that a later supervisor can adopt it, and a pidfd, checked
against the start time after it was opened, then means that process for ever.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from labctl import names
from labctl.api.lab import LabSpec

SUPERVISOR = "supervisor"
CONTROL_PLANE = "control-plane"
RUNTIME = "runtime"
ETCD = "etcd"


def agent(node: str) -> str:
    """The process name of a node's agent."""
    return f"agent-{node}"


@dataclass(frozen=True)
class Process:
    """A process of a lab. `start_time` is in clock ticks since boot (proc(5), stat field 22)."""

    name: str
    pid: int
    start_time: int
    restarts: int = 0


@dataclass(frozen=True)
class Record:
    """What a supervisor leaves to its successor: what runs, and what shall stay dead."""

    processes: tuple[Process, ...] = ()
    stopped: tuple[str, ...] = ()


def start_time(pid: int) -> int | None:
    """When the process started; None when there is none, or only its zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()  # the command may hold spaces and brackets
    return None if fields[0] in "ZX" else int(fields[19])


def observe(name: str, pid: int, restarts: int = 0) -> Process:
    """The process with that pid, which the caller knows to exist (itself, or a child)."""
    return Process(name, pid, start_time(pid) or 0, restarts)


def is_alive(process: Process) -> bool:
    return start_time(process.pid) == process.start_time


def open_pidfd(process: Process) -> int | None:
    """A descriptor of exactly that process; None when it is gone. The caller closes it."""
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError:
        return None
    if is_alive(process):  # checked after opening: from here on the pidfd cannot mean another
        return pidfd
    os.close(pidfd)
    return None


def record_file(lab: str) -> Path:
    return names.run_dir(lab) / "processes.json"


def write_record(lab: str, record: Record) -> None:
    file = record_file(lab)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_bytes(msgspec.json.encode(record))
    new.replace(file)


def read_record(lab: str) -> Record:
    """The record of the lab's supervisor; an empty one when there is none (or half of one)."""
    try:
        return msgspec.json.decode(record_file(lab).read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError):
        return Record()


def is_up(lab: str) -> bool:
    """Whether any process of the lab runs."""
    return any(map(is_alive, read_record(lab).processes))


def supervisor_of(lab: str) -> Process | None:
    """The lab's supervisor, if one is running."""
    for process in read_record(lab).processes:
        if process.name == SUPERVISOR and is_alive(process):
            return process
    return None


def namespaces(spec: LabSpec) -> dict[str, str]:
    """Where the network namespaces of nodes with a living agent are, by name: that is in its own."""
    agents = {agent(node): names.node_netns(spec.name, node) for node in spec.node_names}
    return {
        agents[one.name]: f"/proc/{one.pid}/ns/net"
        for one in read_record(spec.name).processes
        if one.name in agents and is_alive(one)
    }
