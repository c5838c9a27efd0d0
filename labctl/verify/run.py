"""A run of verify, from a topology to a report.

Passes go by protocol; what failed is sent once more, on fresh ids and ports, with captures on every
interface of its way, so that a passing fault of a busy machine does not count and a real one can be
told with its hop.
"""

import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from labctl.verify.namespaces import DEPARTED, Namespaces
from labctl.verify.plan import Check
from labctl.verify.poller import Poller
from labctl.verify.probe import ONE_WAY, ROUND_TRIP, Probe
from labctl.verify.report import EXPLAINED, Result, report
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
        raise LabError("nothing to verify", "it needs pods that run: labctl create deployment …")
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
        self._trails = 0
        self._verdicts: dict[Check, Verdict] = {}

    def results(self) -> tuple[Topology, list[Result]]:
        """Every check with its verdict, and the topology with those who left meanwhile."""
        everyone = (*self._topology.endpoints, self._topology.fabric)
        with Namespaces(everyone) as namespaces:
            findings = addresses.examine(self._topology, namespaces)
            self._probe(namespaces)
            absent = {end: why for end in _ends(self._checks) if (why := namespaces.absence(end))}
        departed = {end for end, why in absent.items() if why == DEPARTED}
        judged = replace(self._topology, left_out=self._topology.left_out + _left(departed))
        results = [
            Result(check, self._verdict(check, findings, absent))
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
        for members in _passes(self._checks):
            probes = self._probes(members, namespaces)
            if probes:
                engine.carry_out([probes], PATIENCE)
            self._advance(len(members))
            for probe in probes:
                verdict = judge(probe)
                self._verdicts[probe.check] = verdict
                if not verdict.passed:
                    yield probe

    def _second(self, engine: Engine, namespaces: Namespaces, suspects: list[Probe]) -> None:
        """Probes them once more, traced. What was seen to be wrong at first stays wrong."""
        wrong = {probe.check for probe in suspects if probe.odd}
        for start in range(0, len(suspects), _BATCH):
            again = [probe.check for probe in suspects[start : start + _BATCH]]
            groups = [self._probes(members, namespaces) for members in _passes(again)]
            engine.carry_out([one for one in groups if one], SECOND_PATIENCE, trace=True)
            for probe in chain.from_iterable(groups):
                verdict = judge(probe)
                if not verdict.passed or probe.check not in wrong:
                    self._verdicts[probe.check] = self._trimmed(verdict)

    def _trimmed(self, verdict: Verdict) -> Verdict:
        """Without the trail, once there are enough to explain: sightings by the ten thousand."""
        self._trails += bool(verdict.trail)
        return verdict if self._trails <= EXPLAINED else verdict._replace(trail=())

    def _probes(self, checks: Sequence[Check], namespaces: Namespaces) -> list[Probe]:
        """The checks whose ends are there, numbered."""
        here = [one for one in checks if one.source in namespaces and one.destination in namespaces]
        return self._numbered(here)

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

    def _verdict(self, check: Check, findings: Findings, absent: Mapping[Endpoint, str]) -> Verdict:
        for end in (check.source, check.destination):
            if end in absent:
                return self._failed(check, f"lost after {end.label}: {absent[end]}")
        finding = findings.get(check.source.ip) or findings.get(check.destination.ip)
        return self._failed(check, finding) if finding else self._verdicts[check]

    def _failed(self, check: Check, reason: str) -> Verdict:
        """A verdict for a reason of its own; what was seen of the check, if anything, stays."""
        (unsent,) = self._numbered([check])
        verdict = self._verdicts.get(check) or judge(unsent)
        return verdict._replace(passed=False, reason=reason)


def _passes(checks: Sequence[Check]) -> list[list[Check]]:
    """By protocol, and apart by size: such probes go out and are compared alike."""
    order = sorted(checks, key=_pass_key)
    return [list(members) for _, members in groupby(order, key=_pass_key)]


def _pass_key(check: Check) -> tuple[int, bool]:
    return plan.PROTOCOLS.index(check.protocol), check.excess is not None


def _ends(checks: Sequence[Check]) -> tuple[Endpoint, ...]:
    """Everyone who is an end of a check, once, in order."""
    ends = dict.fromkeys(end for check in checks for end in (check.source, check.destination))
    return tuple(ends)


def _left(departed: set[Endpoint]) -> tuple[LeftOut, ...]:
    return tuple(
        LeftOut(one.namespace, one.name, DEPARTED)
        for one in sorted(departed, key=lambda one: one.label)
    )
