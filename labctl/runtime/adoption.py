"""After a crash of the runtime: taking up what goes on, from its records.

A process is the recorded one if pid, start time and boot agree. What died meanwhile is said to be
dead. A pause whose record was not written any more is known by the mark in its environment; nobody
knows its sandbox, so it is ended.
"""

import contextlib
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from labctl.runtime.machine import Machine
from labctl.runtime.pause import mark
from labctl.runtime.pod import Pod
from labctl.runtime.processes import Process
from labctl.runtime.records import PodRecord
from labctl.runtime.sandbox import LiveSandbox

log = logging.getLogger(__name__)


def adopt_pods(machine: Machine) -> list[Pod]:
    """Every pod on record of this boot, its stand-ins answering again."""
    pods = []
    for record in machine.records.read():
        if record.sandbox.boot_id == machine.boot_id:
            pods.append(_adopt_pod(machine, record))
        else:
            machine.records.remove(record.sandbox.sandbox.id)
    _end_unrecorded(machine, {pod.id for pod in pods})
    if pods:
        log.info("adopted %d sandboxes", len(pods))
    return pods


def _adopt_pod(machine: Machine, record: PodRecord) -> Pod:
    known = record.sandbox
    alive = known.sandbox.state == "ready"
    pause = Process.adopt(known.pause) if alive else None
    pin = Path(known.pin)
    if pause is not None:
        machine.pins.adopt(pin, known.sandbox.netns)
    pod = Pod(machine, LiveSandbox(machine, known.sandbox, known.pause, pause, pin))
    for container in record.containers.values():
        pod.add(container.container).adopt(container.process)
    if alive and pause is None:
        pod.mourn()
    return pod


def _end_unrecorded(machine: Machine, known: set[str]) -> None:
    for pid, sandbox_id in _marked_pauses(machine.lab):
        if sandbox_id in known:
            continue
        with contextlib.suppress(ProcessLookupError):
            pidfd = os.pidfd_open(pid)
            if _is_marked(pid, mark(machine.lab, sandbox_id)):  # still, now that it is held
                log.warning("ending pause %d of unrecorded sandbox %s", pid, sandbox_id)
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            os.close(pidfd)


def _marked_pauses(lab: str) -> Iterator[tuple[int, str]]:
    prefix = mark(lab, "")
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            for word in _environment(int(entry)):
                if word.startswith(prefix):
                    yield int(entry), word.removeprefix(prefix)


def _is_marked(pid: int, word: str) -> bool:
    return word in _environment(pid)


def _environment(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []
