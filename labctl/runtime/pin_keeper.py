"""Puts back the names of sandboxes in /run/netns that somebody took away, or gave to something else.

A name that is no sandbox's here is not touched.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from labctl import names
from labctl.cri.messages import ContainerEvent
from labctl.errors import NetError
from labctl.net.findings import report
from labctl.net.inotify import DirectoryWatch
from labctl.runtime.machine import Machine
from labctl.runtime.pod import Pod

_RETRY_SECONDS = 0.25
_PATIENCE_SECONDS = 1.0  # between two looks at whether what is hurt may be mended by now

_log = logging.getLogger(__name__)


class PinKeeper:
    """Follows /run/netns in the running loop. `pods` are those there are; `heals` is asked each time.

    Each pin that was put back is one line in the log, and one event for the node's agent. Where the
    machine has no inotify left, pins that somebody removes stay away.
    """

    def __init__(
        self, machine: Machine, pods: Callable[[], Iterable[Pod]], heals: Callable[[], bool]
    ) -> None:
        self._machine = machine
        self._pods = pods
        self._heals = heals
        self._retry: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._watch: DirectoryWatch | None = None
        try:
            self._watch = DirectoryWatch(names.NETNS_DIR)
        except OSError as error:
            _log.warning("pins in %s are not watched: %s", names.NETNS_DIR, error.strerror)
        else:
            self._loop.add_reader(self._watch.fileno(), self._changed, self._watch)
        self._look(None)  # what went while nobody watched

    def close(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
        if self._watch is not None:
            self._loop.remove_reader(self._watch.fileno())
            self._watch.close()

    def _changed(self, watch: DirectoryWatch) -> None:
        self._look(watch.changed())

    def _look(self, changed: set[str] | None) -> None:
        hurt = self._machine.pins.hurt(changed)
        if hurt and not self._heals():
            self._look_again(_PATIENCE_SECONDS)
            return
        for name in hurt:
            self._mend(name)

    def _look_again(self, seconds: float) -> None:
        if self._retry is not None:
            self._retry.cancel()
        self._retry = self._loop.call_later(seconds, self._look, None)

    def _mend(self, name: str) -> None:
        try:
            sentence = report([self._machine.pins.mend(name)])
        except (OSError, NetError) as error:
            _log.warning("pin %s: %s", name, error)
            self._look_again(_RETRY_SECONDS)
            return
        _log.warning("healed: %s", sentence)
        for pod in self._pods():
            if pod.sandbox.pin.name == name:
                event = ContainerEvent("pin-mended", pod.node, pod.id, message=sentence)
                self._machine.events.publish(event)
