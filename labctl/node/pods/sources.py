"""The ConfigMaps and Secrets that a container refers to, read when it is about to be made.

`references` says which they are, `read_sources` asks the API for them; environment and volumes are
then functions of values. A pod that refers to none costs no request.
"""

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from labctl.api.kinds.core import CONFIGMAPS, SECRETS
from labctl.api.objects import Obj, namespace
from labctl.client.client import Client
from labctl.errors import LabError, StatusError

Kind = Literal["configmap", "secret"]
RESOURCES = {"configmap": CONFIGMAPS, "secret": SECRETS}
_TOKEN_SECONDS = 3600


class MissingSource(LabError):
    """Something that a container needs is not there; the sentence is the kubelet's."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token of the pod's ServiceAccount that a projected volume asks for."""

    audience: str
    seconds: int


@dataclass(frozen=True)
class Sources:
    """What was there when it was asked for: data by kind and name, tokens."""

    objects: Mapping[tuple[Kind, str], Obj] = field(default_factory=dict)
    tokens: Mapping[Token, str] = field(default_factory=dict)

    def data(self, kind: Kind, at: str, *, optional: bool = False) -> dict[str, bytes]:
        """The keys of a ConfigMap or Secret; raises MissingSource unless it is optional."""
        obj = self.objects.get((kind, at))
        if obj is not None:
            return _data(kind, obj)
        if optional:
            return {}
        raise MissingSource(f'{kind} "{at}" not found')


NO_SOURCES = Sources()


def token_of(source: Mapping[str, Any]) -> Token:
    """What a `serviceAccountToken` of a projected volume asks for."""
    return Token(source.get("audience") or "", source.get("expirationSeconds") or _TOKEN_SECONDS)


def references(pod: Obj, container: Obj) -> set[tuple[Kind, str] | Token]:
    """All that the container's environment and the volumes that it mounts refer to."""
    return {*_of_environment(container), *_of_volumes(pod, container)}


async def read_sources(
    client: Client,
    tokens: Callable[[Obj, Token], Awaitable[str]],
    pod: Obj,
    wanted: set[tuple[Kind, str] | Token],
) -> Sources:
    """What there is of it. Raises StatusError when the API does not answer."""
    if not wanted:
        return NO_SOURCES
    keys = [one for one in wanted if not isinstance(one, Token)]
    objects = await asyncio.gather(*(_object(client, pod, *one) for one in keys))
    found = {key: obj for key, obj in zip(keys, objects, strict=True) if obj is not None}
    asked = [one for one in wanted if isinstance(one, Token)]
    texts = await asyncio.gather(*(tokens(pod, one) for one in asked))
    return Sources(found, dict(zip(asked, texts, strict=True)))


async def _object(client: Client, pod: Obj, kind: Kind, at: str) -> Obj | None:
    try:
        return await client.get(RESOURCES[kind], at, namespace(pod))
    except StatusError as error:
        if error.code == 404:
            return None
        raise


def _of_environment(container: Obj) -> Iterator[tuple[Kind, str]]:
    for source in container.get("envFrom") or ():
        for kind, member in (("configmap", "configMapRef"), ("secret", "secretRef")):
            if member in source:
                yield kind, source[member].get("name", "")  # type: ignore[misc]
    for entry in container.get("env") or ():
        source = entry.get("valueFrom") or {}
        for kind, member in (("configmap", "configMapKeyRef"), ("secret", "secretKeyRef")):
            if member in source:
                yield kind, source[member].get("name", "")  # type: ignore[misc]


def _of_volumes(pod: Obj, container: Obj) -> Iterator[tuple[Kind, str] | Token]:
    mounted = {one["name"] for one in container.get("volumeMounts") or ()}
    for volume in pod["spec"].get("volumes") or ():
        if volume["name"] in mounted:
            yield from volume_references(volume)


def volume_references(volume: Obj) -> Iterator[tuple[Kind, str] | Token]:
    """What a volume is filled with, less what is of the pod itself."""
    if "configMap" in volume:
        yield "configmap", volume["configMap"].get("name", "")
    if "secret" in volume:
        yield "secret", volume["secret"].get("secretName", "")
    for source in (volume.get("projected") or {}).get("sources") or ():
        if "configMap" in source:
            yield "configmap", source["configMap"].get("name", "")
        if "secret" in source:
            yield "secret", source["secret"].get("name", "")
        if "serviceAccountToken" in source:
            yield token_of(source["serviceAccountToken"])


def _data(kind: Kind, obj: Obj) -> dict[str, bytes]:
    if kind == "secret":
        return {key: b64decode(value) for key, value in (obj.get("data") or {}).items()}
    plain = {key: str(value).encode() for key, value in (obj.get("data") or {}).items()}
    binary = {key: b64decode(value) for key, value in (obj.get("binaryData") or {}).items()}
    return {**plain, **binary}
