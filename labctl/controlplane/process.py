"""The control plane's process, from its first line to SIGTERM.

First of all its sockets listen: agents that come early wait in their queues, which costs nothing,
instead of being refused and coming again. Then it imports what it is made of (`serving`), beside
the other processes of the lab. SIGTERM takes it down in reverse. A failure of any part ends the
process with a traceback in the log; the supervisor starts it again.
"""

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path

import uvloop
from setproctitle import setproctitle

from labctl import names
from labctl.controlplane.sockets import Doors
from labctl.descriptors import make_room

_DESCRIPTORS = 1024  # three connections of each of a hundred nodes, and as many watchers

_log = logging.getLogger(__name__)


def run(lab: str) -> None:
    """Serves the lab until SIGTERM or SIGINT. For a process of its own: it takes signals and log."""
    setproctitle(names.control_plane_title(lab))
    _log_to(names.log_dir(lab) / "control-plane.log")
    make_room(_DESCRIPTORS)
    try:
        doors = Doors.of(lab)
        serve = _load()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_told(serve(lab, doors)))
    except BaseException:
        _log.exception("the control plane ends")
        raise


def _load() -> Callable[[str, Doors], Coroutine[None, None, None]]:
    """Imports the rest, which never becomes garbage, so that the collector need not look at it."""
    gc.disable()
    from labctl.controlplane.serving import serve

    gc.freeze()
    gc.set_threshold(10_000)  # objects, not 700: an answer takes many, and has few cycles
    gc.enable()
    return serve


async def _until_told(work: Coroutine[None, None, None]) -> None:
    serving = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving


def _log_to(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    logging.basicConfig(
        filename=path,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
