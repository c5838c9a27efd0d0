"""A namespace goes although connections of dead processes could not be ended in it."""

import socket

from labctl.net import namespaces
from labctl.net.apply import apply
from labctl.net.diff import diff
from labctl.net.netlink import Netlink
from labctl.net.nouns import LOOPBACK
from labctl.net.observe import observe_like
from labctl.net.orphans import end_orphans
from labctl.net.state import NetState
from labctl.net.veth import set_port
from tests.handles import handle, lives
from tests.net.conftest import MakeNetns
from tests.waiting import until


def test_what_was_not_delivered_is_given_up(make_netns: MakeNetns) -> None:
    netns = make_netns()
    here = handle(netns)
    with Netlink.at(netns) as netlink:
        alive = NetState([LOOPBACK])
        apply(netlink, diff(observe_like(netlink, alive), alive))
        with namespaces.inside(netns):
            server = socket.create_server(("127.0.0.1", 7000))
            kept, orphan = (socket.create_connection(("127.0.0.1", 7000)) for _ in range(2))
        set_port(netlink, "lo", up=False)
        orphan.sendall(b"lost")
        orphan.close()
        end_orphans(netlink)
        kept.sendall(b"somebody has it open still")
        kept.close()
        server.close()
        end_orphans(netlink)
    namespaces.delete_netns(netns.name)
    until(lambda: not lives(here))


def test_there_may_be_none(make_netns: MakeNetns) -> None:
    with Netlink.at(make_netns()) as netlink:
        end_orphans(netlink)
