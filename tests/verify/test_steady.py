"""A verdict on a lab that moves: as values, with looks that are told beforehand."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from labctl.api.objects import Obj
from labctl.errors import NoSuchLab
from labctl.verify import Endpoint, Kind, Topology, steady
from labctl.verify.topology import fabric_endpoint

POD = Endpoint(Kind.POD, "web", "10.244.1.2", Path("/run/netns/web"), "default", "node1", "1")
LAB = Topology("lab", "host-gw", 1500, "10.244.0.0/16", (POD,), (), None, fabric_endpoint("lab"))


def at(*addresses: str) -> Callable[[], Topology]:
    """Looks that find the pod at one address after the other, and then no API."""
    left = iter(addresses)

    def look() -> Topology:
        for address in left:
            return replace(LAB, pods=(replace(POD, ip=address),))
        raise NoSuchLab("no lab of that name is up")

    return look


def passing(*sound: str) -> Callable[[Topology], Obj]:
    """Passes a pod at one of these addresses."""
    return lambda seen: {"passed": seen.pods[0].ip in sound, "ip": seen.pods[0].ip}


@pytest.mark.parametrize(
    ("seen", "sound", "judged"),
    [
        ("a", "a", "a"),  # nobody looks again
        ("aa", "b", "a"),
        ("ab", "b", "b"),
        ("abb", "", "b"),
        ("abcdef", "", "c"),  # a lab that never holds still
        ("a", "b", "a"),  # nobody answers any more
        ("ab", "c", "b"),
    ],
)
def test_what_failed_is_judged_again_where_the_lab_has_changed(
    seen: str, sound: str, judged: str
) -> None:
    assert steady(at(*seen), passing(*sound)) == {"passed": judged in sound, "ip": judged}


def test_a_lab_that_cannot_be_seen_has_no_verdict() -> None:
    with pytest.raises(NoSuchLab, match="is up"):
        steady(at(), passing())
