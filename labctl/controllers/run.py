"""All controllers of a lab's control plane, on one set of caches."""

import asyncio
from collections.abc import Callable
from typing import Final

from labctl.client.client import Client
from labctl.client.events import EventRecorder
from labctl.controllers.caches import Caches
from labctl.controllers.controller import Controller, Desk
from labctl.controllers.daemonset import DaemonSetController
from labctl.controllers.deployment import DeploymentController
from labctl.controllers.disruption import DisruptionController
from labctl.controllers.garbage import GarbageCollector
from labctl.controllers.kinds import Kinds
from labctl.controllers.namespace import NamespaceController
from labctl.controllers.node_ipam import NodeIpamController
from labctl.controllers.node_lifecycle import NodeLifecycleController
from labctl.controllers.pod_gc import PodGcController
from labctl.controllers.quota import QuotaController
from labctl.controllers.replicaset import ReplicaSetController
from labctl.controllers.settings import Settings
from labctl.controllers.statefulset import StatefulSetController
from labctl.controllers.taint_eviction import TaintEvictionController

# By the component that Events name as their source.
_CONTROLLERS: Final[dict[str, Callable[[Desk], Controller]]] = {
    "deployment-controller": DeploymentController,
    "replicaset-controller": ReplicaSetController,
    "daemonset-controller": DaemonSetController,
    "statefulset-controller": StatefulSetController,
    "node-controller": NodeLifecycleController,
    "taint-eviction-controller": TaintEvictionController,
    "pod-garbage-collector": PodGcController,
    "garbage-collector-controller": GarbageCollector,
    "namespace-controller": NamespaceController,
    "cidrAllocator": NodeIpamController,
    "controllermanager": DisruptionController,
    "resourcequota-controller": QuotaController,
}


async def run_controllers(client: Client) -> None:
    """Runs them until cancelled. A failure of one ends all: their process is started again."""
    caches = Caches(client)
    settings = Settings(client)
    kinds = Kinds(client, caches)
    recorders = {component: EventRecorder(client, component) for component in _CONTROLLERS}
    controllers = [
        make(Desk(client, recorders[component], caches, settings, kinds))
        for component, make in _CONTROLLERS.items()
    ]
    async with asyncio.TaskGroup() as group:
        parts: tuple[Controller, ...] = (settings, caches, kinds, *recorders.values(), *controllers)
        for part in parts:
            group.create_task(part.run())
