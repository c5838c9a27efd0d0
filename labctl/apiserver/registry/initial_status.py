"""What the status of a new object is before anybody acts on it.

In Go a status is never absent: counts are 0 and the rest is empty. Typed clients read it as soon as
the object is created, and some fail where it is not there.
"""

from labctl.api.kinds.apps import DAEMONSETS, REPLICASETS, STATEFULSETS
from labctl.api.kinds.autoscaling import HORIZONTALPODAUTOSCALERS
from labctl.api.kinds.cluster import VOLUMEATTACHMENTS
from labctl.api.kinds.core import REPLICATIONCONTROLLERS, SERVICES
from labctl.api.kinds.networking import INGRESSES
from labctl.api.kinds.policy import PODDISRUPTIONBUDGETS
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.api.resources import RESOURCES

_BALANCER: Obj = {"loadBalancer": {}}
_DAEMONS = (
    "currentNumberScheduled",
    "desiredNumberScheduled",
    "numberMisscheduled",
    "numberReady",
)
_BUDGET = ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")

_EMPTY: dict[Resource, Obj] = {
    **{one: {} for one in RESOURCES if one.has_status},
    DAEMONSETS: dict.fromkeys(_DAEMONS, 0),
    HORIZONTALPODAUTOSCALERS: {"desiredReplicas": 0},
    INGRESSES: _BALANCER,
    PODDISRUPTIONBUDGETS: dict.fromkeys(_BUDGET, 0),
    REPLICASETS: {"replicas": 0},
    REPLICATIONCONTROLLERS: {"replicas": 0},
    SERVICES: _BALANCER,
    STATEFULSETS: {"replicas": 0, "availableReplicas": 0},
    VOLUMEATTACHMENTS: {"attached": False},
}


def empty_status(resource: Resource) -> Obj | None:
    """The status of a new object of a built-in kind; None for a kind that is given none."""
    return _EMPTY.get(resource)
