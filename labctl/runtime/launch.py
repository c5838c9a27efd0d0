"""Starting a contained program: the runtime's side.

The spawner forks; the child (spawn/child.py), which is the runtime's, builds or joins its
surroundings, waits for a go and executes the program. Between the two is one socket pair, closed on
exec: "go" one way; a failure, or a new terminal's master, the other way; end of file says that the
program was executed. So a runtime that dies in between leaves nobody behind that is not recorded:
the child, without its go, ends.
"""

import asyncio
import os
import socket

from labctl.cri.errors import RUN_CONTAINER_ERROR, CriError
from labctl.passing import receive
from labctl.runtime.processes import Process
from labctl.runtime.spawn.child import ROOT
from labctl.runtime.spawn.plan import Launch
from labctl.runtime.spawner import Spawner, SpawnerGone

_CHUNK = 64 * 1024
_CANNOT_START = 128


class Launched:
    """A child on its way to its exec. `process` can be killed at any time.

    `built_root`, once it has executed, is the mount namespace of the root that it built, if it was
    to be shared; the caller's to close.
    """

    def __init__(self, process: Process, sync: socket.socket) -> None:
        self.process = process
        self.built_root: int | None = None
        self._sync = sync
        self._said = b""
        self._master: int | None = None

    async def executed(self) -> int | None:
        """Lets the child go on; returns once it executed the program, with its terminal's master.

        Raises CriError with the child's own words and code 127, 126 or 128; it has ended then.
        """
        try:
            self._sync.send(b"g")
            while await self._listen():
                pass
        except OSError as error:
            self._said = bytes([_CANNOT_START]) + f"exec: {error.strerror}".encode()
        finally:
            self._sync.close()
        if self._said:
            await self._failed(self._said[1:].decode(errors="replace"), self._said[0])
        return self._master

    async def _listen(self) -> bool:
        await _readable(self._sync)
        data, descriptors = receive(self._sync, _CHUNK)
        if descriptors and data == ROOT:
            self.built_root = descriptors[0]
        elif descriptors:
            self._master = descriptors[0]
        else:
            self._said += data
        return bool(data)

    async def _failed(self, message: str, code: int) -> None:
        for descriptor in (self._master, self.built_root):
            if descriptor is not None:
                os.close(descriptor)
        self.built_root = None
        await self.process.wait()
        raise CriError(message, RUN_CONTAINER_ERROR, code)


def launch(spawner: Spawner, plan: Launch) -> Launched:
    """Has it forked; raises CriError."""
    try:
        return _launch(spawner, plan)
    except SpawnerGone:
        return _launch(spawner, plan)


def _launch(spawner: Spawner, plan: Launch) -> Launched:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        pid = spawner.fork(plan._replace(held=plan.held._replace(sync=theirs.fileno())))
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    ours.setblocking(False)
    return Launched(Process.of_child(pid), ours)


async def _readable(sync: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sync, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sync)
