"""create and apply: manifests in, one outcome a manifest out, as kubectl does it.

`apply` remembers what it sent in the annotation that kubectl uses, so both can be used in turn.
"""

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from labctl.api.custom.definition import ESTABLISHED
from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS
from labctl.api.objects import Obj, annotations, condition, name, namespace, without_nulls
from labctl.api.patches import LAST_APPLIED, MERGE_PATCH, STRATEGIC_PATCH, three_way_patch
from labctl.api.schema import definition_of
from labctl.client.client import Client
from labctl.client.wait import wait_for
from labctl.errors import BadInput, StatusError
from labctl.lab.manifests import Manifest
from labctl.lab.words import printed_name

_ATTEMPTS = 5
_DECISION_SECONDS = 10.0


@dataclass(frozen=True)
class Outcome:
    """What became of one manifest: created, configured, unchanged."""

    label: str
    verb: str
    obj: Obj

    def __str__(self) -> str:
        return f"{self.label} {self.verb}"


async def create_all(
    client: Client, manifests: Iterable[Manifest]
) -> AsyncGenerator[Outcome, None]:
    """Creates them in turn; StatusError (AlreadyExists, Invalid, …) ends it."""
    for one in manifests:
        made = await client.create(one.resource, one.obj)
        await wait_served(client, one)
        yield Outcome(printed_name(one.resource, name(made)), "created", made)


async def apply_all(client: Client, manifests: Iterable[Manifest]) -> AsyncGenerator[Outcome, None]:
    """Creates what is not there and patches what differs.

    Every patch is tried by the server first (dryRun), so that one it would refuse changes nothing.
    """
    found = list(manifests)
    for one in found:
        await _apply(client, one, dry_run=True)
    for one in found:
        outcome = await _apply(client, one, dry_run=False)
        await wait_served(client, one)
        if outcome is not None:
            yield outcome


async def wait_served(client: Client, one: Manifest) -> None:
    """Returns when a definition is served, or will not be, so that objects of its kind can follow."""
    if one.resource is CUSTOMRESOURCEDEFINITIONS:
        await wait_for(client, one.resource, name(one.obj), "", _is_decided, _DECISION_SECONDS)


def _is_decided(crd: Obj | None) -> bool:
    return crd is None or condition(crd, ESTABLISHED) is not None


def check_named(one: Manifest) -> None:
    """Raises BadInput for a manifest that leaves its name to the server."""
    if not name(one.obj):
        raise BadInput(f"{one.label}: cannot use generateName with apply")


async def _apply(client: Client, one: Manifest, *, dry_run: bool) -> Outcome | None:
    """With `dry_run` nothing is created and None comes back for what is not there."""
    check_named(one)
    wanted = with_last_applied(one.obj)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return await _apply_once(client, one, wanted, dry_run=dry_run)
        except StatusError as error:
            if error.reason != "Conflict" or attempt == _ATTEMPTS:
                raise
    return None


async def _apply_once(
    client: Client, one: Manifest, wanted: Obj, *, dry_run: bool
) -> Outcome | None:
    present = await _get(client, one)
    label = printed_name(one.resource, name(wanted))
    if present is None:
        if dry_run:
            return None
        made = await client.create(one.resource, wanted)
        return Outcome(label, "created", made)
    patch = patch_for(one, wanted, present)
    if not patch:
        return Outcome(label, "unchanged", present)
    return Outcome(label, "configured", await _patch(client, one, patch, dry_run=dry_run))


async def _get(client: Client, one: Manifest) -> Obj | None:
    try:
        return await client.get(one.resource, name(one.obj), namespace(one.obj))
    except StatusError as error:
        if error.reason == "NotFound":
            return None
        raise


async def _patch(client: Client, one: Manifest, patch: Obj, *, dry_run: bool) -> Obj:
    return await client.transport.request(
        "PATCH",
        one.resource.path(namespace(one.obj), name(one.obj)),
        query={"dryRun": "All"} if dry_run else {},
        body=patch,
        content_type=STRATEGIC_PATCH if definition_of(one.resource) else MERGE_PATCH,
    )


def patch_for(one: Manifest, wanted: Obj, present: Obj) -> Obj:
    """What has to be sent so that `present` becomes as `wanted`; empty for nothing."""
    last: Any = {}
    text = annotations(present).get(LAST_APPLIED)
    if text:
        last = msgspec.json.decode(text)
    wished = {k: v for k, v in wanted.items() if k not in ("apiVersion", "kind", "status")}
    last = {k: v for k, v in last.items() if k not in ("apiVersion", "kind", "status")}
    return three_way_patch(one.resource, last, wished, present)


def with_last_applied(obj: Obj) -> Obj:
    """The manifest with its own text in the annotation, as kubectl writes it."""
    obj = without_nulls(obj)
    metadata = obj["metadata"]
    others = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != LAST_APPLIED}
    plain = {**obj, "metadata": {**metadata, "annotations": others}}
    text = msgspec.json.encode(plain, order="sorted").decode() + "\n"
    return {**obj, "metadata": {**metadata, "annotations": {**others, LAST_APPLIED: text}}}
