"""Custom kinds on a server that tests ask."""

from collections.abc import Callable

from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS as CRDS
from labctl.api.objects import Obj, is_condition_true
from labctl.api.resource import Resource
from labctl.apiserver.server import ApiServer
from labctl.client.client import Client
from labctl.client.wait import wait_for

NAME = "crontabs.stable.example.com"
SUBRESOURCES = {
    "status": {},
    "scale": {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.labelSelector",
    },
}


def is_established(crd: Obj | None) -> bool:
    return crd is not None and is_condition_true(crd, "Established")


async def define(api: Client, crd: Obj) -> Obj:
    """The definition once it is established."""
    made = await api.create(CRDS, crd)
    found = await wait_for(api, CRDS, made["metadata"]["name"], "", is_established, 10)
    assert found is not None
    return found


async def until(api: Client, holds: Callable[[Obj | None], bool], name: str = NAME) -> Obj | None:
    return await wait_for(api, CRDS, name, "", holds, 10)


def served(server: ApiServer, api_version: str = "v1", plural: str = "crontabs") -> Resource:
    found = server.served.catalog.find("stable.example.com", api_version, plural)
    assert found is not None
    return found
