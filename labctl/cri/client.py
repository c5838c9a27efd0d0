"""The agent's end of the runtime's socket.

One connection carries all requests, pipelined; it is opened by the first request and opened again
by the first one after it broke, so a runtime that was restarted is found without ado. What was
under way when it broke raises RuntimeUnavailable: every verb but create and exec may be repeated.
"""

import asyncio
from pathlib import Path
from typing import Self, TypeVar, cast

import msgspec

from labctl.cri import messages, wire
from labctl.cri.attach import AttachSession
from labctl.cri.errors import RuntimeUnavailable
from labctl.cri.exec import ExecResult, ExecSession, collect, open_session
from labctl.cri.messages import (
    Container,
    ContainerConfig,
    ContainerEvent,
    RuntimeStatus,
    Sandbox,
    SandboxConfig,
    StoredImage,
    TerminalSize,
)

T = TypeVar("T")


class Subscription:
    """Events of one node, in order, from the moment of subscribing: `async for event in it`.

    Subscribe first and list afterwards: nothing falls between. Raises RuntimeUnavailable when
    the runtime goes away; then subscribe and list again.
    """

    def __init__(self, connection: "_Connection") -> None:
        self._connection = connection

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ContainerEvent:
        event = await self._connection.events.get()
        if event is None:
            raise RuntimeUnavailable("the runtime closed its event stream")
        return event

    def close(self) -> None:
        self._connection.close()


class RuntimeClient:
    """CRI's verbs. Every method raises CriError with a `reason`, RuntimeUnavailable among them."""

    def __init__(self, socket_path: Path | str) -> None:
        self._path = str(socket_path)
        self._connection: _Connection | None = None
        self._opening = asyncio.Lock()

    async def status(self) -> RuntimeStatus:
        return await self._call(messages.Status(), RuntimeStatus)

    async def run_pod_sandbox(self, config: SandboxConfig) -> Sandbox:
        """A new sandbox, pause running and pinned. Asked again, the same one comes back."""
        return await self._call(messages.RunPodSandbox(config), Sandbox)

    async def update_pod_sandbox(self, sandbox_id: str, ip: str) -> Sandbox:
        """Notes the address that a sandbox was given; returns it as it is now."""
        return await self._call(messages.UpdatePodSandbox(sandbox_id, ip), Sandbox)

    async def stop_pod_sandbox(self, sandbox_id: str) -> None:
        """Closes stand-ins' sockets, kills containers and pause, removes the pin. Idempotent.

        When it returns nothing in the sandbox answers any more; an unknown id is no error.
        """
        await self._call(messages.StopPodSandbox(sandbox_id), type(None))

    async def remove_pod_sandbox(self, sandbox_id: str) -> None:
        """Stops it if need be, and forgets it with its containers and their exit codes."""
        await self._call(messages.RemovePodSandbox(sandbox_id), type(None))

    async def list_pod_sandboxes(self, node: str = "") -> list[Sandbox]:
        return await self._call(messages.ListPodSandboxes(node), list[Sandbox])

    async def create_container(self, sandbox_id: str, config: ContainerConfig) -> Container:
        """Decides between image, program and stand-in; nothing runs yet. Asked again: the same one.

        Raises CriError with a reason of Kubernetes' own for an image that is not to be had.
        """
        return await self._call(messages.CreateContainer(sandbox_id, config), Container)

    async def start_container(self, container_id: str) -> Container:
        """Returns once the program was executed or the stand-in listens.

        Raises CriError with reason RunContainerError and the kernel's own words; the container
        is then "exited" with 127 or 126 (not found, not executable) or 128, as runc has it.
        """
        return await self._call(messages.StartContainer(container_id), Container)

    async def stop_container(self, container_id: str, timeout_seconds: float) -> Container:
        """SIGTERM, `timeout_seconds` of grace, SIGKILL; returns when it has ended."""
        return await self._call(messages.StopContainer(container_id, timeout_seconds), Container)

    async def remove_container(self, container_id: str) -> None:
        """Forgets it and its exit code, killing what still runs. An unknown id is no error."""
        await self._call(messages.RemoveContainer(container_id), type(None))

    async def list_containers(self, node: str = "") -> list[Container]:
        return await self._call(messages.ListContainers(node), list[Container])

    async def container_status(self, container_id: str) -> Container:
        return await self._call(messages.ContainerStatus(container_id), Container)

    async def list_images(self) -> list[StoredImage]:
        return await self._call(messages.ListImages(), list[StoredImage])

    async def images_changed(self) -> None:
        """To be told by whoever changed the lab's store."""
        await self._call(messages.ImagesChanged(), type(None))

    async def exec(
        self,
        container_id: str,
        command: tuple[str, ...],
        descriptors: tuple[int, int, int] | None = None,
        terminal: TerminalSize | None = None,
    ) -> ExecSession:
        """Runs `command` in a container, or beside a stand-in; returns once it was executed.

        `descriptors` become its stdin, stdout and stderr (the caller keeps and closes its own);
        or `terminal` gives it a new one, whose master is `session.terminal`. A missing program
        raises CriError with `code` 127 (126: not executable).
        """
        request = messages.Exec(container_id, command, terminal=terminal)
        return await open_session(self._path, request, descriptors)

    async def attach(
        self,
        container_id: str,
        descriptors: tuple[int, int],
        *,
        stdin: bool = False,
        unheard: bool = False,
    ) -> AttachSession:
        """Joins a running container; `descriptors` are for its stdout and stderr.

        The caller keeps and closes its own of these, and `session.stdin`.
        """
        request = messages.Attach(container_id, stdin, unheard)
        return await AttachSession.open(self._path, request, descriptors)

    async def exec_sync(
        self, container_id: str, command: tuple[str, ...], timeout_seconds: float
    ) -> ExecResult:
        """Runs `command` to its end, stdin empty, and returns code and output (as probes need).

        Raises TimeoutError when `timeout_seconds` are over; the command is killed then.
        """
        async with asyncio.timeout(timeout_seconds):
            return await collect(self._path, messages.Exec(container_id, command))

    async def subscribe(self, node: str = "") -> Subscription:
        """Events from now on, on a connection of their own."""
        connection = await _Connection.open(self._path)
        await connection.call(messages.ContainerEvents(node))
        return Subscription(connection)

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    async def _call(self, request: object, result: type[T]) -> T:
        connection = await self._ready()
        return msgspec.json.decode(await connection.call(request), type=result)

    async def _ready(self) -> "_Connection":
        async with self._opening:
            if self._connection is None or self._connection.closed:
                self._connection = await _Connection.open(self._path)
            return self._connection


