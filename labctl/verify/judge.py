"""From what was seen of a probe to a verdict, in the words of the contract.

lost (and after which hop), translated (from what into what), wrong peer, no reply, wrong size. Pure:
everything it needs stands in the probe, so that each case is a row of a test.
"""

import errno
import os
from collections.abc import Sequence
from typing import NamedTuple

from labctl.verify import trail
from labctl.verify.capture import HOST, OUTGOING
from labctl.verify.oracle import ANY_TTL, EGRESS, Header
from labctl.verify.plan import Check
from labctl.verify.probe import ANSWERS, ARRIVES, LEAVES, RETURNS, Message, Probe, Sighting
from labctl.verify.topology import Kind

_FRAGMENTATION_NEEDED = (3, 4)  # ICMP type and code (RFC 792, RFC 1191)


class Packet(NamedTuple):
    """As the report shows one."""

    header: Header
    size: int


class Refused(NamedTuple):
    """A packet that was refused aloud: by whom, how, and for which MTU."""

    how: str  # "errno" or "icmp"
    word: str
    mtu: int
    by: str


class Verdict(NamedTuple):
    """`reason` is "" when the check passed."""

    passed: bool
    sent: Packet
    received: Packet | None
    reason: str = ""
    refused: Refused | None = None
    trail: tuple[Sighting, ...] = ()  # of a failed one, in the order of time


def judge(probe: Probe) -> Verdict:
    """The verdict on a probe that had its time, with a trace if it is not as it should be."""
    verdict = _judge(probe)
    if verdict.passed:
        return verdict
    seen = sorted(probe.trace or probe.odd, key=lambda one: one.time)
    return verdict._replace(trail=tuple(seen))


def _judge(probe: Probe) -> Verdict:
    if probe.check.excess == 1:
        return _judge_too_long(probe)
    if probe.is_complete and not probe.odd:
        return _passed(probe)
    verdict = _judge_traced(probe)
    return verdict if probe.check.excess is None else _name_refusal(probe, verdict)


def _passed(probe: Probe) -> Verdict:
    expected = probe.expectation
    sent = Packet(expected.leaves, probe.sent_size)
    arrived = expected.arrives._replace(ttl=probe.arrived_ttl)
    return Verdict(True, sent, Packet(arrived, probe.sent_size))


def _judge_too_long(probe: Probe) -> Verdict:
    """One byte above the MTU: to be refused aloud, and never to cross or vanish."""
    sent = Packet(probe.expectation.leaves, probe.sent_size)
    refused = _refused(probe)
    if refused and 0 < refused.mtu < probe.sent_size:
        return Verdict(True, sent, None, refused=refused)
    arrival = _arrival(probe)
    if arrival:
        reason = f"wrong size: {probe.sent_size} bytes crossed, above the sender's MTU"
        return Verdict(False, sent, Packet(arrival.header, arrival.size), reason)
    return Verdict(False, sent, None, f"{_not_arrived(probe)}; {probe.sent_size} bytes, in silence")


def _name_refusal(probe: Probe, verdict: Verdict) -> Verdict:
    """A packet of the sender's own MTU that did not cross: refused aloud or not, the MTU is wrong."""
    refused = _refused(probe)
    if refused and refused.mtu and verdict.received is None:
        reason = (
            f"wrong size: {probe.sent_size} bytes are the sending interface's MTU, "
            f"but {refused.by} takes {refused.mtu} ({refused.word})"
        )
        return verdict._replace(reason=reason, refused=refused)
    return verdict


def _refused(probe: Probe) -> Refused | None:
    if probe.refusal and probe.refusal.errno == errno.EMSGSIZE:
        return Refused("errno", "EMSGSIZE", probe.refusal.mtu, probe.check.source.ip)
    for error in _errors(probe):
        if error.icmp == _FRAGMENTATION_NEEDED:
            return Refused("icmp", "fragmentation-needed", error.next_mtu, error.header.src)
    return None


def _errors(probe: Probe) -> Sequence[Sighting]:
    return [one for one in probe.trace if one.message is Message.ERROR]


def _judge_traced(probe: Probe) -> Verdict:
    arrival = _arrival(probe)
    received = Packet(arrival.header, arrival.size) if arrival else None
    return Verdict(False, _sent(probe), received, _reason(probe, arrival))


def _sent(probe: Probe) -> Packet:
    """As captured where it left; as it was meant, if it never did."""
    left = _at(probe, LEAVES)
    if left:
        return Packet(left.header, left.size)
    return Packet(probe.expectation.leaves, probe.sent_size)


