"""What happens in a namespace, as events: nouns that came, changed or went.

One non-blocking socket in the kernel's notification groups, for a loop's `add_reader`. The kernel
tells everybody's changes, one's own too: whoever reads compares an event with what it knows (see
`wounds`). Some things happen without a word; they are listed there as well.
"""

import errno
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from labctl.net import decode, namespaces, nfnetlink, wire
from labctl.net.netlink import Netlink
from labctl.net.nouns import Noun, Sysctl
from labctl.net.observe import Decoder, link_messages
from labctl.net.sysctl import device_sysctl

_SOL_NETLINK = 270
_ADD_MEMBERSHIP = 1
_SO_RCVBUFFORCE = 33
_QUEUE = 8 << 20  # bytes of events that may wait: a burst of a hundred pods makes a tenth of it
_BUFFER = 1 << 16

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
_RTM_NEWNETCONF = 80
_NETCONF_IFINDEX = 1
_NETCONF_ALL, _NETCONF_DEFAULT = -1, -2
_NETCONF_SETTINGS = {2: "forwarding", 3: "rp_filter", 5: "proxy_arp"}
_NETCONFMSG_SIZE = 4


@dataclass(frozen=True, slots=True)
class Change:
    """`noun` is now as it says; or, if `gone`, there is no such thing any more.

    Of what is gone only the key is certain. `fresh` is the first word on a link just made.
    """

    noun: Noun
    gone: bool = False
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """Events were lost (ENOBUFS): everything has to be observed."""


Event = Change | Lost


class Subscription:
    """A non-blocking netlink socket in notification groups; a context manager."""

    def __init__(self, sock: socket.socket, groups: tuple[int, ...]) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _QUEUE)
        sock.bind((0, 0))
        for group in groups:
            sock.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
        self._socket = sock

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def frames(self) -> Iterator[wire.Frame | Lost]:
        """All messages that wait; `Lost` where the kernel had to drop some."""
        while True:
            try:
                data = self._socket.recv(_BUFFER)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                yield Lost()
            else:
                yield from wire.frames(data)


class Monitor(Subscription):
    """Links, IPv4 addresses and routes, neighbours, forwarding entries, some settings (NETCONF)."""

    def __init__(self, sock: socket.socket, netlink: Netlink) -> None:
        """`netlink`, in the namespace of `sock`, is asked for the links' names, and closed along."""
        super().__init__(sock, _GROUPS)
        self._netlink = netlink
        self._names = self._look_up_names()  # after the subscription: no link falls between

    def _look_up_names(self) -> dict[int, str]:
        return dict(decode.link_index(body) for body in link_messages(self._netlink))

    def close(self) -> None:
        self._netlink.close()
        super().close()

    @classmethod
    def here(cls) -> Self:
        """A monitor of the namespace in which the caller is."""
        return cls(event_socket(socket.NETLINK_ROUTE), Netlink.here())

    @classmethod
    def at(cls, place: namespaces.Place) -> Self:
        """A monitor of the namespace `place`, which it keeps alive until it is closed."""
        with namespaces.inside(place):
            return cls.here()

    def events(self) -> list[Event]:
        """What happened since the last call, in order; never blocks."""
        return [event for frame in self.frames() for event in self._read(frame)]

    def _read(self, frame: wire.Frame | Lost) -> Iterator[Event]:
        if isinstance(frame, Lost):
            self._names = self._look_up_names()
            yield frame
        elif frame.kind in {_RTM_NEWLINK, _RTM_DELLINK}:
            yield from self._read_link(frame)
        elif frame.kind in {_RTM_NEWNEIGH, _RTM_DELNEIGH}:
            read = decode.fdb_entry if decode.is_fdb(frame.body) else decode.neighbor
            yield from self._read_noun(frame, read, _RTM_DELNEIGH)
        elif frame.kind in {_RTM_NEWADDR, _RTM_DELADDR}:
            yield from self._read_noun(frame, decode.address, _RTM_DELADDR)
        elif frame.kind in {_RTM_NEWROUTE, _RTM_DELROUTE}:
            yield from self._read_noun(frame, decode.route, _RTM_DELROUTE)
            lonely = decode.connected_address(frame.body, self._name_of)
            if lonely and frame.kind == _RTM_DELROUTE:
                yield Change(lonely, gone=True)
        elif frame.kind == _RTM_NEWNETCONF:
            yield from self._read_settings(frame.body)

    def _read_link(self, frame: wire.Frame) -> Iterator[Change]:
        if decode.is_bridge_message(frame.body):
            return
        index, name = decode.link_index(frame.body)
        gone = frame.kind == _RTM_DELLINK
        fresh = index not in self._names
        before = self._names.get(index, name)
        link, counts = decode.link(frame.body, self._name_of)
        if before != name:
            yield Change(replace(link, name=before), gone=True)  # renamed
        if gone:
            self._names.pop(index, None)
        else:
            self._names[index] = name
        yield Change(link, gone=gone or not counts, fresh=fresh and not gone)

    def _read_noun(self, frame: wire.Frame, read: Decoder, gone: int) -> Iterator[Change]:
        """What is there but does not count (a neighbour no longer permanent) is as good as gone."""
        noun, counts = read(frame.body, self._name_of)
        yield Change(noun, gone=frame.kind == gone or not counts)

    def _read_settings(self, body: bytes) -> Iterator[Change]:
        told = wire.attributes(body, _NETCONFMSG_SIZE)
        index = wire.i32(told[_NETCONF_IFINDEX])
        device = {_NETCONF_ALL: "all", _NETCONF_DEFAULT: "default"}.get(index)
        for kind, setting in _NETCONF_SETTINGS.items():
            if kind not in told:
                continue
            value = str(wire.i32(told[kind]))
            yield Change(device_sysctl("ipv4", device or self._name_of(index), setting, value))
            if (device, setting) == ("all", "forwarding"):
                yield Change(Sysctl("net.ipv4.ip_forward", value))  # the same under another name

    def _name_of(self, index: int) -> str:
        return self._names.get(index, f"if{index}")


class Watch(Subscription):
    """Tells that something of a kind changed, not what."""

    def changed(self) -> bool:
        """Whether there was a change since the last call; never blocks."""
        return bool(list(self.frames()))


class LinkMonitor(Watch):
    """Links of the namespace in which it was made."""

    @classmethod
    def here(cls) -> Self:
        return cls(event_socket(socket.NETLINK_ROUTE), (_RTNLGRP_LINK,))


class RulesetMonitor(Watch):
    """nftables of the namespace in which it was made."""

    @classmethod
    def here(cls) -> Self:
        return cls(event_socket(nfnetlink.NETLINK_NETFILTER), (_NFNLGRP_NFTABLES,))


def event_socket(protocol: int) -> socket.socket:
    """A netlink socket of the namespace in which the caller is."""
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
