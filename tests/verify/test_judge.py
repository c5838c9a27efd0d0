"""Each way to fail has its words, from what was seen and nothing else."""

import errno

import pytest

from labctl.verify.capture import HOST, OTHERHOST, OUTGOING
from labctl.verify.judge import Packet, Refused, judge
from labctl.verify.oracle import ANY_TTL, Header
from labctl.verify.probe import ONE_WAY, ROUND_TRIP, Message, Probe, Refusal, Sighting, Tunnel
from tests.verify.values import FABRIC, NODE1, NODE2, NODE3, OUTSIDE, A, B, C, probe, sighting

START = sighting(A, direction=OUTGOING, header=Header(A.ip, C.ip, 64), time=1)
AT_BRIDGE = sighting(NODE1, "cni0", HOST, Header(A.ip, C.ip, 64), time=2)
IN_TUNNEL = Tunnel(NODE1.ip, NODE2.ip, 1)
ARRIVED = sighting(C, time=9)


def answer(place: object, header: Header, direction: int, time: int) -> Sighting:
    seen = sighting(A, direction=direction, header=header, message=Message.REPLY, time=time)
    return seen._replace(place=C if place is C else A)


ANSWERED = answer(C, Header(C.ip, A.ip, 64), OUTGOING, 10)
REFUSED = sighting(A, header=Header("10.244.1.1", A.ip, 64), message=Message.ERROR, time=5)


def judged(*trace: Sighting, of: Probe | None = None) -> str:
    traced = of or probe(A, C)
    traced.trace = list(trace)
    return judge(traced).reason


def test_a_complete_round_trip_passes_with_what_was_expected() -> None:
    sound = probe(A, C)
    sound.seen = ROUND_TRIP
    verdict = judge(sound)
    assert verdict.passed
    assert verdict.reason == ""
    assert verdict.sent == Packet(Header(A.ip, C.ip, 64), 60)
    assert verdict.received == Packet(Header(A.ip, C.ip, 62), 60)


def test_where_any_number_of_hops_will_do_the_real_one_is_told() -> None:
    sound = probe(A, C)
    free = sound.expectation._replace(arrives=sound.expectation.arrives._replace(ttl=ANY_TTL))
    tolerant = Probe(0, sound.check, free, ROUND_TRIP)
    tolerant.seen, tolerant.sent_size, tolerant.arrived_ttl = ROUND_TRIP, 60, 61
    verdict = judge(tolerant)
    assert verdict.passed
    assert verdict.received == Packet(Header(A.ip, C.ip, 61), 60)
    tolerant.seen = 0
    tolerant.trace = [sighting(C, header=Header(A.ip, C.ip, 7))]
    assert judge(tolerant).reason.startswith("no reply")


@pytest.mark.parametrize("missing", range(5))
def test_no_moment_may_be_missing(missing: int) -> None:
    almost = probe(A, C)
    almost.seen = ROUND_TRIP & ~(1 << missing)
    assert not judge(almost).passed


@pytest.mark.parametrize(
    ("trace", "reason"),
    [
        ([], "lost after default/a: it never left"),
        ([START], "lost after default/a eth0"),
        ([START, AT_BRIDGE], "lost after node1 cni0"),
        (
            [START, AT_BRIDGE, sighting(NODE2, direction=HOST, tunnel=IN_TUNNEL, time=4)],
            "lost after node2 eth0 (in VXLAN 1 to 172.30.1.2)",
        ),
        (
            [START, AT_BRIDGE, sighting(NODE2, "vxlan.1", OTHERHOST, time=4)],
            "lost after node2 vxlan.1 (addressed to another MAC)",
        ),
        (
            [START, sighting(NODE3, direction=HOST, time=4)],
            "lost after node3 eth0",
        ),
        (
            [START, AT_BRIDGE, sighting(FABRIC, "underlay", time=3), REFUSED._replace(icmp=(3, 1))],
            "lost after fabric underlay; 10.244.1.1 said: host unreachable",
        ),
        (
            [
                START,
                AT_BRIDGE,
                sighting(NODE1, "veth00000001", OUTGOING, time=3),
                sighting(B, direction=OTHERHOST, time=4),
            ],
            "lost after node1 cni0",
        ),
        ([START, ARRIVED], "no reply: default/c got it and did not answer"),
        (
            [START, ARRIVED, ANSWERED],
            "no reply: the answer was lost after default/c eth0",
        ),
        (
            [START, ARRIVED, ANSWERED, answer(A, Header(C.ip, A.ip, 62), HOST, 12)],
            "no reply: the answer reached default/a eth0, whose stack did not take it",
        ),
        (
            [START, ARRIVED, ANSWERED, answer(A, Header(NODE2.ip, A.ip, 62), HOST, 12)],
            "translated the answer's source 10.244.2.2 into 172.30.1.2 (first seen at default/a eth0)",
        ),
        (
            [START, sighting(C, header=Header(NODE1.ip, C.ip, 62), time=9)],
            "translated source 10.244.1.2 into 172.30.1.1 (first seen at default/c eth0)",
        ),
        (
            [START, sighting(B, header=Header(A.ip, B.ip, 64), time=3)],
            f"wrong peer: default/b got it: translated destination {C.ip} into {B.ip} (first seen at {B.label} eth0)",
        ),
        ([START, sighting(B, time=3)], "wrong peer: default/b got it"),
        (
            [START, sighting(C, header=Header(A.ip, C.ip, 61), time=9)],
            "wrong path: it arrived with TTL 61, not 62",
        ),
        ([START, sighting(C, size=48, time=9)], "wrong size: 60 bytes were sent, 48 arrived"),
        (
            [sighting(A, direction=OUTGOING, header=Header(B.ip, C.ip, 64))],
            "translated source 10.244.1.2 into 10.244.1.3 at its start",
        ),
    ],
)
def test_the_reason_tells_the_case(trace: list[Sighting], reason: str) -> None:
    assert judged(*trace) == reason


