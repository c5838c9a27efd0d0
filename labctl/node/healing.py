"""What was mended on a node, and whose it was."""

from collections.abc import Iterable
from dataclasses import dataclass

from labctl.net.findings import Finding, finding
from labctl.net.operations import Operation
from labctl.node.snapshot import PodPort


@dataclass(frozen=True, slots=True)
class Mended:
    """An operation that was done. `port` is the pod's that it is about, if it is about one.

    It was done on the node, or `inside` the pod's own namespace.
    """

    operation: Operation
    port: PodPort | None = None
    inside: bool = False

    @property
    def place(self) -> str:
        if not self.inside or self.port is None:
            return ""
        return f"in pod {self.port.namespace}/{self.port.pod}: "

    @property
    def finding(self) -> Finding:
        return finding(self.operation, self.place)


def patient(done: Iterable[Mended]) -> PodPort | None:
    """The pod that all of it is about; None where the node was hurt, or several pods."""
    ports = {one.port for one in done}
    return ports.pop() if len(ports) == 1 else None
