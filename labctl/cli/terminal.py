"""The user's terminal while a command runs elsewhere: raw mode, input, and its size."""

import asyncio
import contextlib
import os
import signal
import sys
import termios
import threading
import tty
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import BinaryIO

_CHUNK = 1 << 16


@contextlib.contextmanager
def raw_mode(wanted: bool) -> Iterator[None]:
    """Keys go through one by one and unechoed; the terminal's own settings come back after."""
    if not wanted:
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor, termios.TCSADRAIN)  # what was typed ahead stays
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def writer(stream: BinaryIO) -> Callable[[bytes], None]:
    """What comes is seen at once."""

    def write(data: bytes) -> None:
        stream.write(data)
        stream.flush()

    return write


async def input_chunks() -> AsyncGenerator[bytes, None]:
    """Standard input as it comes, until its end.

    Read by a thread that dies with the process: a file cannot be polled, and a read from a
    terminal cannot be called off.
    """
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue()
    descriptor = sys.stdin.fileno()

    def read() -> None:
        data = b"-"
        while data:
            data = os.read(descriptor, _CHUNK)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(chunks.put_nowait, data)

    threading.Thread(target=read, daemon=True).start()
    while data := await chunks.get():
        yield data


async def no_input() -> AsyncGenerator[bytes, None]:
    """An input that is at its end."""
    return
    yield b""  # makes it a generator


async def sizes() -> AsyncGenerator[tuple[int, int], None]:
    """(columns, rows) now and whenever the window changes."""
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()
    loop.add_signal_handler(signal.SIGWINCH, changed.set)
    try:
        while True:
            size = os.get_terminal_size(sys.stdout.fileno())
            yield size.columns, size.lines
            await changed.wait()
            changed.clear()
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)
