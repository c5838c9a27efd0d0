"""The VerifyReport, as the contract has it: every check, and how many of each claim failed."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from labctl.api.lab import LAB_API_VERSION
from labctl.api.objects import Obj
from labctl.verify import oracle
from labctl.verify.explain import evidence
from labctl.verify.judge import Packet, Refused, Verdict
from labctl.verify.plan import CLAIMS, Check
from labctl.verify.topology import Topology

EXPLAINED = 50  # failed checks whose packets are dissected


class Result(NamedTuple):
    """A check and what came of it."""

    check: Check
    verdict: Verdict


def report(
    topology: Topology, results: Sequence[Result], seconds: float, warnings: Iterable[str] = ()
) -> Obj:
    """The report of a run that took `seconds`."""
    return {
        "apiVersion": LAB_API_VERSION,
        "kind": "VerifyReport",
        "lab": topology.lab,
        "backend": topology.backend,
        "passed": all(result.verdict.passed for result in results),
        "durationSeconds": round(seconds, 3),
        "claims": [claim for name in CLAIMS if (claim := _claim(name, results))],
        "checks": _checks(results),
        "leftOut": [one.object() for one in topology.left_out],
        "warnings": list(warnings),
    }


def _claim(name: str, results: Sequence[Result]) -> Obj | None:
    """Counts (source, destination, protocol), of which `mtu` has two checks each."""
    checked, failed = set(), set()
    for check, verdict in results:
        if check.claim == name:
            triple = (check.source, check.destination, check.protocol)
            checked.add(triple)
            if not verdict.passed:
                failed.add(triple)
    if not checked:
        return None
    return {"claim": name, "checked": len(checked), "failed": len(failed)}


def _checks(results: Iterable[Result]) -> list[Obj]:
    """Every check; the first failures with the evidence, dissected."""
    checks, explained = [], 0
    for check, verdict in results:
        obj = _check(check, verdict)
        if verdict.trail and explained < EXPLAINED:
            explained += 1
            obj["evidence"] = evidence(verdict.trail)
        checks.append(obj)
    return checks


def _check(check: Check, verdict: Verdict) -> Obj:
    obj: Obj = {
        "claim": check.claim,
        "protocol": check.protocol,
        "path": oracle.path(check.source, check.destination),
        "passed": verdict.passed,
        "source": check.source.object(),
        "destination": check.destination.object(),
        "sent": _packet(verdict.sent),
        "received": _packet(verdict.received) if verdict.received else None,
        "reason": verdict.reason,
    }
    return {**obj, "error": _refused(verdict.refused)} if verdict.refused else obj


def _packet(packet: Packet) -> Obj:
    src, dst, ttl = packet.header
    return {"src": src, "dst": dst, "ttl": ttl, "size": packet.size}


def _refused(refused: Refused) -> Obj:
    return {refused.how: refused.word, "mtu": refused.mtu, "from": refused.by}
