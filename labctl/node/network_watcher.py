"""Hears of every change in the node's namespace, and of losses in its pods', and has wounds mended.

An event is judged against what is known (`net.wounds`); the agent's own changes fit it, a wound
does not. A wound has everything observed, compared and mended, with one log line and one Event on
the Node. What no event tells (settings apart from a few) is read back from open files now and then.
With healing off nothing is mended; events then only tell when ports are gone.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable

from labctl.errors import LabError
from labctl.net.far_side import FarSide
from labctl.net.monitor import Event, Lost, Monitor, RulesetMonitor
from labctl.net.nouns import Key, Link, Sysctl
from labctl.net.operations import Operation
from labctl.net.sysctl import SysctlFiles
from labctl.net.wounds import wounds
from labctl.node.healing import report
from labctl.node.network import Network
from labctl.node.snapshot import PodPort

_GONE_SECONDS = 1.0  # a namespace that nobody else holds is gone within a tenth of it
_SETTLE_SECONDS = 0.01  # a wound comes as several events: a link with its routes
_RETRY_SECONDS = 1.0
_READ_BACK_SECONDS = 0.5

_log = logging.getLogger(__name__)


class NetworkWatcher:
    """Watches the namespace in which the caller is, in the running loop.

    `told` is given the sentence on each wound that was mended, `strangers` the name of each link
    that went and was not of a port that is leaving; "" when events were lost.
    """

    def __init__(self, network: Network, told: Callable[[str], None]) -> None:
        self.healing = True
        self.strangers: Callable[[str], None] = lambda _link: None
        self._network = network
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._leaving: dict[str, asyncio.Event] = {}
        self._monitor = Monitor.here()
        self._rulesets = RulesetMonitor.here()
        self._settings: SysctlFiles | None = None
        self._settings_read: frozenset[Sysctl] = frozenset()
        self._settings_right: list[bytes] | None = None  # what the files held when all was right
        self._timer: asyncio.TimerHandle | None = None
        self._far_side = FarSide.here()
        self._pods_hurt = False
        self._loop.add_reader(self._monitor.fileno(), self._changed)
        self._loop.add_reader(self._far_side.fileno(), self._pods_changed)
        self._loop.add_reader(self._rulesets.fileno(), self._rules_changed)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for monitor in (self._monitor, self._rulesets, self._far_side):
            self._loop.remove_reader(monitor.fileno())
            monitor.close()
        self._close_settings()

    @contextlib.asynccontextmanager
    async def departure(self, port: PodPort) -> AsyncIterator[None]:
        """Takes a port off the network, lets the body end its namespace, and waits until the
        kernel says that the port is gone.

        One that stays, since somebody else holds its namespace, is deleted. Raises NetError.
        """
        gone = self._leaving[port.link] = asyncio.Event()
        try:
            if not self._network.detach(port):
                gone.set()
            yield
            async with asyncio.timeout(_GONE_SECONDS):
                await gone.wait()
        except TimeoutError:
            _log.info("port %s is held by somebody: deleting it", port.link)
            self._network.delete_port(port)
        finally:
            del self._leaving[port.link]

    async def run(self) -> None:
        """Looks at the settings of which no event tells, until cancelled."""
        while True:
            await asyncio.sleep(_READ_BACK_SECONDS)
            if self.healing and not self._settings_are_right():
                self._heal_soon()

    def _changed(self) -> None:
        events = [one for one in self._monitor.events() if not self._is_of_leaving(one)]
        for one in events:
            self._tell_of_stranger(one)
        if wounds(events, self._network.known_of(_keys(events))):
            self._heal_soon()

    def _is_of_leaving(self, event: Event) -> bool:
        """Notes ports that went, and passes over what else their end brings about."""
        if isinstance(event, Lost):
            self._look_for_leaving()
            return False
        link = event.noun.interface
        if link not in self._leaving:
            return False
        if event.gone and event.noun.key == ("link", link):
            self._leaving[link].set()
        return True

    def _tell_of_stranger(self, event: Event) -> None:
        if isinstance(event, Lost):
            self.strangers("")
        elif event.gone and isinstance(event.noun, Link):
            self.strangers(event.noun.name)

    def _look_for_leaving(self) -> None:
        for link, gone in self._leaving.items():
            if not self._network.has_link(link):
                gone.set()

    def _rules_changed(self) -> None:
        """Tables are few and their digests cheap, so they are simply looked at."""
        if self._rulesets.changed() and not self._network.tables_are_right():
            self._heal_soon()

    def _pods_changed(self) -> None:
        """What a pod does to itself is nobody's wound; so all are looked at, and few are mended."""
        if self._far_side.lost():
            self._pods_hurt = True
            self._heal_soon()

    def _settings_are_right(self) -> bool:
        """Twice a second for ever, so what was right and has not changed is not taken apart."""
        wanted = self._network.known_settings()
        if self._settings is None or self._settings_read != wanted:
            self._close_settings()
            names = [noun.name for noun in wanted]
            self._settings, self._settings_read = self._network.open_settings(names), wanted
        found = self._settings.raw()
        if found != self._settings_right:
            if wanted != set(self._settings.parse(found)):
                return False
            self._settings_right = found
        return True

    def _close_settings(self) -> None:
        self._settings_right = None
        if self._settings is not None:
            self._settings.close()
            self._settings = None

    def _heal_soon(self, seconds: float = _SETTLE_SECONDS) -> None:
        if self.healing and self._timer is None:
            self._timer = self._loop.call_later(seconds, self._heal)

    def _heal(self) -> None:
        self._timer = None
        if not self.healing or not self._network.ready:
            return
        self._close_settings()  # files of an interface that went show nothing any more
        try:
            done = self._network.heal()
            if self._pods_hurt:
                self._pods_hurt = False
                done += self._network.heal_pods()
        except LabError as error:
            _log.warning("healing: %s", error.message)
            self._heal_soon(_RETRY_SECONDS)
        else:
            self._tell(done)

    def _tell(self, done: tuple[Operation, ...]) -> None:
        if done:
            sentence = report(done)
            _log.warning("healed: %s", sentence)
            self._told(sentence)


def _keys(events: Iterable[Event]) -> set[Key]:
    return {event.noun.key for event in events if not isinstance(event, Lost)}
