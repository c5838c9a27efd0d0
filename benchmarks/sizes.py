"""How much is measured: the whole table, or its quick form."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Numbers of things, by what they are for."""

    runs: int = 5
    pods: int = 1000
    nodes: int = 20


FULL = Sizes()
QUICK = Sizes(runs=1, pods=200, nodes=5)
