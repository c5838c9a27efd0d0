"""The lab's API objects: from the API or, where nobody answers, from the file of its store."""

import asyncio
from collections import defaultdict

import msgspec

from labctl import names
from labctl.api.kinds.core import NODES
from labctl.api.objects import Obj
from labctl.api.resources import BUILT_IN
from labctl.client.client import Client
from labctl.client.discovery import discover
from labctl.lab import connect
from labctl.lab.bundle import store_file
from labctl.lab.bundle.sources import Objects

_SECONDS = 30.0
_FIRST_SECONDS = 3.0  # who does not list nodes within that time will not list more


def from_api(lab: str) -> Objects:
    """Raises LabError, TimeoutError."""
    return asyncio.run(_list_all(connect.client(lab)))


async def _list_all(client: Client) -> Objects:
    async with asyncio.timeout(_FIRST_SECONDS):
        await client.list(NODES)
    found: Objects = {}
    async with asyncio.timeout(_SECONDS):
        for resource in BUILT_IN.beside(await discover(client)).stored:
            if resource.stored is None and "list" in resource.verbs:
                found.setdefault(resource.qualified, (await client.list(resource)).items)
    return {kind: items for kind, items in found.items() if items}


def from_store(lab: str) -> Objects:
    """What the file has; raises LabError."""
    found: Objects = defaultdict(list)
    for item in store_file.items(names.store_file(lab)):
        _, group, plural, _ = item.key.split("/", 3)
        obj = msgspec.json.decode(item.value, type=Obj)
        obj["metadata"]["resourceVersion"] = str(item.revision)
        found[plural if group == "core" else f"{plural}.{group}"].append(obj)
    return dict(found)
