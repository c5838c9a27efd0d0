"""Whatever of a lab is hurt by hand is right again within a second, and told once by each healer."""

from collections import Counter
from pathlib import Path
from statistics import median
from time import monotonic

import pytest

from labctl.api.objects import Obj
from tests.command import Labctl
from tests.conftest import MakeLab
from tests.labs import lab_of_four_pods
from tests.machine import Machine, machine
from tests.waiting import until
from tests.wounds.patient import Patient
from tests.wounds.table import BOTH, TABLE

PROMISED_SECONDS = 1.0
DEADLINE_SECONDS = 10.0
READ_BACK_SECONDS = 0.5  # what no event tells is looked at that often


class Ward:
    """A lab of one backend, and how long each of its wounds took."""

    def __init__(self, labctl: Labctl) -> None:
        self.labctl = labctl
        self.sides = [Patient.of(labctl.lab, turned=turned) for turned in (False, True)]
        self.seconds: dict[str, float] = {}
        self.lines = 0


@pytest.fixture(scope="module")
def wards(make_lab: MakeLab) -> dict[str, Ward]:
    found = {}
    for backend in BOTH:
        labctl = make_lab("-", stdin=lab_of_four_pods(backend, healing=True))
        labctl.ok("wait", "--for=condition=Available", "deployment/web", "--timeout=60s")
        found[backend] = Ward(labctl)
    return found


@pytest.mark.alone
@pytest.mark.parametrize(
    ("backend", "number"),
    [
        pytest.param(backend, number, id=f"{backend}: {wound.name}")
        for backend in BOTH
        for number, wound in enumerate(TABLE)
        if backend in wound.backends
    ],
)
def test_a_wound_is_mended_within_a_second(
    wards: dict[str, Ward], backend: str, number: int
) -> None:
    wound, ward = TABLE[number], wards[backend]
    patient, healers = ward.sides[number % 2], len(wound.healers) or 1
    assert patient.planned() == []
    before, times = patient.healed(), patient.times_told()
    began = monotonic()
    patient.inflict(wound)
    until(lambda: (patient.healed() - before).total() >= healers, DEADLINE_SECONDS)
    ward.seconds[wound.name] = monotonic() - began
    until(lambda: patient.planned() == [], PROMISED_SECONDS)  # a mend is told before its last step
    assert ward.seconds[wound.name] < PROMISED_SECONDS
    until(lambda: patient.times_told() >= times + healers, DEADLINE_SECONDS)
    said = patient.healed() - before
    assert said.total() == healers, said
    assert patient.times_told() == times + healers
    ward.lines += healers
    about, words = (text.format_map(patient.fields) for text in (wound.of, wound.said))
    assert [one for one in said if words in one], said
    assert [one for one in patient.told() if _is_about(one, about, said)], patient.told()


def _is_about(event: Obj, about: str, said: Counter[str]) -> bool:
    subject = event["involvedObject"]
    message = event["message"].removeprefix("(combined from similar events): ")
    return f"{subject['kind']}/{subject['name']}" == about and message in said


@pytest.mark.alone
@pytest.mark.parametrize("backend", BOTH)
def test_after_all_that_the_network_is_sound(wards: dict[str, Ward], backend: str) -> None:
    """The last one of this table."""
    ward = wards[backend]
    ward.labctl.ok("verify")
    assert ward.sides[0].healed().total() == ward.lines, "each was told once"
    taken = sorted(ward.seconds.values())
    if taken:
        print(
            f"{backend}: {len(taken)} wounds, median {median(taken):.3f} s, worst {taken[-1]:.3f}"
        )


@pytest.fixture(scope="module")
def left_alone(make_lab: MakeLab) -> Labctl:
    labctl = make_lab("-", stdin=lab_of_four_pods("vxlan", healing=False))
    labctl.ok("wait", "--for=condition=Available", "deployment/web", "--timeout=60s")
    return labctl


# One of each who heals, by each means by which they notice.
LESSONS = (
    ("pod: default route deleted", "ip route add default via {a_gateway} dev eth0"),
    ("node: route deleted", "ip route add {b_subnet} via {b_vtep} dev vxlan.1 onlink src {a_ip}"),
    ("node: setting without event", "sysctl -w net.ipv4.conf.all.arp_ignore=0"),
    ("node: nft table deleted", "table ip labctl"),
    ("outside: default route", "ip route add default via 203.0.113.1 dev eth0"),
    ("fabric: setting", "sysctl -w net.ipv4.conf.all.arp_ignore=0"),
    ("pin: pod's", "ln -s /proc/"),
    ("pin: node's", "mount --bind /proc/"),
)


def test_with_healing_off_a_wound_stays_and_is_planned(left_alone: Labctl) -> None:
    """All wounds at once; when healing is turned on, all are mended, and told."""
    patient = Patient.of(left_alone.lab)
    wounds = {wound.name: wound for wound in TABLE}
    for name, _ in LESSONS:
        patient.inflict(wounds[name])
    read_back = monotonic() + 2 * READ_BACK_SECONDS
    until(lambda: monotonic() > read_back)  # what would be noticed would have been by then
    assert not patient.healed()
    planned = left_alone.ok("plan", patient.fields["a"]) + "\n".join(patient.planned())
    for _, said in LESSONS:
        assert said.format_map(patient.fields) in planned
    assert patient.times_told() == 0
    left_alone.ok("up", "-", stdin=lab_of_four_pods("vxlan", healing=True))
    until(lambda: patient.planned() == [], DEADLINE_SECONDS)
    left_alone.ok("verify")


def test_pins_come_back_below_a_mount_and_strangers_are_not_touched() -> None:
    """The first `ip netns add` of a machine mounts /run/netns, with all pins, over itself."""
    with machine() as host:
        labctl = host.labctl("pins")
        labctl.ok("up", "--nodes", "1")
        labctl.ok("run", "web", "--image=nginx")
        labctl.ok("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
        before = _pins(host)
        host.run("ip", "netns", "add", "stranger")
        host.run("sh", "-c", "touch /run/netns/labctl.other.fabric; ln -s /proc /run/netns/link")
        for name in before:
            host.run("ip", "netns", "del", name, check=False)  # says that it is busy from below
            until(lambda: _pins(host) == before)
        for name in ("stranger", "labctl.other.fabric", "link"):
            host.run("test", "-e", f"/run/netns/{name}")
            host.run("rm", "-f", f"/run/netns/{name}", check=False)
        labctl.ok("verify")
        labctl.ok("down")
        assert _pins(host) == {}


def _pins(host: Machine) -> dict[str, str]:
    """The names of the lab, each with the namespace to which it leads."""
    found = host.run("sh", "-c", "stat -L -c '%n %i' /run/netns/labctl.pins.* || true")
    return {Path(name).name: inode for name, inode in map(str.split, found.splitlines())}
