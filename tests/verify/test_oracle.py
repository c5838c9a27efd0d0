"""What the network model promises, spelled out pair by pair."""

from dataclasses import replace

import pytest

from labctl.verify.oracle import ANY_TTL, Expectation, Header, expect, hops
from labctl.verify.plan import Check
from labctl.verify.topology import Endpoint
from tests.verify.values import NODE1, NODE2, OUTSIDE, A, B, C, topology


@pytest.mark.parametrize(
    ("source", "destination", "path", "ttl"),
    [
        (A, B, "same-node", 64),
        (B, A, "same-node", 64),
        (A, C, "cross-node", 62),
        (C, A, "cross-node", 62),
        (A, NODE1, "same-node", 64),
        (NODE1, A, "same-node", 64),
        (A, NODE2, "cross-node", 63),
        (NODE2, A, "cross-node", 63),
        (A, OUTSIDE, "egress", 62),
    ],
    ids=lambda value: value.label if isinstance(value, Endpoint) else str(value),
)
def test_path_and_ttl_follow_from_who_forwards(
    source: Endpoint, destination: Endpoint, path: str, ttl: int
) -> None:
    expected = expect(Check("any", "icmp", source, destination), topology())
    assert expected.path == path
    assert (expected.leaves.ttl, expected.answers.ttl) == (64, 64)
    assert (expected.arrives.ttl, expected.returns.ttl) == (ttl, ttl)
    assert hops(source, destination) == hops(destination, source) == 64 - ttl


def test_of_a_plugins_network_hops_are_not_expected() -> None:
    expected = expect(Check("any", "icmp", A, B), replace(topology(), counts_hops=False))
    assert (expected.leaves.ttl, expected.answers.ttl) == (64, 64)
    assert (expected.arrives.ttl, expected.returns.ttl) == (ANY_TTL, ANY_TTL)


def test_between_pods_and_nodes_nothing_is_translated() -> None:
    for source, destination in [(A, B), (A, C), (A, NODE1), (A, NODE2), (NODE2, A), (NODE1, A)]:
        expected = expect(Check("any", "udp", source, destination), topology())
        there, back = (source.ip, destination.ip), (destination.ip, source.ip)
        assert expected.leaves[:2] == expected.arrives[:2] == there
        assert expected.answers[:2] == expected.returns[:2] == back


def test_outside_sees_the_node_and_the_pod_sees_outside() -> None:
    assert expect(Check("egress", "tcp", C, OUTSIDE), topology()) == Expectation(
        path="egress",
        leaves=Header("10.244.2.2", "203.0.113.10", 64),
        arrives=Header("172.30.1.2", "203.0.113.10", 62),
        answers=Header("203.0.113.10", "172.30.1.2", 64),
        returns=Header("203.0.113.10", "10.244.2.2", 62),
    )
