"""Bad cables: the messages as values, and what the real kernel makes of them."""

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from labctl.errors import HostCannot, NetError
from labctl.net import impairment, qdisc, wire
from labctl.net.impairment import Cable, Impairment, find_port, impair, loss_table
from labctl.net.namespaces import Place
from labctl.net.netlink import Netlink


def decoded(message: bytes) -> Any:
    """As pyroute2, which shares no code with the encoder, reads it."""
    import_module("pyroute2.iproute")  # before its part, which it imports in a circle
    found = import_module("pyroute2.netlink.rtnl.tcmsg").tcmsg(message)
    found.decode()
    return found


def test_a_rate_is_a_token_bucket_of_a_full_frame_or_ten_milliseconds() -> None:
    (step,) = qdisc.steps(7, 1500, 10_000_000, 0.0)
    found = decoded(step.message)
    assert (found["index"], found["parent"], found["handle"]) == (7, 0xFFFFFFFF, 0x20000)
    assert found.get_attr("TCA_KIND") == "tbf"
    parms = found.get_attr("TCA_OPTIONS").get_attr("TCA_TBF_PARMS")
    assert (parms["rate"], parms["limit"]) == (1_250_000, 12_500 + 125_000)
    assert step.describe("eth0") == (
        "tc qdisc replace dev eth0 root tbf rate 10000000bit burst 12500 limit 137500"
    )
    (slow,) = qdisc.steps(7, 9000, 1000, 0.0)
    assert "burst 9014" in slow.words


def test_a_delay_is_netem_in_nanoseconds_and_takes_a_rate_within_away() -> None:
    delay, removal = qdisc.steps(7, 1500, 0, 0.05)
    found = decoded(delay.message)
    assert (found["parent"], found["handle"]) == (0xFFFFFFFF, 0x10000)
    assert found.get_attr("TCA_KIND") == "netem"
    assert found.get_attr("TCA_OPTIONS")["limit"] == 100_000  # packets
    tca_options, netem_qopt, latency64 = 2, 24, 10
    options = wire.attributes(delay.message, 16 + 20)[tca_options]
    nanoseconds = wire.attributes(options, netem_qopt)[latency64]
    assert int.from_bytes(nanoseconds, sys.byteorder) == 50_000_000
    assert delay.words == "tc qdisc replace dev {device} root netem delay 50ms"
    assert (removal.removes, decoded(removal.message)["parent"]) == (True, 0x10001)


def test_a_rate_and_a_delay_are_a_token_bucket_within_netem() -> None:
    kinds = [(one.kind, decoded(one.message)["parent"]) for one in qdisc.steps(7, 1500, 8000, 1)]
    assert kinds == [("netem", 0xFFFFFFFF), ("tbf", 0x10001)]


def test_nothing_takes_all_away() -> None:
    (step,) = qdisc.steps(7, 1500, 0, 0.0)
    assert (step.removes, step.words) == (True, "tc qdisc delete dev {device} root")


def test_loss_is_a_table_of_its_own_without_the_mark_of_what_healing_looks_after() -> None:
    assert loss_table("p-node1", 0.1) == (
        "add table netdev labctl-fault-p-node1\n"
        "delete table netdev labctl-fault-p-node1\n"
        "table netdev labctl-fault-p-node1 {\n"
        "\tchain ingress {\n"
        '\t\ttype filter hook ingress device "p-node1" priority 0\n'
        "\t\tpolicy accept\n"
        "\t\tnumgen random mod 1000000 <= 99999 counter drop\n"
        "\t}\n"
        "\tchain egress {\n"
        '\t\ttype filter hook egress device "p-node1" priority 0\n'
        "\t\tpolicy accept\n"
        "\t\tnumgen random mod 1000000 <= 99999 counter drop\n"
        "\t}\n"
        "}\n"
    )
    assert loss_table("p", 0.0) == (
        "add table netdev labctl-fault-p\ndelete table netdev labctl-fault-p\n"
    )


