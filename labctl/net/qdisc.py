"""Queueing disciplines as rtnetlink requests: a token bucket for a rate, netem for a delay.

What is wanted of a device becomes steps that lead there from anything that earlier steps made.
netem, which this kernel may lack, is asked for first: what it refuses changes nothing. With both it
holds the token bucket, as tc-netem(8) has it. Each discipline has a handle of its own, since the
kernel replaces one only by another of its kind under the same handle.
"""

import struct
from dataclasses import dataclass

from labctl.net import wire

RTM_NEWQDISC, RTM_DELQDISC = 36, 37
_SET = wire.NLM_F_REQUEST | wire.NLM_F_CREATE | wire.NLM_F_REPLACE

_TCMSG = struct.Struct("=BxxxiIII")  # family, index, handle, parent, info
_TCA_KIND, _TCA_OPTIONS = 1, 2
_ROOT = 0xFFFF_FFFF
_DELAY, _RATE, _RATE_IN_DELAY = 0x1_0000, 0x2_0000, 0x3_0000
_IN_DELAY = 0x1_0001  # the one class of netem

_RATESPEC = struct.Struct("=BBHhHI")  # cell log, link layer, overhead, cell align, mpu, rate
_TBF_SIZES = struct.Struct("=III")  # limit, buffer, mtu
_TBF_PARMS, _TBF_RATE64, _TBF_BURST = 1, 4, 6
_LINKLAYER_ETHERNET = 1  # so that no table of rates is asked for
_ETHERNET_HEADER = 14
_BURST_SECONDS, _QUEUE_SECONDS = 0.01, 0.1
_U32, _U64, _S64 = struct.Struct("=I"), struct.Struct("=Q"), struct.Struct("=q")
_U32_MAX = 0xFFFF_FFFF

_NETEM = struct.Struct("=IIIIII")  # latency, limit, loss, gap, duplicate, jitter
_NETEM_LATENCY64 = 10
_NETEM_LIMIT = 100_000  # packets: what is on its way must not be lost for it


@dataclass(frozen=True, slots=True)
class Step:
    """A request, what it sets (`removes`: takes away), and the words of tc(8) for it."""

    message: bytes
    kind: str
    words: str
    removes: bool = False

    def describe(self, device: str) -> str:
        return self.words.format(device=device)


def steps(index: int, mtu: int, rate: float, delay: float) -> list[Step]:
    """What brings the device `index` to `rate` (bits a second) and `delay` (seconds); 0 for none."""
    match bool(delay), bool(rate):
        case True, True:
            return [_netem(index, delay), _tbf(index, mtu, rate, _IN_DELAY, _RATE_IN_DELAY)]
        case True, False:
            return [_netem(index, delay), _removal(index, "tbf", _IN_DELAY)]
        case False, True:
            return [_tbf(index, mtu, rate, _ROOT, _RATE)]
    return [_removal(index, "tbf", _ROOT)]


def _netem(index: int, delay: float) -> Step:
    latency = wire.attribute(_NETEM_LATENCY64, _S64.pack(round(delay * 1e9)))
    options = _NETEM.pack(0, _NETEM_LIMIT, 0, 0, 0, 0) + latency
    words = f"tc qdisc replace dev {{device}} root netem delay {delay * 1000:g}ms"
    return Step(_replace(index, "netem", _ROOT, _DELAY, options), "netem", words)


def _tbf(index: int, mtu: int, rate: float, parent: int, handle: int) -> Step:
    octets = int(rate // 8)
    burst = max(mtu + _ETHERNET_HEADER, round(octets * _BURST_SECONDS))
    limit = burst + round(octets * _QUEUE_SECONDS)
    spec = _RATESPEC.pack(0, _LINKLAYER_ETHERNET, 0, 0, 0, min(octets, _U32_MAX))
    parms = spec + bytes(_RATESPEC.size) + _TBF_SIZES.pack(min(limit, _U32_MAX), 0, 0)
    options = wire.attribute(_TBF_PARMS, parms) + wire.attribute(_TBF_BURST, _U32.pack(burst))
    if octets > _U32_MAX:
        options += wire.attribute(_TBF_RATE64, _U64.pack(octets))
    at = "root" if parent == _ROOT else "parent 1:1"
    words = (
        f"tc qdisc replace dev {{device}} {at} tbf rate {rate:.0f}bit burst {burst} limit {limit}"
    )
    return Step(_replace(index, "tbf", parent, handle, options), "tbf", words)


def _removal(index: int, kind: str, parent: int) -> Step:
    body = _TCMSG.pack(0, index, 0, parent, 0)
    at = "root" if parent == _ROOT else "parent 1:1"
    words = f"tc qdisc delete dev {{device}} {at}"
    return Step(wire.message(RTM_DELQDISC, wire.NLM_F_REQUEST, body), kind, words, removes=True)


def _replace(index: int, kind: str, parent: int, handle: int, options: bytes) -> bytes:
    body = (
        _TCMSG.pack(0, index, handle, parent, 0)
        + wire.attribute(_TCA_KIND, kind.encode() + b"\0")
        + wire.attribute(_TCA_OPTIONS, options)
    )
    return wire.message(RTM_NEWQDISC, _SET, body)
