"""Pipes and terminals as asynchronous streams of bytes."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable

_CHUNK = 1 << 16


async def read_chunks(descriptor: int) -> AsyncIterator[bytes]:
    """What can be read from a non-blocking descriptor, until its other end is closed."""
    while True:
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            await readable(descriptor)
            continue
        except OSError as error:
            if error.errno != errno.EIO:  # how a terminal says that nobody has it open any more
                raise
            return
        if not data:
            return
        yield data


async def write_all(descriptor: int, data: bytes) -> None:
    """Writes all of it to a non-blocking descriptor; raises BrokenPipeError if nobody reads."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
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
