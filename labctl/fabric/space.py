"""One of the fabric's own namespaces under watch: what happens in it, and bringing it right."""

from pathlib import Path

from labctl.fabric.topology import CABLE
from labctl.net import namespaces
from labctl.net.apply import apply
from labctl.net.diff import diff
from labctl.net.monitor import Change, Monitor
from labctl.net.netlink import Netlink
from labctl.net.nouns import Link, NftTable, Noun, Sysctl
from labctl.net.observe import observe_like
from labctl.net.operations import Create, Operation
from labctl.net.settings import SettingsWatch
from labctl.net.state import NetState
from labctl.net.veth import delete_port
from labctl.net.wounds import wounds

_CABLE = ("link", CABLE)


class Space:
    """The namespace behind the path `place`, which it keeps alive until it is closed."""

    def __init__(self, name: str, place: str) -> None:
        self.name = name
        self.monitor = Monitor.at(place)
        self._netlink = Netlink.at(place)
        self._settings = SettingsWatch(self._netlink)
        self._wanted = NetState()
        self._known_settings: frozenset[Sysctl] = frozenset()

    def close(self) -> None:
        self.monitor.close()
        self._settings.close()
        self._netlink.close()

    def want(self, wanted: NetState) -> None:
        self._wanted = wanted
        self._known_settings = frozenset(noun for noun in wanted if isinstance(noun, Sysctl))

    def is_hurt(self) -> bool:
        """Whether what happened since the last call contradicts what is wanted."""
        events = self.monitor.events()
        own = [one for one in events if not isinstance(one, Change) or self._is_own(one.noun)]
        return bool(wounds(own, self._wanted))

    def settings_are_right(self) -> bool:
        return self._settings.are_right(self._known_settings)

    def lacks_cable(self) -> bool:
        """Whether its end of a cable, which is made from the other one, is gone."""
        return _CABLE in self._wanted.by_key and self._observed().get(_CABLE) is None

    def unplug(self, port: str) -> None:
        delete_port(self._netlink, port)

    def mend(self) -> tuple[Operation, ...]:
        """Observes, and mends what can be; returns what was done. Raises NetError."""
        self._settings.close()  # files of an interface that went show nothing any more
        found = diff(self._observed(), self._wanted)
        missing = {one.noun.interface for one in found if _is_for_the_other_end(one)}
        done = tuple(one for one in found if one.noun.interface not in missing)
        apply(self._netlink, done)
        return done

    def _observed(self) -> NetState:
        return observe_like(self._netlink, self._wanted).select(self._is_own)

    def _is_own(self, noun: Noun) -> bool:
        """What others put beside the fabric's own devices is theirs."""
        if noun.key in self._wanted.by_key:
            return True
        if isinstance(noun, Link | Sysctl | NftTable):
            return False
        return ("link", noun.interface) in self._wanted.by_key


def _is_for_the_other_end(operation: Operation) -> bool:
    """A cable is made from one of its ends, and needs a namespace for the other."""
    match operation:
        case Create(Link(peer=peer, kind="veth")):
            return peer is None or not namespaces.is_netns(Path(peer.netns))
    return False
