"""The measures, one a file. Each is given sizes, and adds what it found to the findings."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.findings import Findings
from benchmarks.measures.api import api
from benchmarks.measures.containers import containers
from benchmarks.measures.growth import growth
from benchmarks.measures.idle import idle
from benchmarks.measures.kubectl import kubectl
from benchmarks.measures.peers import peers
from benchmarks.measures.pod_traffic import pod_traffic
from benchmarks.measures.small_lab import small_lab
from benchmarks.measures.stores import stores
from benchmarks.measures.thousand_pods import thousand_pods
from benchmarks.sizes import Sizes


@dataclass(frozen=True)
class Measure:
    """`rounds` says in how many rounds of a run it takes part."""

    run: Callable[[Sizes, Findings], None]
    rounds: Callable[[Sizes], int]


def _every(sizes: Sizes) -> int:
    return sizes.runs


def _long(sizes: Sizes) -> int:
    return sizes.long_runs


def _once(_sizes: Sizes) -> int:
    return 1


MEASURES = {
    "pods": Measure(thousand_pods, _every),
    "growth": Measure(growth, _long),
    "lab": Measure(small_lab, _every),
    "idle": Measure(idle, _long),
    "traffic": Measure(pod_traffic, _long),
    "api": Measure(api, _long),
    "peers": Measure(peers, _once),
    "kubectl": Measure(kubectl, _long),
    "containers": Measure(containers, _once),
    "stores": Measure(stores, _once),
}
TABLE = ("pods", "growth", "lab", "idle", "traffic", "api", "peers", "kubectl")
QUICK = ("pods", "growth", "traffic")  # where ratios have targets
