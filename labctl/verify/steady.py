"""A verdict on a lab that held still: what failed while the lab changed is judged again.

An agent that makes a sandbox anew tells of its address a moment after the kernel has it. Until then
the API, by which verify judges, is behind: that is no fault of the network.
"""

from collections.abc import Callable

from labctl.api.objects import Obj
from labctl.errors import LabError
from labctl.verify.topology import Topology

_AGAIN = 2  # a lab that never holds still is judged as it was seen

Look = Callable[[], Topology]


def steady(look: Look, prove: Callable[[Topology], Obj]) -> Obj:
    """The VerifyReport of `prove` for the lab as `look` finds it.

    One that did not pass is given only if the same ends are there afterwards, or nobody can say.
    Raises what the first look and `prove` raise.
    """
    topology = look()
    report = prove(topology)
    for _ in range(_AGAIN):
        if report["passed"]:
            break
        before, topology = topology, _after(look, topology)
        if topology.endpoints == before.endpoints:
            break
        report = prove(topology)
    return report


def _after(look: Look, before: Topology) -> Topology:
    try:
        return look()
    except LabError:  # what was seen was seen, though the API has gone since
        return before