def _arrival(probe: Probe) -> Sighting | None:
    return _at(probe, ARRIVES)


def _at(probe: Probe, moment: int) -> Sighting | None:
    """What was seen where and when a moment should be, as it should be or not."""
    message = Message.REQUEST if moment in (LEAVES, ARRIVES) else Message.REPLY
    direction = OUTGOING if moment in (LEAVES, ANSWERS) else HOST
    return next(
        (
            one
            for one in (*probe.odd, *probe.trace)
            if one.place is probe.places[moment]
            and (one.message, one.direction) == (message, direction)
            and one.tunnel is None
        ),
        None,
    )


def _reason(probe: Probe, arrival: Sighting | None) -> str:
    left = _at(probe, LEAVES)
    if left and left.header.src != probe.expectation.leaves.src:
        return (
            f"translated source {probe.expectation.leaves.src} into {left.header.src} at its start"
        )
    if arrival is None:
        return _not_arrived(probe)
    wrong = _compare(probe.check, arrival, probe.expectation.arrives, probe)
    return wrong or _no_answer(probe)


def _not_arrived(probe: Probe) -> str:
    stranger = _stranger(probe)
    if stranger:
        return _wrong_peer(probe, stranger)
    if probe.refusal and not _at(probe, LEAVES):
        code = probe.refusal.errno
        return (
            f"lost after {probe.check.source.label}: its own stack would not send it: "
            f"{os.strerror(code)} ({errno.errorcode.get(code, code)})"
        )
    return trail.lost(probe)


def _stranger(probe: Probe) -> Sighting | None:
    """Someone else who got the request: a pod or outside, to whose own MAC it came."""
    return next(
        (
            one
            for one in (*probe.odd, *probe.trace)
            if (one.message, one.direction) == (Message.REQUEST, HOST)
            and one.place.kind in (Kind.POD, Kind.OUTSIDE)
            and one.place is not probe.check.destination
        ),
        None,
    )


def _wrong_peer(probe: Probe, stranger: Sighting) -> str:
    reason = f"wrong peer: {stranger.place.label} got it"
    meant, got = probe.expectation.leaves.dst, stranger.header.dst
    if meant == got:
        return reason
    return f"{reason}: translated destination {meant} into {got}{trail.since(probe, got)}"


def _compare(check: Check, seen: Sighting, expected: Header, probe: Probe) -> str:
    """What differs between a header as it was seen and as it should be."""
    got = seen.header
    if got.src != expected.src:
        return _translated_source(check, got.src, expected.src, probe)
    if got.dst != expected.dst:
        return f"translated destination {expected.dst} into {got.dst}"
    if seen.size != probe.sent_size and probe.sent_size:
        return f"wrong size: {probe.sent_size} bytes were sent, {seen.size} arrived"
    if expected.ttl not in (ANY_TTL, got.ttl):
        return f"wrong path: it arrived with TTL {got.ttl}, not {expected.ttl}"
    return "damaged: ports, payload or checksum are not as sent" if seen.is_damaged else ""


def _translated_source(check: Check, got: str, expected: str, probe: Probe) -> str:
    if probe.expectation.path == EGRESS and got == check.source.ip:
        return f"not translated: {check.destination.label} saw source {got}, not {expected}"
    meant = f", not into {expected}" if expected != check.source.ip else ""
    return f"translated source {check.source.ip} into {got}{meant}{trail.since(probe, got)}"


def _no_answer(probe: Probe) -> str:
    """The request arrived as it should; what became of the answer?"""
    returned, expected = _at(probe, RETURNS), probe.expectation.returns
    if returned is None:
        return _answer_lost(probe)
    if returned.header.src != expected.src:
        got = returned.header.src
        return f"translated the answer's source {expected.src} into {got}{trail.since(probe, got)}"
    if expected.ttl not in (ANY_TTL, returned.header.ttl):
        return f"wrong path: the answer arrived with TTL {returned.header.ttl}, not {expected.ttl}"
    if returned.is_damaged:
        return "damaged: the answer's ports, payload or checksum are not as sent"
    return f"no reply: the answer reached {returned.hop}, whose stack did not take it"


def _answer_lost(probe: Probe) -> str:
    if _at(probe, ANSWERS) is None:
        return f"no reply: {probe.check.destination.label} got it and did not answer"
    return f"no reply: the answer was {trail.lost(probe, Message.REPLY)}"
