"""A thread that does nothing but COMMIT, so that the event loop never waits for a disk.

The statements of a batch run in the loop's own thread, where they cost microseconds; only the
sync of the write-ahead log blocks. Running the statements here as well would make each of them
wait for the interpreter lock, up to the switch interval of 5 ms, whenever the loop is busy.
"""

import asyncio
import queue
import sqlite3
import threading


class Committer:
    """Commits the open transaction of one connection, on request, off the loop."""

    def __init__(self, connection: sqlite3.Connection, loop: asyncio.AbstractEventLoop) -> None:
        self._connection = connection
        self._loop = loop
        self._requests: queue.SimpleQueue[asyncio.Future[None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    async def commit(self) -> None:
        """Returns when the transaction is durable. Raises sqlite3.Error; it is then still open."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._requests.put(done)
        await done

    def stop(self) -> None:
        """Ends the thread; no commit may be under way."""
        self._requests.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (done := self._requests.get()) is not None:
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._loop.call_soon_threadsafe(_fail, done, error)
            else:
                self._loop.call_soon_threadsafe(_finish, done)


def _finish(done: asyncio.Future[None]) -> None:
    if not done.cancelled():
        done.set_result(None)


def _fail(done: asyncio.Future[None], error: sqlite3.Error) -> None:
    if not done.cancelled():
        done.set_exception(error)
