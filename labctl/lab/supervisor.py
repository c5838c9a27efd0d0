"""The one process that keeps the others of a lab alive.

A fork server: it imports once what they share, forks control plane, runtime and agents from that
image, and waits in poll(2) for pidfds, its Unix socket and signals. It holds no event loop, thread,
database or key. It is a subreaper, so pauses and containers whose runtime died come to it. When it
is killed itself, all else goes on, and the supervisor that the next `labctl up` starts adopts it.
"""

import contextlib
import ctypes
import logging
import os
import resource
import select
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

import setproctitle

from labctl import names
from labctl.errors import LabError
from labctl.lab import cgroup, control, processes, warm
from labctl.lab.roster import Roster

_PR_SET_CHILD_SUBREAPER = 36
_END_SECONDS = 20.0

_log = logging.getLogger(__name__)


class Supervisor:
    """The loop: what became readable is handled, what is due is started, orphans are reaped."""

    def __init__(self, lab: str) -> None:
        self._lab = lab
        self._poll = select.poll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._ended = False
        self._wakeup = _wake_on_signals()
        self._listener = control.listen(lab)
        self.roster = Roster(lab, self._watch, self._unwatch)
        self._watch(self._wakeup.fileno(), self._signalled)
        self._watch(self._listener.fileno(), self._accept)

    def run(self) -> None:
        """Until it is told to stop."""
        while not self._ended:
            for descriptor, _ in self._poll.poll(self._timeout()):
                handler = self._handlers.get(descriptor)
                if handler is not None:  # an earlier one of this round may have closed it
                    handler()
            _reap_orphans()
            if not self._ended:
                self.roster.start_due()

    def _timeout(self) -> float | None:
        due = self.roster.next_due()
        return None if due is None else max(0.0, due - time.monotonic()) * 1000 + 1

    def _watch(self, descriptor: int, handler: Callable[[], None]) -> None:
        self._handlers[descriptor] = handler
        self._poll.register(descriptor, select.POLLIN)

    def _unwatch(self, descriptor: int) -> None:
        del self._handlers[descriptor]
        self._poll.unregister(descriptor)

    def _signalled(self) -> None:
        """SIGCHLD only wakes the loop; SIGTERM ends this process, and nothing else."""
        if signal.SIGTERM in self._wakeup.recv(4096):
            self._ended = True

    def _accept(self) -> None:
        try:
            peer, _ = self._listener.accept()
        except OSError:
            return
        if not control.is_root(peer):
            peer.close()
            return
        peer.settimeout(1.0)  # a client that does not read its answer must not hold up the rest
        conversation = control.Conversation(peer, self._handle)
        descriptor = peer.fileno()
        self._watch(descriptor, lambda: self._converse(descriptor, conversation))

    def _converse(self, descriptor: int, conversation: control.Conversation) -> None:
        if not conversation.receive():
            self._unwatch(descriptor)

    def _handle(self, request: control.Request) -> Any:
        match request["command"]:
            case "status":
                return {"processes": self.roster.overview()}
            case "start-agent":
                self.roster.start(self._agent(request["node"]))
            case "stop-agent":
                self.roster.stop([self._agent(request["node"])])
            case "kill-agent":
                self.roster.kill(self._agent(request["node"]))
            case "restart-agents":
                self.roster.restart([self._agent(node) for node in request["nodes"]])
            case "reload":
                self.roster.set_crew(request["crew"])
            case "stop":
                self._end_all()
            case unknown:
                raise LabError(f"unknown command {unknown!r}")
        return {}

    def _end_all(self) -> None:
        """Ends the lab's processes, and this one after it has reaped them."""
        self._ended = True
        for part in (cgroup.PROCESSES, cgroup.PODS):
            cgroup.kill(self._lab, part)
            cgroup.wait_empty(self._lab, _END_SECONDS, part)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)  # all are dead or dying: none is waited for in vain

    def _agent(self, node: str) -> str:
        name = processes.agent(node)
        if name not in self.roster.posts:
            raise LabError(f"there is no node {node!r}")
        return name


def serve(lab: str, wait_for_go: Callable[[], list[str] | None], ready: Callable[[], None]) -> None:
    """The supervisor's whole life, in the process that `launch` made for it.

    `wait_for_go` returns the processes' names, or None when `up` gave up; `ready` tells `up` that
    all were forked.
    """
    setproctitle.setproctitle(names.supervisor_title(lab))
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _raise_descriptor_limit()
    warm.import_shared()
    crew = wait_for_go()
    if crew is None:
        return
    supervisor = Supervisor(lab)
    supervisor.roster.adopt(processes.read_record(lab))
    supervisor.roster.start_first(crew)
    warm.prepare_agents(names.lab_file(lab), names.pki_dir(lab) / "ca.crt")
    supervisor.roster.set_crew(crew)
    ready()
    supervisor.run()


def _wake_on_signals() -> socket.socket:
    """A socket that becomes readable with the numbers of signals, as poll(2) needs it."""
    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: None)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    return reader


def _reap_orphans() -> None:
    """Takes the exit status of whatever ended: own children, and orphans that came to us."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _log.info("pid %d ended: %s", pid, _how(status))


def _how(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _raise_descriptor_limit() -> None:
    """Stand-ins cost the runtime a descriptor a port, watches the control plane one each."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
