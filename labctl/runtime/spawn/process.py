"""The spawner as a process: one per runtime, there once the first program is to be started.

Its children are the runtime's own, as if that had forked them, so that nothing depends on the
spawner: it ends when the runtime hangs up, and if it is killed, the runtime starts another.
"""

import contextlib
import errno
import gc
import os
import signal
import socket

from labctl.errors import NetError
from labctl.namespacing import CLONE_NEWPID, setns
from labctl.passing import receive
from labctl.runtime.spawn.child import become
from labctl.runtime.spawn.plan import Launch, unpack
from labctl.runtime.spawn.syscalls import IGNORED, fork_sibling

SIZE = 8  # bytes of a number: the length of a request, the answer to it


def run(descriptor: int) -> None:
    """Answers each request that comes over this socket with a pid, or a negative errno."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_DFL)  # what is ignored stays so over exec: signal(7)
    spawner = _Spawner(socket.socket(fileno=descriptor))
    gc.freeze()
    while spawner.serve():
        pass


class _Spawner:
    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)

    def serve(self) -> bool:
        """Answers one request; False when the runtime has hung up."""
        head, descriptors = receive(self._channel, SIZE)
        size, data = int.from_bytes(head, "little"), b""
        while len(data) < size and (part := self._channel.recv(size - len(data))):
            data += part
        if not size or len(data) < size:
            return False
        answer = self._answer(data, descriptors)
        self._channel.sendall(answer.to_bytes(SIZE, "little", signed=True))
        return True

    def _answer(self, data: bytes, descriptors: list[int]) -> int:
        try:
            return self._spawn(unpack(data, descriptors))
        except (OSError, NetError) as error:
            return -(error.errno or errno.EIO)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _spawn(self, plan: Launch) -> int:
        """Into the pid namespace of its peer, or a new one."""
        if plan.held.peer is None:
            return self._fork(plan, CLONE_NEWPID)
        setns(plan.held.peer, CLONE_NEWPID)  # for the next child only: pid_namespaces(7)
        try:
            return self._fork(plan, 0)
        finally:
            setns(self._home, CLONE_NEWPID)

    def _fork(self, plan: Launch, flags: int) -> int:
        pid = fork_sibling(flags, plan.held.group)
        if pid == 0:
            with contextlib.suppress(BaseException):
                self._channel.close()  # or the runtime would not hear of the spawner's end
                become(plan)
            os._exit(128)
        return pid