def ip(netns: Place, *words: str) -> str:
    command = ["nsenter", f"--net={netns}", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def cable(make_netns: Callable[[], Path]) -> Cable:
    """Two machines with a cable between them, which know each other: ARP would be lost as well."""
    near, far = make_netns(), make_netns()
    macs = ("02:00:00:00:00:01", "02:00:00:00:00:02")
    peer = ("peer", "name", "port", "address", macs[1], "netns", far.name)
    ip(near, "ip", "link", "add", "eth0", "address", macs[0], "type", "veth", *peer)
    for netns, device, mine, other in ((near, "eth0", 1, 2), (far, "port", 2, 1)):
        ip(netns, "ip", "link", "set", device, "up")
        ip(netns, "ip", "address", "add", f"192.0.2.{mine}/24", "dev", device)
        neighbour = (f"192.0.2.{other}", "lladdr", macs[other - 1], "dev", device)
        ip(netns, "ip", "neighbour", "add", *neighbour, "nud", "permanent")
    with Netlink.at(near) as here, Netlink.at(far) as there:
        assert find_port(here, "eth0", there) == "port"
    return Cable(str(near), "eth0", str(far), "port")


def qdiscs(cable: Cable) -> list[dict[str, Any]]:
    ends = ((cable.near, cable.device), (cable.far, cable.port))
    return [
        one
        for place, device in ends
        for one in json.loads(ip(place, "tc", "-j", "qdisc", "show", "dev", device))
        if one["kind"] != "noqueue"
    ]


def tables(cable: Cable) -> str:
    return ip(cable.far, "nft", "list", "tables")


def received(cable: Cable) -> int:
    """Of 400 pings."""
    said = ip(cable.near, "sh", "-c", "ping -q -i 0.001 -c 400 -W 1 192.0.2.2 || true")
    return int(said.split(" packets transmitted, ")[1].split(" ")[0])


def test_both_directions_are_shaped_and_set_free_again(cable: Cable) -> None:
    for rate in (8_000_000, 1_000_000):
        impair(cable, Impairment(rate=rate))
        found = [(one["kind"], one["options"]["rate"]) for one in qdiscs(cable)]
        assert found == [("tbf", rate // 8)] * 2
    for _ in range(2):
        impair(cable, Impairment())
        assert qdiscs(cable) == []


def test_a_rate_is_kept(cable: Cable) -> None:
    """200 kB at 4 Mbit/s take 0.4 s, less what the bucket lets pass at once."""
    impair(cable, Impairment(rate=4_000_000))
    listener = "socat -u TCP-LISTEN:5000 /dev/null"
    sender = "dd if=/dev/zero bs=100000 count=2 status=none | socat -u - TCP:192.0.2.2:5000,retry=50,interval=0.05"
    words = ["nsenter", f"--net={cable.far}", *listener.split()]
    with subprocess.Popen(words) as receiving:
        ip(cable.near, "sh", "-c", sender)
        assert receiving.wait(20) == 0
    (near,) = (
        one for one in json.loads(ip(cable.near, "tc", "-s", "-j", "qdisc")) if one["kind"] == "tbf"
    )
    assert near["bytes"] > 200_000
    assert near["overlimits"] > 10


@pytest.mark.parametrize(("loss", "least", "most"), [(0.0, 400, 400), (0.2, 190, 320), (1.0, 0, 0)])
def test_so_many_packets_are_lost_each_way(
    cable: Cable, loss: float, least: int, most: int
) -> None:
    impair(cable, Impairment(loss=loss))
    assert least <= received(cable) <= most  # of 400; of 0.2 each way 0.64 come back
    assert ("netdev labctl-fault-port" in tables(cable)) == bool(loss)
    impair(cable, Impairment())
    assert (received(cable), tables(cable)) == (400, "")


def has_netem(cable: Cable) -> bool:
    command = ["nsenter", f"--net={cable.near}", "tc", "qdisc", "add", "dev", "eth0"]
    tried = subprocess.run([*command, "root", "netem"], capture_output=True, check=False)
    return tried.returncode == 0


def test_a_delay_is_kept_or_refused_with_the_module_that_is_missing(cable: Cable) -> None:
    """And the rate stays as it was."""
    kernel_has_it = has_netem(cable)
    impair(cable, Impairment())
    impair(cable, Impairment(rate=8_000_000))
    if kernel_has_it:
        impair(cable, Impairment(rate=8_000_000, delay=0.05))
        assert [one["kind"] for one in qdiscs(cable)] == ["netem", "tbf"] * 2
        impair(cable, Impairment(delay=0.05))
        assert [one["kind"] for one in qdiscs(cable)] == ["netem"] * 2
        said = ip(cable.near, "ping", "-q", "-c", "2", "192.0.2.2")
        assert 100 <= float(said.rpartition(" = ")[2].split("/")[0]) < 150
        return
    with pytest.raises(HostCannot) as refused:
        impair(cable, Impairment(rate=8_000_000, delay=0.05))
    assert refused.value.message == (
        "this kernel has no netem, which delay needs: the module sch_netem is missing"
    )
    assert "modprobe sch_netem" in refused.value.hint
    assert [one["kind"] for one in qdiscs(cable)] == ["tbf"] * 2


def test_what_is_no_cable_is_refused(cable: Cable, netns: Path) -> None:
    with Netlink.at(cable.near) as near, Netlink.at(cable.far) as far, Netlink.at(netns) as other:
        for device, said in (("lo", "lo is no end of a cable"), ("none", "no such interface")):
            with pytest.raises(NetError, match=said):
                find_port(near, device, far)
        with pytest.raises(NetError, match="the other end of eth0: no such"):
            find_port(near, "eth0", other)


def test_what_is_left_of_a_cable_that_is_gone_is_taken_away(cable: Cable) -> None:
    impair(cable, Impairment(loss=0.5))
    ip(cable.near, "ip", "link", "delete", "eth0")
    impairment.forget(cable.far, cable.port)
    impairment.forget(cable.far, cable.port)
    assert tables(cable) == ""
