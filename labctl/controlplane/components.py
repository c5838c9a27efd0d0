"""The API server's clients that live in its process: controllers and scheduler."""

import asyncio

from labctl.apiserver.server import ApiServer
from labctl.client.client import Client
from labctl.controllers.run import run_controllers
from labctl.scheduler.scheduler import Scheduler

_CONTROLLERS = "system:kube-controller-manager"
_SCHEDULER = "system:kube-scheduler"


async def run_components(server: ApiServer) -> None:
    """Runs all of them, each as its own user, until cancelled or one of them fails."""
    async with asyncio.TaskGroup() as group:
        group.create_task(run_controllers(Client(server.local_transport(_CONTROLLERS))))
        group.create_task(Scheduler(Client(server.local_transport(_SCHEDULER))).run())
