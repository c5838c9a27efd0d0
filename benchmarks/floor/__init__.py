"""The floor: the least that pods cost in kernel and pause, measured without any code of labctl.

For each pod a network namespace with a pause process in it, a veth pair made in one message with
both ends where they belong, the node's end a port of the node's bridge, the pod's end up with an
address and a default route. Nothing else: no API, no container, no name, no wait for the carrier.
"""

import json
import subprocess
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Floor:
    """What it took to make pods: seconds after which each was there, and processor time of all.

    `removed` are the seconds from the end of the first pause until the kernel had no veth any more.
    """

    after: list[float]
    processor: float
    removed: float

    @property
    def seconds(self) -> float:
        return self.after[-1]


def floor(pods: int, nodes: int) -> Floor:
    """Makes so many pods on so many nodes in a process of its own, and takes them away again."""
    words = [sys.executable, "-m", "benchmarks.floor", str(pods), str(nodes)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE)
    return Floor(**json.loads(done.stdout))


def settle() -> None:
    """Returns when the kernel has taken apart every namespace that had nobody left before.

    It does so behind everybody's back, one lot after the other: a pod that is made and removed now
    is in a later lot.
    """
    floor(1, 1)
