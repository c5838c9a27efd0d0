"""A node makes itself known: its Node object, created or taken over, and its Lease, kept fresh."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from labctl.api.kinds.coordination import LEASES
from labctl.api.kinds.core import NODES
from labctl.api.lab import NodeSpec
from labctl.api.objects import Obj, labels, now_micro
from labctl.client.backoff import Backoff
from labctl.client.client import Client
from labctl.errors import StatusError
from labctl.node.machine import Machine
from labctl.node.node_object import LEASE_NAMESPACE, lease, node_labels, node_object

_FIRST_RETRY, _LAST_RETRY = 0.05, 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Identity:
    """What a node registers with."""

    spec: NodeSpec
    address: str
    machine: Machine


async def register(client: Client, identity: Identity, problems: tuple[str, ...]) -> Obj:
    """Creates the Node, or takes over the one that is there; tries until the API answers."""
    backoff = Backoff(_FIRST_RETRY, _LAST_RETRY)
    while True:
        try:
            return await _register_once(client, identity, problems)
        except StatusError as error:
            level = logging.WARNING if backoff.failures == 0 else logging.DEBUG
            _log.log(level, "registering: %s", error.message)
            await asyncio.sleep(backoff.next())


async def _register_once(client: Client, identity: Identity, problems: tuple[str, ...]) -> Obj:
    spec, machine = identity.spec, identity.machine
    node = node_object(spec, identity.address, machine, problems)
    try:
        return await client.create(NODES, node)
    except StatusError as error:
        if error.code != 409:
            raise
    return await _take_over(client, spec.name, node_labels(spec, machine))


async def _take_over(client: Client, node: str, wanted: dict[str, str]) -> Obj:
    """Labels are brought up to date; taints stay as somebody may have set them since."""
    found = await client.get(NODES, node)
    if labels(found).items() >= wanted.items():
        return found
    return await client.patch(NODES, node, {"metadata": {"labels": wanted}})


async def keep_lease(client: Client, node: Obj, seconds: Callable[[], float]) -> None:
    """Renews the node's Lease every `seconds()`, until cancelled; sooner after a failure."""
    backoff = Backoff(_FIRST_RETRY, _LAST_RETRY)
    while True:
        try:
            await _renew(client, lease(node, now_micro()))
        except StatusError as error:
            level = logging.WARNING if backoff.failures == 0 else logging.DEBUG
            _log.log(level, "renewing the lease: %s", error.message)
            await asyncio.sleep(min(backoff.next(), seconds()))
        else:
            backoff.reset()
            await asyncio.sleep(seconds())


async def _renew(client: Client, fresh: Obj) -> None:
    try:
        await client.patch(
            LEASES, fresh["metadata"]["name"], {"spec": fresh["spec"]}, LEASE_NAMESPACE
        )
    except StatusError as error:
        if error.code != 404:
            raise
        await client.create(LEASES, fresh)
