"""Real echoes in a namespace: answered by loopback, and lost."""

from dataclasses import replace
from pathlib import Path

import pytest

from labctl.errors import BadInput, LabError
from labctl.lab.ping import Reply, ping
from labctl.lab.places import Place
from labctl.net.apply import apply
from labctl.net.netlink import Netlink
from labctl.net.nouns import LOOPBACK
from labctl.net.operations import Replace


def place(netns: Path) -> Place:
    return Place("Pod", "one", "127.0.0.1", "default", "node1", netns.name)


@pytest.fixture
def here(netns: Path) -> Place:
    """A place that can reach itself."""
    with Netlink.at(netns) as netlink:
        apply(netlink, [Replace(LOOPBACK, replace(LOOPBACK, up=False))])
    return place(netns)


def test_every_request_is_answered(here: Place) -> None:
    told: list[Reply] = []
    outcome = ping(here, here, count=3, interval=0.01, told=told.append)
    assert [reply.sequence for reply in told] == [1, 2, 3]
    assert all(reply.ttl == 64 and reply.size == 64 for reply in told)
    assert outcome.summary().startswith("3 packets transmitted, 3 received, 0% packet loss\nrtt ")
    report = outcome.report("lab")
    assert (report["kind"], report["passed"], report["received"]) == ("PingReport", True, 3)


def test_a_lost_request_counts(here: Place) -> None:
    nowhere = Place("Address", "192.0.2.1", "192.0.2.1")
    outcome = ping(here, nowhere, count=2, interval=0.01, patience=0.1)
    assert outcome.lost == 2
    assert [reply.error for reply in outcome.replies] == ["Network is unreachable"] * 2
    assert outcome.report("lab")["lossPercent"] == 100.0


def test_a_ping_starts_in_a_namespace() -> None:
    address = Place("Address", "192.0.2.1", "192.0.2.1")
    with pytest.raises(BadInput, match="cannot ping from"):
        ping(address, address)
    gone = Place("Pod", "gone", "10.0.0.1", netns="labctl-test-none")
    with pytest.raises(LabError, match="has no network namespace"):
        ping(gone, address)
