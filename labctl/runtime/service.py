"""From a request on the wire to a verb of the engine."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import msgspec

from labctl.cri import messages, wire
from labctl.cri.errors import INVALID_ARGUMENT, CriError
from labctl.runtime.engine import Engine
from labctl.runtime.events import EventHub
from labctl.runtime.launch import Launched
from labctl.runtime.server import Connection

Verb = Callable[[Any], Any]

_IMAGES_CHANGED = messages.ContainerEvent("images-changed", "", "")

_REQUESTS = {
    request.__name__: request
    for request in (
        messages.Status,
        messages.RunPodSandbox,
        messages.UpdatePodSandbox,
        messages.StopPodSandbox,
        messages.RemovePodSandbox,
        messages.ListPodSandboxes,
        messages.CreateContainer,
        messages.StartContainer,
        messages.StopContainer,
        messages.RemoveContainer,
        messages.ListContainers,
        messages.ContainerStatus,
        messages.ListImages,
        messages.ImagesChanged,
        messages.ContainerEvents,
        messages.Exec,
        messages.Attach,
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
            messages.UpdatePodSandbox: lambda r: engine.update_pod_sandbox(r.id, r.ip),
            messages.StopPodSandbox: lambda r: engine.stop_pod_sandbox(r.id),
            messages.RemovePodSandbox: lambda r: engine.remove_pod_sandbox(r.id),
            messages.ListPodSandboxes: lambda r: engine.list_pod_sandboxes(r.node),
            messages.CreateContainer: lambda r: engine.create_container(r.sandbox_id, r.config),
            messages.StartContainer: lambda r: engine.start_container(r.id),
            messages.StopContainer: lambda r: engine.stop_container(r.id, r.timeout_seconds),
            messages.RemoveContainer: lambda r: engine.remove_container(r.id),
            messages.ListContainers: lambda r: engine.list_containers(r.node),
            messages.ContainerStatus: lambda r: engine.container_status(r.id),
            messages.ListImages: lambda _: engine.list_images(),
            messages.ImagesChanged: lambda _: events.publish(_IMAGES_CHANGED),
        }

    def serve(self, connection: Connection, call: wire.Call) -> Awaitable[None] | None:
        """Answers one call; what that must wait for is returned, to be awaited.

        Either raises CriError or msgspec.DecodeError for what is to be refused.
        """
        kind = _REQUESTS.get(call.method)
        if kind is None:
            raise CriError(f"no method {call.method!r}", INVALID_ARGUMENT)
        request = msgspec.json.decode(call.params, type=kind)
        if isinstance(request, messages.Exec):
            return self._exec(connection, call.id, request)
        if isinstance(request, messages.Attach):
            return self._attach(connection, call.id, request)
        if isinstance(request, messages.ContainerEvents):
            return self._stream_events(connection, call.id, request.node)
        result = self._verbs[kind](request)
        if isinstance(result, Awaitable):
            return _answer_later(connection, call.id, result)
        connection.answer(call.id, result)
        return None

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
            master = await launched.executed()
            if launched.built_root is not None:
                self._engine.keep_root(request.container_id, launched.built_root)
            started = messages.ExecStarted(launched.process.pid)
            _answer_first(connection, number, started, master)
            await _end_or_hang_up(connection, launched)
        finally:
            launched.process.kill_session()
        connection.answer(number, messages.ExecExited(launched.process.exited.result().code))

    async def _attach(self, connection: Connection, number: int, request: messages.Attach) -> None:
        descriptors = connection.take_descriptors()
        with contextlib.ExitStack() as unclaimed:
            for descriptor in descriptors:
                unclaimed.callback(os.close, descriptor)
            attachment = self._engine.attach(request, descriptors)
            unclaimed.pop_all()
        try:
            attached = messages.Attached(attachment.terminal, attachment.stays)
            _answer_first(connection, number, attached, attachment.descriptor)
            await _first(connection.closed.wait(), attachment.ended())
        finally:
            attachment.close()
        connection.answer(number, messages.AttachEnded())


async def _answer_later(connection: Connection, number: int, result: Awaitable[object]) -> None:
    connection.answer(number, await result)


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


def _answer_first(
    connection: Connection, number: int, result: object, descriptor: int | None
) -> None:
    """An answer, with a descriptor that becomes the client's if there is one."""
    if descriptor is None:
        connection.answer(number, result)
        return
    try:
        connection.answer_with_descriptor(number, result, descriptor)
    finally:
        os.close(descriptor)


async def _end_or_hang_up(connection: Connection, launched: Launched) -> None:
    """Returns when the program ended, killed if its client hung up before."""
    await _first(connection.closed.wait(), launched.process.wait())
    launched.process.kill_session()
    await launched.process.wait()


async def _first(*works: Coroutine[Any, Any, object]) -> None:
    """Waits until one of them is done."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
