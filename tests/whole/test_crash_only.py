"""Promise: whoever dies, at whatever moment, what runs goes on and what was acknowledged is kept.

A ping flood and a TCP connection between pods of two nodes, and a writer at the API, go on while
processes of the lab are killed. Nothing is lost, no pod, sandbox or container is another one after.
"""

import os
import random
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from labctl.api.objects import Obj
from labctl.lab import processes
from tests.command import Labctl
from tests.conftest import MakeLab
from tests.labs import POD_ON_EVERY_NODE
from tests.waiting import until
from tests.whole.witnesses import flooding, place, said, talkers, writing

_SEED = 20240601
_ROUNDS = 4
_OTHERS = ("control-plane", "runtime", "agent-node1", "agent-node2")
_ALL = ("supervisor", *_OTHERS)
_WRITES = 20  # acknowledged before and after each blow


@pytest.fixture(scope="module")
def labctl(make_lab: MakeLab) -> Labctl:
    one = make_lab("--nodes", "2")
    one.ok("apply", "-f", "-", stdin=POD_ON_EVERY_NODE)
    one.ok("wait", "--for=jsonpath=.status.numberReady=2", "daemonset/web")
    talkers(one, "node1", "node2")
    until(lambda: said(one)[0] > 0)
    return one


def objects(labctl: Labctl, kind: str, *words: str) -> list[Obj]:
    items: list[Obj] = labctl("get", kind, *words, "-o", "json").json["items"]
    return items


def life(labctl: Labctl) -> list[Any]:
    """All by which one can tell what runs from what would run in its place."""
    listed = labctl("ps", "-o", "json").json["items"]
    told = [
        (one["metadata"]["uid"], one["status"]["podIP"], one["status"]["containerStatuses"])
        for one in objects(labctl, "pods")
    ]
    return [listed, told]


def running(labctl: Labctl) -> dict[str, int]:
    recorded = processes.read_record(labctl.lab).processes
    return {one.name: one.pid for one in recorded if processes.is_alive(one)}


def blows() -> list[tuple[str, ...]]:
    """One, all, and several at a time by a seed."""
    dice = random.Random(_SEED)
    several = [tuple(dice.sample(_ALL, dice.randint(2, 4))) for _ in range(_ROUNDS)]
    return [*((one,) for one in _ALL), _ALL, *several]


@pytest.mark.parametrize("victims", blows(), ids=" ".join)
def test_whoever_is_killed_nothing_is_lost_or_started_anew(
    labctl: Labctl, victims: tuple[str, ...], record_property: Callable[[str, object], None]
) -> None:
    before, words = life(labctl), said(labctl)[0]
    ends = [place(one, labctl.lab) for one in objects(labctl, "pods", "-l", "app=web")]
    with (
        flooding(*ends) as flood,
        writing(labctl.lab, f"w{time.monotonic_ns()}") as writes,
    ):
        until(lambda: len(writes.acknowledged) > _WRITES)
        pids = running(labctl)
        struck = time.monotonic()
        for victim in victims:
            os.kill(pids[victim], signal.SIGKILL)
        if "supervisor" in victims:
            labctl.ok("up")
        until(lambda: back(labctl, pids, victims), seconds=20)
        record_property("seconds until all run again", time.monotonic() - struck)
        already = len(writes.acknowledged)
        until(lambda: len(writes.acknowledged) > already + _WRITES)
        record_property("seconds until a write again", time.monotonic() - struck)
        until(lambda: labctl("status", "-o", "jsonpath={.healthy}").out == "true", seconds=20)
        until(lambda: said(labctl)[0] > words + 100)
    record_property("pings", flood.sent)
    record_property("longest wait of TCP", said(labctl)[1])
    assert flood.sent > 100
    assert flood.lost == 0
    assert life(labctl) == before
    kept = {one["metadata"]["name"] for one in objects(labctl, "configmaps")}
    assert kept.issuperset(writes.acknowledged)
    labctl.ok("verify", "--protocol", "icmp")


def back(labctl: Labctl, before: dict[str, int], victims: tuple[str, ...]) -> bool:
    now = running(labctl)
    replaced = all(now.get(one) not in (None, before[one]) for one in victims)
    return replaced and all(now.get(one) == before[one] for one in _ALL if one not in victims)


def test_the_connection_was_never_held_up_by_a_lost_packet(labctl: Labctl) -> None:
    """A segment that is lost is sent again after 200 ms at least (TCP_RTO_MIN of Linux)."""
    answered, worst = said(labctl)
    assert answered > 1000
    assert worst < 5, "it waited long: for what?"
    assert retransmissions(labctl) == 0


def retransmissions(labctl: Labctl) -> int:
    """Of the talker's namespace, as its kernel counts them (proc(5), /proc/net/snmp)."""
    (pid,) = (
        one["pid"] for one in labctl("ps", "-o", "json").json["items"] if one["pod"] == "talker"
    )
    with open(f"/proc/{pid}/net/snmp") as counters:
        header, values = [line.split() for line in counters if line.startswith("Tcp:")]
    return int(dict(zip(header, values, strict=True))["RetransSegs"])