class _Connection(asyncio.Protocol):
    """Answers find their question by number; events queue up for the one who subscribed."""

    def __init__(self) -> None:
        self.closed = False
        self.events: asyncio.Queue[ContainerEvent | None] = asyncio.Queue()
        self._lines = wire.LineBuffer()
        self._pending: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._number = 0
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, path: str) -> Self:
        loop = asyncio.get_running_loop()
        try:
            _, protocol = await loop.create_unix_connection(cls, path)
        except OSError as error:
            raise RuntimeUnavailable(f"runtime socket {path}: {error.strerror}") from error
        return protocol

    async def call(self, request: object) -> msgspec.Raw:
        if self.closed or self._transport is None:
            raise RuntimeUnavailable("the connection to the runtime is closed")
        self._number += 1
        answer: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._pending[self._number] = answer
        self._transport.write(wire.call_line(self._number, request))
        return await answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not a subclass

    def data_received(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            self._received(wire.decode_reply(line))

    def _received(self, reply: wire.Reply) -> None:
        if reply.event is not None:
            self.events.put_nowait(reply.event)
            return
        answer = self._pending.pop(reply.id, None)
        if answer is None or answer.done():
            return
        try:
            answer.set_result(wire.unwrap(reply))
        except Exception as error:
            answer.set_exception(error)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (the protocol's signature)
        self.closed = True
        self.events.put_nowait(None)
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(RuntimeUnavailable("the runtime went away"))
        self._pending.clear()
