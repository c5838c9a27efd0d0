"""How much is measured: the whole table, or its quick form."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Numbers of things. `runs` of most measures, `long_runs` of those that take long."""

    runs: int = 5
    long_runs: int = 3
    pods: int = 1000
    nodes: int = 20
    many_pods: int = 2000
    many_nodes: int = 50
    few_pods: int = 200
    few_nodes: int = 5
    mesh: int = 100  # pods that are verified
    pings: int = 5
    idle_nodes: int = 20
    idle_pods: int = 200
    idle_seconds: int = 20
    slices: int = 10  # of traffic, each here and there
    slice_ms: int = 300
    listed: int = 5000
    watchers: int = 200
    changes: int = 1000
    hosts: int = 100  # of Mininet, in each run
    most_hosts: int = 1000  # of Mininet, once
    plugged: int = 200  # pods that the CNI plugin puts on the network

    @property
    def pairs(self) -> int:
        return self.mesh * (self.mesh - 1)


FULL = Sizes()
QUICK = Sizes(
    runs=2,
    long_runs=2,  # one that was disturbed is no verdict
    pods=300,
    nodes=6,
    many_pods=300,
    many_nodes=12,
    few_pods=100,
    few_nodes=4,
    mesh=30,
    pings=3,
    slices=6,
    slice_ms=150,
    hosts=20,
)