def test_egress_untranslated_is_told_apart_from_egress_translated_wrongly() -> None:
    pod_itself = sighting(OUTSIDE, header=Header(A.ip, OUTSIDE.ip, 62))
    assert judged(pod_itself, of=probe(A, OUTSIDE)) == (
        "not translated: outside saw source 10.244.1.2, not 172.30.1.1"
    )
    another = sighting(OUTSIDE, header=Header(NODE2.ip, OUTSIDE.ip, 62))
    assert judged(another, of=probe(A, OUTSIDE)).startswith(
        "translated source 10.244.1.2 into 172.30.1.2, not into 172.30.1.1"
    )


def test_a_stack_that_would_not_send_is_named_with_its_error() -> None:
    refused = probe(A, C)
    refused.refusal = Refusal(errno.ENETUNREACH)
    assert judge(refused).reason == (
        "lost after default/a: its own stack would not send it: "
        "Network is unreachable (ENETUNREACH)"
    )


def test_one_byte_too_many_passes_when_it_is_refused_aloud() -> None:
    locally = probe(A, C, excess=1)
    locally.refusal = Refusal(errno.EMSGSIZE, 1500)
    verdict = judge(locally)
    assert (verdict.passed, verdict.received) == (True, None)
    assert verdict.refused == Refused("errno", "EMSGSIZE", 1500, A.ip)
    on_the_way = probe(A, C, excess=1)
    on_the_way.trace = [REFUSED._replace(icmp=(3, 4), next_mtu=1450)]
    assert judge(on_the_way).refused == Refused("icmp", "fragmentation-needed", 1450, "10.244.1.1")
    assert judge(on_the_way).passed


def test_one_byte_too_many_fails_in_silence_or_when_it_crosses() -> None:
    assert judged(START, of=probe(A, C, excess=1)) == (
        "lost after default/a eth0; 1501 bytes, in silence"
    )
    crossed = sighting(C, size=1501)
    assert judged(START, crossed, of=probe(A, C, excess=1)) == (
        "wrong size: 1501 bytes crossed, above the sender's MTU"
    )


def test_a_refusal_that_names_no_smaller_mtu_is_no_proof() -> None:
    blunt = probe(A, C, excess=1)
    blunt.trace = [REFUSED._replace(icmp=(3, 4), next_mtu=0)]
    assert not judge(blunt).passed


def test_a_full_packet_has_to_cross_whole() -> None:
    whole = probe(A, C, excess=0)
    whole.seen = ONE_WAY
    verdict = judge(whole)
    assert verdict.passed
    assert verdict.received == Packet(Header(A.ip, C.ip, 62), 1500)
    too_big = probe(A, C, excess=0)
    too_big.trace = [START, REFUSED._replace(icmp=(3, 4), next_mtu=1450)]
    verdict = judge(too_big)
    assert verdict.received is None
    assert verdict.refused == Refused("icmp", "fragmentation-needed", 1450, "10.244.1.1")
    assert verdict.reason == (
        "wrong size: 1500 bytes are the sending interface's MTU, "
        "but 10.244.1.1 takes 1450 (fragmentation-needed)"
    )


def test_what_was_seen_wrong_fails_even_if_all_else_was_right() -> None:
    doubled = probe(A, C)
    doubled.seen = ROUND_TRIP
    doubled.odd = [sighting(C, header=Header(NODE1.ip, C.ip, 62))]
    assert judge(doubled).reason.startswith("translated source")
