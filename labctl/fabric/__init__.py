"""The fabric: the simulated physical network of a lab, in namespaces of its own.

One segment (a bridge), a router with a leg on it, a cable to each node and to the control plane,
and behind the router `outside`, a host that stands for the internet. `topology` says what that is
for a lab, `converge` makes it so, `keeper` keeps it so, `cable` pulls cables out, `boot` blanks a
node, `removal` takes all away.
"""

from labctl.fabric.boot import boot
from labctl.fabric.cable import cut, mend
from labctl.fabric.convergence import converge, plan
from labctl.fabric.removal import remove
from labctl.fabric.topology import CONTROL_PLANE_PORT as CONTROL_PLANE
from labctl.fabric.topology import desired_fabric

__all__ = ["CONTROL_PLANE", "boot", "converge", "cut", "desired_fabric", "mend", "plan", "remove"]
