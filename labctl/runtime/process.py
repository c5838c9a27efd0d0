"""The runtime as a process of the lab: one per lab and machine, parent of all that pods run."""

import asyncio
import logging
import resource
from collections.abc import Callable, Coroutine, Iterable

import setproctitle
import uvloop

from labctl import names
from labctl.runtime.engine import Engine
from labctl.runtime.machine import open_machine
from labctl.runtime.outside import serve_outside
from labctl.runtime.pin_keeper import PinKeeper
from labctl.runtime.server import Server
from labctl.runtime.service import Service
from labctl.runtime.signals import HANDLED, reset_inherited
from labctl.runtime.syscalls import become_subreaper

log = logging.getLogger(__name__)

Work = Callable[[], Coroutine[None, None, None]]

_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def run(lab: str, heals: Callable[[], bool] = lambda: True, beside: Iterable[Work] = ()) -> None:
    """Serves `lab` until SIGTERM. What it started goes on after it, and is adopted by the next.

    `heals()` says whether a sandbox's name in /run/netns that went is put back; `beside` is work
    for the lab on this machine that needs a process and is none of the runtime's business.
    Its log is stderr, which the supervisor leads into the lab's log directory.
    """
    setproctitle.setproctitle(names.runtime_title(lab))
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)
    reset_inherited()
    become_subreaper()  # what crun starts loses its parent when crun has done its work
    _raise_descriptor_limit()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(lab, heals, beside))


async def _serve(lab: str, heals: Callable[[], bool], beside: Iterable[Work]) -> None:
    machine = open_machine(lab)
    engine = Engine(machine)
    engine.adopt()
    server = Server(names.runtime_socket(lab), Service(engine, machine.events).serve)
    keeper = PinKeeper(machine, engine.pods, heals)
    works = [asyncio.create_task(work) for work in (serve_outside(lab), *(one() for one in beside))]
    log.info("serving lab %s", lab)
    await _terminated()
    for work in works:
        work.cancel()
    await asyncio.gather(*works, return_exceptions=True)
    keeper.close()
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
