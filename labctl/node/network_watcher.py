"""Hears of every change in the node's namespace and in its pods', and has wounds mended.

An event is judged against what is known (`net.wounds`); the agent's own changes fit it, a wound
does not. A wound has what was hurt observed, compared and mended, the node or one pod's own side,
with one log line and one Event. What no event tells (settings apart from a few) is read back from
open files now and then. With healing off nothing is mended; events then only tell when ports are
gone.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from labctl.errors import LabError
from labctl.net.findings import report
from labctl.net.monitor import Change, Event, Lost, Monitor, RulesetMonitor
from labctl.net.nouns import Key, Link
from labctl.net.settings import SettingsWatch
from labctl.net.wounds import wounds
from labctl.node.healing import Mended, patient
from labctl.node.network import Network
from labctl.node.snapshot import PodPort

_GONE_SECONDS = 1.0  # a namespace that nobody else holds is gone within a tenth of it
_SETTLE_SECONDS = 0.01  # a wound comes as several events: a link with its routes
_PAUSE_SECONDS = 0.1  # between two looks: whoever wounds without end shall not keep us busy
_RETRY_SECONDS = 0.25
_READ_BACK_SECONDS = 0.5

_log = logging.getLogger(__name__)

Told = Callable[[str, PodPort | None], None]


class NetworkWatcher:
    """Watches the namespace in which the caller is, in the running loop.

    `told` is given the sentence on each wound that was mended, and the port of the pod if it was
    one's alone; `strangers` the name of each link that went and was not of a port that is leaving,
    "" when events were lost.
    """

    def __init__(self, network: Network, told: Told) -> None:
        self.strangers: Callable[[str], None] = lambda _link: None
        self._healing = True
        self._network = network
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._leaving: dict[str, asyncio.Event] = {}
        self._followers: dict[str, Callable[[list[Event]], None]] = {}
        self._monitor = Monitor.here(
            beyond=lambda via: via in self._followers or network.sides.port(via) is not None
        )
        self._rulesets = RulesetMonitor.here()
        self._settings = SettingsWatch(network.netlink)
        self._hurt = False
        self._hurt_pods: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rested = 0.0
        self._loop.add_reader(self._monitor.fileno(), self._changed)
        self._loop.add_reader(self._rulesets.fileno(), self._rules_changed)

    @property
    def healing(self) -> bool:
        return self._healing

    @healing.setter
    def healing(self, on: bool) -> None:
        """Whoever turns it on has what was hurt meanwhile mended."""
        if on and not self._healing:
            self._everything_hurt()
        self._healing = on
        self._heal_soon()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for monitor in (self._monitor, self._rulesets):
            self._loop.remove_reader(monitor.fileno())
            monitor.close()
        self._settings.close()

    def follow(self, place: int, via: str, heard: Callable[[list[Event]], None]) -> None:
        """Listens to a namespace (an open descriptor) which is not for this watcher to heal.

        `heard` is given what happens in it while healing is on.
        """
        self._monitor.follow(place, via)
        self._followers[via] = heard

    def unfollow(self, via: str) -> None:
        if self._followers.pop(via, None) is not None:
            self._monitor.forget(via)

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
            if self.healing and not self._settings.are_right(self._network.known_settings()):
                self._hurt = True
                self._heal_soon()

    def _changed(self) -> None:
        here: list[Event] = []
        beyond: dict[str, list[Event]] = {}
        for event in self._monitor.events():
            if isinstance(event, Change) and event.via:
                beyond.setdefault(event.via, []).append(event)
            elif not self._is_of_leaving(event):
                here.append(event)
                self._tell_of_stranger(event)
        if Lost() in here:
            self._everything_hurt()
        if here and wounds(here, self._network.known_of(_keys(here))):
            self._hurt = True
        for via, told in beyond.items():
            self._hear_beyond(via, told)
        self._heal_soon()

    def _hear_beyond(self, via: str, told: list[Event]) -> None:
        if via in self._followers:
            if self._healing:
                self._followers[via](told)
        elif self._network.sides.hurt(via, told):
            self._hurt_pods.add(via)

    def _everything_hurt(self) -> None:
        self._hurt = True
        self._hurt_pods |= set(self._network.sides.links)
        for heard in self._followers.values():
            heard([Lost()])

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
            self._hurt = True
            self._heal_soon()

    def _heal_soon(self, seconds: float = _SETTLE_SECONDS) -> None:
        """News bring a look forward that waits to be tried again, but none comes at once."""
        if not self._healing or not (self._hurt or self._hurt_pods):
            return
        due = max(self._loop.time() + seconds, self._rested)
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._heal)

    def _heal(self) -> None:
        self._timer = None
        if not self._healing or not self._network.ready:
            return
        self._settings.close()
        self._rested = self._loop.time() + _PAUSE_SECONDS
        try:
            self._mend()
        except LabError as error:
            _log.warning("healing: %s", error.message)
            self._heal_soon(_RETRY_SECONDS)

    def _mend(self) -> None:
        """The node first: what it mends of a port goes for the pod's side as well."""
        done: list[Mended] = []
        try:
            if self._hurt:
                done += self._network.heal()
                self._hurt = False
            for link in tuple(self._hurt_pods):
                mended = self._mend_pod(link)
                if done:  # one wound, told once
                    done += mended
                else:
                    self._tell(mended)
        finally:
            self._tell(done)

    def _mend_pod(self, link: str) -> tuple[Mended, ...]:
        """One whose namespace is gone has nothing to mend; another failure is tried again."""
        port = self._network.sides.port(link)
        done: tuple[Mended, ...] = ()
        if port is not None and self._network.sides.is_there(port):
            done = self._network.heal_pod(port)
        self._hurt_pods.discard(link)
        return done

    def _tell(self, done: Sequence[Mended]) -> None:
        if done:
            sentence = report([one.finding for one in done])
            _log.warning("healed: %s", sentence)
            self._told(sentence, patient(done))


def _keys(events: Iterable[Event]) -> set[Key]:
    return {event.noun.key for event in events if isinstance(event, Change)}
