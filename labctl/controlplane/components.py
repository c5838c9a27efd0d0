"""The API server's clients that live in its process: controllers and scheduler."""

import asyncio
from pathlib import Path

from labctl.apiserver.server import ApiServer
from labctl.client.client import Client
from labctl.controllers.run import Authority, run_controllers
from labctl.scheduler.scheduler import Scheduler

_MANAGER = "system:kube-controller-manager"
_SCHEDULER = "system:kube-scheduler"
_NAMESPACE = "kube-system"


async def run_components(server: ApiServer, pki: Path | None = None) -> None:
    """Runs all of them, each as its own user, until cancelled or one of them fails.

    `pki` is where the lab's authority is; without one nothing of it is published.
    """

    def client_of(account: str) -> Client:
        return Client(server.account_transport(_NAMESPACE, account))

    authority = None
    if pki is not None:
        certificate = (pki / "ca.crt").read_text()
        authority = Authority(certificate, server.backend.tokens.sign)
    manager = Client(server.local_transport(_MANAGER))
    async with asyncio.TaskGroup() as group:
        group.create_task(run_controllers(manager, client_of, authority))
        group.create_task(Scheduler(Client(server.local_transport(_SCHEDULER))).run())
