"""All controllers of a lab's control plane, on one set of caches."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from labctl.client.client import Client
from labctl.client.events import EventRecorder
from labctl.controllers.account_tokens import AccountTokenController, Sign
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
from labctl.controllers.role_aggregation import RoleAggregationController
from labctl.controllers.root_ca import RootCaPublisher
from labctl.controllers.service_account import ServiceAccountController
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
    "serviceaccount-controller": ServiceAccountController,
    "clusterrole-aggregation-controller": RoleAggregationController,
}

# Each acts as the account of its name in kube-system, for which there is a role of that name in
# labctl.apiserver.authorization.default_roles; these have an account of another name.
_ACCOUNTS: Final = {
    "daemonset-controller": "daemon-set-controller",
    "taint-eviction-controller": "node-controller",
    "garbage-collector-controller": "generic-garbage-collector",
    "cidrAllocator": "node-controller",
    "controllermanager": "disruption-controller",
    "serviceaccount-controller": "service-account-controller",
}

ClientOf = Callable[[str], Client]


@dataclass(frozen=True)
class Authority:
    """What of the lab's keys controllers hand out: its certificate, and tokens."""

    certificate: str
    sign: Sign


async def run_controllers(
    client: Client, client_of: ClientOf, authority: Authority | None = None
) -> None:
    """Runs them until cancelled. A failure of one ends all: their process is started again.

    `client` reads for all of them; each writes by the client of its own account.
    """
    caches = Caches(client)
    settings = Settings(client)
    kinds = Kinds(client, caches)

    def desk(component: str, writer: Client) -> Desk:
        return Desk(writer, EventRecorder(writer, component), caches, settings, kinds)

    desks = {
        component: desk(component, client_of(_ACCOUNTS.get(component, component)))
        for component in _CONTROLLERS
    }
    controllers = [make(desks[component]) for component, make in _CONTROLLERS.items()]
    if authority is not None:
        publisher = desk("root-ca-cert-publisher", client_of("root-ca-cert-publisher"))
        controllers += [
            RootCaPublisher(publisher, authority.certificate),
            AccountTokenController(desk("tokens", client), authority.sign, authority.certificate),
        ]
    recorders = [one.recorder for one in desks.values()]
    async with asyncio.TaskGroup() as group:
        parts: tuple[Controller, ...] = (settings, caches, kinds, *recorders, *controllers)
        for part in parts:
            group.create_task(part.run())
