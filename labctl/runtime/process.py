"""The runtime as a process of the lab: one per lab and machine, parent of all that pods run."""

import asyncio
import contextlib
import logging
import resource

import setproctitle
import uvloop

from labctl import names
from labctl.runtime.engine import Engine
from labctl.runtime.machine import open_machine
from labctl.runtime.outside import serve_outside
from labctl.runtime.server import Server
from labctl.runtime.service import Service
from labctl.runtime.signals import HANDLED, reset_inherited
from labctl.runtime.syscalls import become_subreaper

log = logging.getLogger(__name__)

_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def run(lab: str) -> None:
    """Serves `lab` until SIGTERM. What it started goes on after it, and is adopted by the next.

    Its log is stderr, which the supervisor leads into the lab's log directory.
    """
    setproctitle.setproctitle(names.runtime_title(lab))
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)
    reset_inherited()
    become_subreaper()  # what crun starts loses its parent when crun has done its work
    _raise_descriptor_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(lab))


async def _serve(lab: str) -> None:
    machine = open_machine(lab)
    engine = Engine(machine)
    engine.adopt()
    server = Server(names.runtime_socket(lab), Service(engine, machine.events).serve)
    outside = asyncio.create_task(serve_outside(lab))
    log.info("serving lab %s", lab)
    await _terminated()
    outside.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await outside
    server.close()
    engine.release()
    machine.close()


async def _terminated() -> None:
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    for number in HANDLED:
        loop.add_signal_handler(number, done.set)
    await done.wait()


def _raise_descriptor_limit() -> None:
    """Two or three descriptors a pod: as many as the host allows without a privilege."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
