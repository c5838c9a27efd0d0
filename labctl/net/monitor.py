"""What happens in a namespace, as events: nouns that came, changed or went.

One non-blocking socket in the kernel's notification groups, for a loop's `add_reader`. The kernel
tells everybody's changes, one's own too: whoever reads compares an event with what it knows (see
`wounds`). Some things happen without a word; they are listed there as well.

A monitor can also listen beyond the veth pairs of its namespace: to what happens in the namespaces
of their other ends, with no socket or descriptor in these.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Self

from labctl.net import decode, namespaces, wire
from labctl.net.netlink import Netlink
from labctl.net.nouns import Noun, Sysctl
from labctl.net.observe import Decoder, link_messages
from labctl.net.subscription import (
    HERE,
    NETLINK_NETFILTER,
    NETLINK_ROUTE,
    Heard,
    Lost,
    Subscription,
    Watch,
)
from labctl.net.sysctl import device_sysctl

__all__ = ["Change", "Event", "LinkMonitor", "Lost", "Monitor", "RulesetMonitor"]

_RTNLGRP_LINK = 1
_GROUPS = (
    _RTNLGRP_LINK,
    3,  # RTNLGRP_NEIGH, which has the forwarding entries too
    5,  # RTNLGRP_IPV4_IFADDR
    7,  # RTNLGRP_IPV4_ROUTE
    24,  # RTNLGRP_IPV4_NETCONF
)
_NFNLGRP_NFTABLES = 7

_RTM_NEWLINK, _RTM_DELLINK = 16, 17
_RTM_NEWADDR, _RTM_DELADDR = 20, 21
_RTM_NEWROUTE, _RTM_DELROUTE = 24, 25
_RTM_NEWNEIGH, _RTM_DELNEIGH = 28, 29
_GOING = frozenset({_RTM_DELLINK, _RTM_DELADDR, _RTM_DELROUTE, _RTM_DELNEIGH})
_RTM_NEWNETCONF = 80
_NETCONF_IFINDEX = 1
_NETCONF_ALL, _NETCONF_DEFAULT = -1, -2
_NETCONF_SETTINGS = {2: "forwarding", 3: "rp_filter", 5: "proxy_arp"}
_NETCONFMSG_SIZE = 4


@dataclass(frozen=True, slots=True)
class Change:
    """`noun` is now as it says; or, if `gone`, there is no such thing any more.

    Of what is gone only the key is certain. `fresh` is the first word on a link just made. `via`
    names the link behind whose other end it happened, "" for the monitor's own namespace.
    """

    noun: Noun
    gone: bool = False
    fresh: bool = False
    via: str = ""


Event = Change | Lost


class Monitor(Subscription):
    """Links, IPv4 addresses and routes, neighbours, forwarding entries, some settings (NETCONF)."""

    def __init__(self, netlink: Netlink, beyond: Callable[[str], bool] | None = None) -> None:
        """In the caller's namespace. `netlink`, there too, is asked for names, and closed along.

        `beyond(link)` says whether to listen to the namespace of that link's other end.
        """
        super().__init__(NETLINK_ROUTE, _GROUPS, beyond=beyond is not None, slim=True)
        self._netlink = netlink
        self._beyond = beyond or (lambda _link: False)
        self._followed: dict[int, str] = {}
        self._look_around()  # after the subscription: no link falls between

    def _look_around(self) -> None:
        """The names of the links, here and beyond, by namespace; and which link leads where."""
        self._fresh: set[int] = set()
        self._ways: dict[int, str] = {}
        self._names: dict[int, dict[int, str]] = {HERE: {}}
        for body in link_messages(self._netlink):
            index, name = decode.link_index(body)
            self._names[HERE][index] = name
            self._follow_way(name, decode.link_nsid(body), gone=False)

    def follow(self, place: int, via: str) -> None:
        """Listens to a namespace (an open descriptor) as `via`, whether a veth pair leads there or not."""
        self._followed[self._netlink.nsid(place)] = via

    def forget(self, via: str) -> None:
        """Ends `follow`."""
        for ways in (self._ways, self._followed):
            for nsid in [nsid for nsid, name in ways.items() if name == via]:
                del ways[nsid]
                self._names.pop(nsid, None)

    def close(self) -> None:
        self._netlink.close()
        super().close()

    @classmethod
    def here(cls, beyond: Callable[[str], bool] | None = None) -> Self:
        """A monitor of the namespace in which the caller is."""
        return cls(Netlink.here(), beyond)

    @classmethod
    def at(cls, place: namespaces.Place) -> Self:
        """A monitor of the namespace `place`, which it keeps alive until it is closed."""
        with namespaces.inside(place):
            return cls.here()

    def events(self) -> list[Event]:
        """What happened since the last call, in order; never blocks."""
        news = list(self.heard())
        old = self._superseded(news)
        return [
            event
            for place, heard in enumerate(news)
            if place not in old
            for event in self._read(heard)
        ]

    def _superseded(self, news: list[Heard | Lost]) -> set[int]:
        """The places of words on links that were followed by newer ones, the link being as it was.

        A link that was down for a moment has lost its routes, so between up and down each word
        counts; of all else only the last. A new port is told of six times.
        """
        old: set[int] = set()
        last: dict[tuple[int, int], tuple[int, bool]] = {}
        for place, heard in enumerate(news):
            if isinstance(heard, Lost) or heard.frame.kind not in {_RTM_NEWLINK, _RTM_DELLINK}:
                continue
            index, up = decode.link_state(heard.frame.body)
            before = last.get((heard.nsid, index))
            if before and heard.frame.kind == _RTM_NEWLINK and before[1] == up:
                old.add(before[0])
            elif before is None:
                self._meet(heard, index)
            last[heard.nsid, index] = place, up
        return old

    def _meet(self, heard: Heard, index: int) -> None:
        """What is said next of a new link, and from beyond it, needs its name."""
        names, body = self._names.setdefault(heard.nsid, {}), heard.frame.body
        if index not in names:
            names[index] = decode.link_name(body)
            if heard.nsid == HERE:
                self._fresh.add(index)
                self._follow_way(names[index], decode.link_nsid(body), gone=False)

    def _read(self, heard: Heard | Lost) -> Iterator[Event]:
        if isinstance(heard, Lost):
            self._look_around()
            yield heard
        elif heard.nsid == HERE:
            yield from self._read_frame(heard.frame, HERE, "")
        else:
            via = self._followed.get(heard.nsid) or self._ways.get(heard.nsid, "")
            if via and self._beyond(via):
                yield from self._read_frame(heard.frame, heard.nsid, via)

    def _read_frame(self, frame: wire.Frame, nsid: int, via: str) -> Iterator[Change]:
        def name_of(index: int) -> str:
            return self._name_of(index, nsid)

        kind = frame.kind
        if kind in {_RTM_NEWLINK, _RTM_DELLINK}:
            yield from self._read_link(frame, nsid, via)
        elif kind in {_RTM_NEWNEIGH, _RTM_DELNEIGH}:
            read = decode.fdb_entry if decode.is_fdb(frame.body) else decode.neighbor
            yield _change(frame, read, name_of, via)
        elif kind in {_RTM_NEWADDR, _RTM_DELADDR}:
            yield _change(frame, decode.address, name_of, via)
        elif kind in {_RTM_NEWROUTE, _RTM_DELROUTE}:
            yield _change(frame, decode.route, name_of, via)
            if kind == _RTM_DELROUTE:
                lonely = decode.connected_address(frame.body, name_of)
                if lonely:
                    yield Change(lonely, gone=True, via=via)
        elif kind == _RTM_NEWNETCONF:
            yield from _settings(frame.body, name_of, via)

    def _read_link(self, frame: wire.Frame, nsid: int, via: str) -> Iterator[Change]:
        names = self._names.setdefault(nsid, {})
        index, _ = decode.link_state(frame.body)
        link, counts, leads_to = decode.link_and_nsid(
            frame.body, lambda other: self._name_of(other, nsid)
        )
        gone = frame.kind == _RTM_DELLINK
        fresh = index in self._fresh and nsid == HERE
        before = names.get(index, link.name)
        if before != link.name:
            yield Change(replace(link, name=before), gone=True, via=via)  # renamed
        if gone:
            names.pop(index, None)
        else:
            names[index] = link.name
        if nsid == HERE:
            self._fresh.discard(index)
            self._follow_way(link.name, leads_to, gone=gone)
        yield Change(link, gone or not counts, fresh and not gone, via)

    def _follow_way(self, link: str, leads_to: int | None, *, gone: bool) -> None:
        if gone:
            self.forget(link)
        elif leads_to is not None:
            self._ways[leads_to] = link

    def _name_of(self, index: int, nsid: int) -> str:
        names = self._names.get(nsid)
        if names is None or index not in names:
            if nsid == HERE:
                return f"if{index}"
            found = (decode.link_index(body) for body in link_messages(self._netlink, nsid))
            names = self._names[nsid] = dict(found)
        return names.get(index, f"if{index}")


def _change(frame: wire.Frame, read: Decoder, name_of: decode.NameOf, via: str) -> Change:
    """What is there but does not count (a neighbour no longer permanent) is as good as gone."""
    noun, counts = read(frame.body, name_of)
    return Change(noun, frame.kind in _GOING or not counts, False, via)


def _settings(body: bytes, name_of: decode.NameOf, via: str) -> Iterator[Change]:
    told = wire.attributes(body, _NETCONFMSG_SIZE)
    index = wire.i32(told[_NETCONF_IFINDEX])
    device = {_NETCONF_ALL: "all", _NETCONF_DEFAULT: "default"}.get(index)
    for kind, setting in _NETCONF_SETTINGS.items():
        if kind not in told:
            continue
        value = str(wire.i32(told[kind]))
        yield Change(device_sysctl("ipv4", device or name_of(index), setting, value), via=via)
        if (device, setting) == ("all", "forwarding"):
            yield Change(Sysctl("net.ipv4.ip_forward", value), via=via)  # under its other name


class LinkMonitor(Watch):
    """Links of the namespace in which it was made."""

    @classmethod
    def here(cls) -> Self:
        return cls(NETLINK_ROUTE, (_RTNLGRP_LINK,))


class RulesetMonitor(Watch):
    """nftables of the namespace in which it was made."""

    @classmethod
    def here(cls) -> Self:
        return cls(NETLINK_NETFILTER, (_NFNLGRP_NFTABLES,))
