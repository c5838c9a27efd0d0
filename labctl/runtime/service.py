"""From a request on the wire to a verb of the engine."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from labctl.cri import messages, wire
from labctl.cri.errors import INVALID_ARGUMENT, CriError
from labctl.runtime.engine import Engine
from labctl.runtime.events import EventHub
from labctl.runtime.launch import Launched
from labctl.runtime.server import Connection

Verb = Callable[[Any], Any]

_REQUESTS = {
    request.__name__: request
    for request in (
        messages.Status,
        messages.RunPodSandbox,
        messages.StopPodSandbox,
        messages.RemovePodSandbox,
        messages.ListPodSandboxes,
        messages.CreateContainer,
        messages.StartContainer,
        messages.StopContainer,
        messages.RemoveContainer,
        messages.ListContainers,
        messages.ContainerStatus,
        messages.ContainerEvents,
        messages.Exec,
    )
}


class Service:
    """Serves calls of any connection."""

    def __init__(self, engine: Engine, events: EventHub) -> None:
        self._engine = engine
        self._events = events
        self._verbs: dict[type, Verb] = {
            messages.Status: lambda _: engine.status(),
            messages.RunPodSandbox: lambda r: engine.run_pod_sandbox(r.config),
            messages.StopPodSandbox: lambda r: engine.stop_pod_sandbox(r.id),
            messages.RemovePodSandbox: lambda r: engine.remove_pod_sandbox(r.id),
            messages.ListPodSandboxes: lambda r: engine.list_pod_sandboxes(r.node),
            messages.CreateContainer: lambda r: engine.create_container(r.sandbox_id, r.config),
            messages.StartContainer: lambda r: engine.start_container(r.id),
            messages.StopContainer: lambda r: engine.stop_container(r.id, r.timeout_seconds),
            messages.RemoveContainer: lambda r: engine.remove_container(r.id),
            messages.ListContainers: lambda r: engine.list_containers(r.node),
            messages.ContainerStatus: lambda r: engine.container_status(r.id),
        }

    async def serve(self, connection: Connection, call: wire.Call) -> None:
        """Answers one call; raises CriError or msgspec.DecodeError for what is to be refused."""
        kind = _REQUESTS.get(call.method)
        if kind is None:
            raise CriError(f"no method {call.method!r}", INVALID_ARGUMENT)
        request = msgspec.json.decode(call.params, type=kind)
        if isinstance(request, messages.Exec):
            await self._exec(connection, call.id, request)
        elif isinstance(request, messages.ContainerEvents):
            await self._stream_events(connection, call.id, request.node)
        else:
            result = self._verbs[kind](request)
            connection.answer(call.id, await result if isinstance(result, Awaitable) else result)

    async def _stream_events(self, connection: Connection, number: int, node: str) -> None:
        self._events.subscribe(node, connection.push)
        try:
            connection.answer(number, None)
            await connection.closed.wait()
        finally:
            self._events.unsubscribe(connection.push)

    async def _exec(self, connection: Connection, number: int, request: messages.Exec) -> None:
        with _stdio(connection, request) as stdio:
            launched = self._engine.exec(request, stdio)
        try:
            await _tell_started(connection, number, launched)
            await _end_or_hang_up(connection, launched)
        finally:
            launched.process.kill_session()
        connection.answer(number, messages.ExecExited(launched.process.exited.result().code))


@contextlib.contextmanager
def _stdio(connection: Connection, request: messages.Exec) -> Any:
    """The client's descriptors as a program's, closed here once the program has its own."""
    descriptors = connection.take_descriptors()
    try:
        if request.terminal is not None:
            yield (None, None, None)
        elif len(descriptors) == 3:
            yield tuple(descriptors)
        else:
            raise CriError("exec: three descriptors or a terminal", INVALID_ARGUMENT)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


async def _tell_started(connection: Connection, number: int, launched: Launched) -> None:
    master = await launched.executed()
    started = messages.ExecStarted(launched.process.pid)
    if master is None:
        connection.answer(number, started)
        return
    try:
        connection.answer_with_descriptor(number, started, master)
    finally:
        os.close(master)


async def _end_or_hang_up(connection: Connection, launched: Launched) -> None:
    """Returns when the program ended, killed if its client hung up before."""
    hang_up = asyncio.ensure_future(connection.closed.wait())
    try:
        await asyncio.wait((hang_up, launched.process.exited), return_when=asyncio.FIRST_COMPLETED)
    finally:
        hang_up.cancel()
    launched.process.kill_session()
    await launched.process.wait()
