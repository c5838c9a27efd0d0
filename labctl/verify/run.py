"""A run of verify, from a topology to a report.

Passes go by protocol; what failed is sent once more, on fresh ids and ports, with captures on every
interface of its way, so that a passing fault of a busy machine does not count and a real one can be
told with its hop.
"""

import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import chain, groupby
from pathlib import Path

from labctl.api.objects import Obj
from labctl.errors import LabError
from labctl.verify import addresses, neighbours, oracle, pcap, plan
from labctl.verify.addresses import Findings
from labctl.verify.engine import Engine
from labctl.verify.judge import Verdict, judge
from labctl.verify.namespaces import Namespaces
from labctl.verify.plan import Check
from labctl.verify.poller import Poller
from labctl.verify.probe import ONE_WAY, ROUND_TRIP, Probe
from labctl.verify.report import Result, report
from labctl.verify.topology import Endpoint, LeftOut, Topology
from labctl.verify.watch import Watch

PATIENCE = 0.2  # seconds of silence that end a pass
SECOND_PATIENCE = 1.2  # the same when failed probes are sent again
_BATCH = 2048  # failed probes that are traced at once: each sighting is kept

Progress = Callable[[int, int], None]


def verify(
    topology: Topology,
    claims: Sequence[str] = (),
    protocols: Sequence[str] = (),
    pcap_dir: Path | None = None,
    progress: Progress | None = None,
) -> Obj:
    """Proves the claims over the protocols (empty: all) and returns the VerifyReport.

    With `pcap_dir`, what was captured is kept there, a file per claim. `progress` is told how many
    checks of how many were sent. Needs root. Raises BadInput for an unknown word, LabError when
    there is nothing to verify or when verify's own captures lost frames.
    """
    checks = plan.checks(topology, claims, protocols)
    if not checks:
        raise LabError("nothing to verify")
    pcap.load_scapy()  # a third of a second, before the clock starts: it is no part of the proof
    started = time.monotonic()
    with _many_files():
        judged, results = _Run(topology, checks, pcap_dir, progress).results()
    warnings = neighbours.warnings(topology, neighbours.limit())
    return report(judged, results, time.monotonic() - started, warnings)


@contextmanager
def _many_files() -> Iterator[None]:
    """A mesh needs some descriptors per pod: the soft limit of 1,024 is raised for the run."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class _Run:
    def __init__(
        self,
        topology: Topology,
        checks: Sequence[Check],
        pcap_dir: Path | None,
        progress: Progress | None,
    ) -> None:
        self._topology = topology
        self._checks = checks
        self._pcap_dir = pcap_dir
        self._progress = progress or (lambda _done, _total: None)
        self._done = 0
        self._verdicts: dict[Check, Verdict] = {}

    def results(self) -> tuple[Topology, list[Result]]:
        """Every check with its verdict, and the topology with those who left meanwhile."""
        everyone = (*self._topology.endpoints, self._topology.fabric)
        with Namespaces(everyone) as namespaces:
            findings = addresses.examine(self._topology, namespaces)
            self._probe(namespaces)
            absent = {end for end in _ends(self._checks) if not namespaces.is_still_there(end)}
            departed = absent - namespaces.missing
        judged = replace(self._topology, left_out=self._topology.left_out + _left(departed))
        results = [
            Result(check, self._verdict(check, findings, namespaces.missing))
            for check in self._checks
            if not departed & {check.source, check.destination}
        ]
        return judged, results

    def _probe(self, namespaces: Namespaces) -> None:
        path = (*self._topology.nodes, self._topology.fabric)
        ends = [end for end in _ends(self._checks) if end in namespaces]
        with ExitStack() as stack:
            watch = stack.enter_context(Watch(namespaces, ends, path))
            observer = None
            if self._pcap_dir:
                watch.keep_time()
                observer = stack.enter_context(pcap.PacketFiles(self._pcap_dir)).write
            most = neighbours.limit()
            budget = neighbours.Budget(self._topology, namespaces, most)
            poller = stack.enter_context(Poller())
            engine = Engine(namespaces, watch, poller, budget, observer)
            suspects = list(self._first(engine, namespaces))
            self._second(engine, namespaces, suspects)

    def _first(self, engine: Engine, namespaces: Namespaces) -> Iterator[Probe]:
        """Probes all that can be probed, and yields what did not pass."""
        for probes in self._passes(_reachable(self._checks, namespaces)):
            engine.carry_out([probes], PATIENCE)
            self._advance(len(probes))
            for probe in probes:
                verdict = judge(probe)
                self._verdicts[probe.check] = verdict
                if not verdict.passed:
                    yield probe

    def _second(self, engine: Engine, namespaces: Namespaces, suspects: list[Probe]) -> None:
        """Probes them once more, traced. What was seen to be wrong at first stays wrong."""
        wrong = {probe.check for probe in suspects if probe.odd}
        again = _reachable([probe.check for probe in suspects], namespaces)
        for start in range(0, len(again), _BATCH):
            groups = list(self._passes(again[start : start + _BATCH]))
            engine.carry_out(groups, SECOND_PATIENCE, trace=True)
            for probe in chain.from_iterable(groups):
                verdict = judge(probe)
                if not verdict.passed or probe.check not in wrong:
                    self._verdicts[probe.check] = verdict

    def _passes(self, checks: Sequence[Check]) -> Iterator[list[Probe]]:
        """By protocol, and apart by size: such probes go out and are compared alike."""
        order = sorted(checks, key=_pass_key)
        for _, members in groupby(order, key=_pass_key):
            yield self._numbered(list(members))

    def _numbered(self, checks: Sequence[Check]) -> list[Probe]:
        return [
            Probe(
                index,
                check,
                oracle.expect(check, self._topology),
                ROUND_TRIP if check.excess is None else ONE_WAY,
            )
            for index, check in enumerate(checks)
        ]

    def _advance(self, count: int) -> None:
        self._done += count
        self._progress(self._done, len(self._checks))

    def _verdict(self, check: Check, findings: Findings, missing: set[Endpoint]) -> Verdict:
        lost = next((end for end in (check.source, check.destination) if end in missing), None)
        if lost:
            return self._failed(check, f"lost after {lost.label}: it has no network namespace")
        finding = findings.get(check.source.ip) or findings.get(check.destination.ip)
        if finding:
            return self._failed(check, finding)
        return self._verdicts[check]

    def _failed(self, check: Check, reason: str) -> Verdict:
        seen = self._verdicts.get(check)
        if seen:
            return seen._replace(passed=False, reason=reason)
        return judge(Probe(0, check, oracle.expect(check, self._topology), ROUND_TRIP))._replace(
            passed=False, reason=reason
        )


def _pass_key(check: Check) -> tuple[int, bool]:
    return plan.PROTOCOLS.index(check.protocol), check.excess is not None


def _ends(checks: Sequence[Check]) -> tuple[Endpoint, ...]:
    """Everyone who is an end of a check, once, in order."""
    ends = dict.fromkeys(end for check in checks for end in (check.source, check.destination))
    return tuple(ends)


def _reachable(checks: Sequence[Check], namespaces: Namespaces) -> list[Check]:
    return [one for one in checks if one.source in namespaces and one.destination in namespaces]


def _left(departed: set[Endpoint]) -> tuple[LeftOut, ...]:
    return tuple(
        LeftOut(one.namespace, one.name, "it went away while verify ran")
        for one in sorted(departed, key=lambda one: one.label)
    )
