"""Pipes and terminals as asynchronous streams of bytes."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable

_CHUNK = 1 << 16


class Source:
    """What can be read from a non-blocking descriptor. `taken` counts its bytes.

    `empty` says that everything was taken, and handed on, that is there.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.taken = 0
        self.empty = False

    async def chunks(self) -> AsyncIterator[bytes]:
        """Until the other end is closed."""
        while True:
            try:
                data = os.read(self._descriptor, _CHUNK)
            except BlockingIOError:
                self.empty = True
                await readable(self._descriptor)
                self.empty = False
                continue
            except OSError as error:
                if error.errno != errno.EIO:  # how a terminal says that nobody has it open any more
                    raise
                data = b""
            if not data:
                self.empty = True
                return
            self.taken += len(data)
            yield data


async def write_all(descriptor: int, data: bytes) -> None:
    """Writes all of it to a non-blocking descriptor; raises BrokenPipeError if nobody reads."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            await writable(descriptor)


async def readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    await _until(lambda ready: loop.add_reader(descriptor, ready), descriptor, loop.remove_reader)


async def writable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    await _until(lambda ready: loop.add_writer(descriptor, ready), descriptor, loop.remove_writer)


async def _until(
    watch: Callable[[Callable[[], None]], None], descriptor: int, forget: Callable[[int], object]
) -> None:
    ready = asyncio.Event()
    watch(ready.set)
    try:
        await ready.wait()
    finally:
        forget(descriptor)
